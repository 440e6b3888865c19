"""What the commands about commands do: find one, show their keys, change them."""

from collections.abc import Mapping

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.keymap import Keymap


class HelpCommands:
    """Opens the dialogs (imported when first needed); `use` comes once the actions are built."""

    def __init__(self, window: QWidget, settings: Settings) -> None:
        self._window, self._settings = window, settings
        self._actions: Mapping[str, QAction] = {}
        self._keymap: Keymap | None = None

    def use(self, actions: Mapping[str, QAction]) -> None:
        """Give the actions their keys."""
        self._actions = actions
        self._keymap = Keymap(self._settings, actions)

    @property
    def keymap(self) -> Keymap:
        """The keys of all commands."""
        if self._keymap is None:
            raise RuntimeError("the actions are not built yet")
        return self._keymap

    def show_palette(self) -> None:
        """Let the person find a command by a few letters."""
        from mrcnn_gui.ui.dialogs.command_palette import CommandPalette

        palette = CommandPalette(self._actions, self.keymap, self._window)
        palette.show()
        palette.activateWindow()  # a window without a frame is not given the keyboard everywhere

    def show_shortcuts(self) -> None:
        """Show the sheet of shortcuts."""
        from mrcnn_gui.ui.dialogs.shortcuts import ShortcutSheet

        sheet = ShortcutSheet(self.keymap, self._window)
        sheet.change_asked.connect(self.change_shortcuts)
        sheet.open()

    def change_shortcuts(self) -> None:
        """Let the person give commands other keys."""
        from mrcnn_gui.ui.dialogs.shortcut_editor import ShortcutEditor

        ShortcutEditor(self.keymap, self._window).open()
