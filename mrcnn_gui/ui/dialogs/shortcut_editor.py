"""Give commands other keys."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.ui.actions import COMMANDS, Command
from mrcnn_gui.ui.keymap import Keymap
from mrcnn_gui.ui.theme import SPACE, drop_button_icons, quiet_label

_COMMAND, _KEYS, _MENU = range(3)


class ShortcutEditor(QDialog):
    """A table of commands, and a field that takes the keys for the chosen one."""

    def __init__(self, keymap: Keymap, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Change shortcuts")
        self.resize(640, 560)
        self._keymap = keymap
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a command")
        self.search.setAccessibleName("Find a command")
        self.table = self._make_table()
        self.keys = QKeySequenceEdit()
        self.keys.setMaximumSequenceLength(1)
        self.keys.setAccessibleName("New shortcut")
        self.set_button, self.clear_button = QPushButton("&Set"), QPushButton("&None")
        self.note = quiet_label()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.reset_button = self.buttons.addButton(
            "&Reset all", QDialogButtonBox.ButtonRole.ResetRole
        )
        drop_button_icons(self.buttons)
        self._lay_out()
        self._connect()
        self._fill()
        self.choose(COMMANDS[0])

    def _make_table(self) -> QTreeWidget:
        table = QTreeWidget()
        table.setAccessibleName("Commands and their shortcuts")
        table.setRootIsDecorated(False)
        table.setUniformRowHeights(True)
        table.setHeaderLabels(["Command", "Shortcut", "Menu"])
        table.header().setStretchLastSection(False)
        table.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.header().setSectionResizeMode(_COMMAND, QHeaderView.ResizeMode.Stretch)
        for _ in COMMANDS:
            table.addTopLevelItem(QTreeWidgetItem())
        return table

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.keys, 1)
        row.addWidget(self.set_button)
        row.addWidget(self.clear_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(2 * SPACE)
        column.addWidget(self.search)
        column.addWidget(self.table, 1)
        column.addLayout(row)
        column.addWidget(self.note)
        column.addWidget(self.buttons)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._filter)
        self.table.currentItemChanged.connect(self._choose)
        self.keys.keySequenceChanged.connect(self._refresh)
        self.set_button.clicked.connect(self._set)
        self.clear_button.clicked.connect(self._clear)
        self.reset_button.clicked.connect(self._keymap.reset)
        self._keymap.changed.connect(self._fill)
        self.buttons.rejected.connect(self.reject)

    def choose(self, command: Command) -> None:
        """Show a command as the one whose keys are changed."""
        self.table.setCurrentIndex(self.table.model().index(COMMANDS.index(command), _COMMAND))

    @property
    def _command(self) -> Command:
        return COMMANDS[self.table.currentIndex().row()]

    def _fill(self) -> None:
        for row, command in enumerate(COMMANDS):
            item = self.table.topLevelItem(row)
            if item is None:
                continue
            words = command.text.replace("&", "").rstrip("…")
            texts = (words, self._keymap.text(command), command.menu.replace("&", ""))
            font = item.font(_KEYS)
            font.setBold(self._keymap.is_changed(command))
            item.setFont(_KEYS, font)
            for column, text in enumerate(texts):
                item.setText(column, text)
        self._refresh()

    def _filter(self, wanted: str) -> None:
        for row in range(self.table.topLevelItemCount()):
            item = self.table.topLevelItem(row)
            if item is not None:
                texts = " ".join(item.text(column) for column in range(3))
                item.setHidden(wanted.casefold() not in texts.casefold())

    def _choose(self, *_: object) -> None:
        self.keys.clear()
        self._refresh()

    def _refresh(self, *_: object) -> None:
        keys, chosen = self.keys.keySequence().toString(), self.table.currentItem()
        self.set_button.setEnabled(bool(keys) and chosen is not None)
        self.clear_button.setEnabled(chosen is not None)
        owner = self._keymap.owner(keys) if keys else None
        taken = owner is not None and chosen is not None and owner != self._command
        words = owner.text.replace("&", "").rstrip("…") if owner else ""
        self.note.setText(
            f"“{words}” has these keys and will lose them."
            if taken
            else "Choose a command, click the field and press the keys. Bold ones are yours."
        )

    def _set(self) -> None:
        keys = self.keys.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        self._keymap.change(self._command, [keys])
        self.keys.clear()

    def _clear(self) -> None:
        self._keymap.change(self._command, [])
