"""Every command under one key: type a few letters, press Enter."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.ui.actions import COMMANDS, Command
from mrcnn_gui.ui.fuzzy import fuzzy_score
from mrcnn_gui.ui.keymap import Keymap
from mrcnn_gui.ui.theme import SPACE

_SIZE = (560, 380)
_ID = Qt.ItemDataRole.UserRole
_MOVES = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}


class CommandPalette(QDialog):
    """A line to type in and the commands that fit; those that make no sense now are pale."""

    def __init__(self, actions: Mapping[str, QAction], keymap: Keymap, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._actions, self._keymap = actions, keymap
        self.line = QLineEdit()
        self.line.setPlaceholderText("Find a command")
        self.line.setAccessibleName("Find a command")
        self.line.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setAccessibleName("Commands")
        self.list.setColumnCount(3)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        column.addWidget(self.line)
        column.addWidget(self.list, 1)
        self.line.textChanged.connect(self._fill)
        self.line.returnPressed.connect(self._run)
        self.list.itemClicked.connect(self._run)
        self._place(parent)
        self._fill("")
        self.line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move in the list while the line has the keyboard."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            moves = Qt.Key(event.key()) in _MOVES
            if moves:
                self.list.keyPressEvent(event)
            return moves
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """A click beside it puts it away."""
        if event.type() == QEvent.Type.WindowDeactivate:
            self.close()
        return super().event(event)

    def _place(self, window: QWidget) -> None:
        self.resize(*_SIZE)
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - _SIZE[0]) // 2, corner.y() + window.height() // 8)

    def _fill(self, wanted: str) -> None:
        self.list.clear()
        fitting = [(_fit(wanted, command), command) for command in COMMANDS]
        found = [(score, command) for score, command in fitting if score is not None]
        for _, command in sorted(found, key=lambda pair: -pair[0]) if wanted else found:
            self.list.addTopLevelItem(self._item(command))
        first = self.list.topLevelItem(0)
        if first is not None:
            self.list.setCurrentItem(first)

    def _item(self, command: Command) -> QTreeWidgetItem:
        action = self._actions[command.id]
        item = QTreeWidgetItem(
            [_plain(action.text()), self._keymap.text(command), command.menu[1:]]
        )
        item.setData(0, _ID, command.id)
        item.setToolTip(0, command.tooltip)
        if not action.isEnabled():
            item.setForeground(0, self.palette().placeholderText())
        return item

    def _run(self, *_: object) -> None:
        item = self.list.currentItem()
        action = self._actions[item.data(0, _ID)] if item is not None else None
        if action is not None and action.isEnabled():
            self.close()
            action.trigger()


def _fit(wanted: str, command: Command) -> int | None:
    """Fit of the words in the menu; the explanation counts too, but less."""
    own = fuzzy_score(wanted, _plain(command.text))
    if own is not None:
        return own + 10_000
    return 0 if wanted.casefold() in command.tooltip.casefold() else None


def _plain(text: str) -> str:
    return text.replace("&", "").rstrip("…")
