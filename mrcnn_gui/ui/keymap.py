"""Which keys call which command: those of the table, and what the person has changed."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence

from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.actions import COMMANDS, Command, words_of_keys


class Keymap(QObject):
    """Gives the actions their shortcuts; a key calls one command at most.

    Changes are kept in the settings, for all projects.
    """

    changed = Signal()

    def __init__(self, settings: Settings, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._settings, self._actions = settings, actions
        self._own = settings.shortcuts
        self._apply()

    def keys(self, command: Command) -> tuple[str, ...]:
        """The keys that call a command, the first is the one shown."""
        return tuple(self._own.get(command.id, command.keys))

    def text(self, command: Command) -> str:
        """The same in the platform's words."""
        return words_of_keys(self.keys(command))

    def owner(self, keys: str) -> Command | None:
        """The command that these keys call."""
        wanted = QKeySequence(keys)
        for command in COMMANDS:
            if any(QKeySequence(each) == wanted for each in self.keys(command)):
                return command
        return None

    def is_changed(self, command: Command) -> bool:
        """Whether the keys are not those of the table."""
        return command.id in self._own

    def change(self, command: Command, keys: Sequence[str]) -> None:
        """Give a command other keys; whichever command had one of them loses it."""
        for each in keys:
            loser = self.owner(each)
            if loser is not None and loser != command:
                kept = [it for it in self.keys(loser) if QKeySequence(it) != QKeySequence(each)]
                self._own[loser.id] = kept
        self._own[command.id] = list(keys)
        self._keep()

    def reset(self) -> None:
        """Back to the keys of the table."""
        self._own.clear()
        self._keep()

    def _keep(self) -> None:
        by_id = {command.id: command for command in COMMANDS}
        self._own = {
            key: keys
            for key, keys in self._own.items()
            if key in by_id and list(by_id[key].keys) != keys
        }
        self._settings.shortcuts = self._own
        self._apply()
        self.changed.emit()

    def _apply(self) -> None:
        for command in COMMANDS:
            action, keys = self._actions[command.id], self.text(command)
            action.setShortcuts([QKeySequence(each) for each in self.keys(command)])
            action.setToolTip(f"{command.tooltip}  ({keys})" if keys else command.tooltip)
