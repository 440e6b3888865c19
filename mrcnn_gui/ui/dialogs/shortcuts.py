"""The sheet of shortcuts, made from the table of commands."""

from html import escape
from itertools import groupby

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.ui.actions import COMMANDS, GESTURES, Command
from mrcnn_gui.ui.keymap import Keymap
from mrcnn_gui.ui.theme import SPACE, drop_button_icons

_COLUMNS = (
    ("&File", "&Edit", "&Help"),
    ("&Tools", "Mas&k", "&Category"),
    ("I&nstance", "&Image", "&Model"),
    ("&View",),
)


class ShortcutSheet(QDialog):
    """Every command that has a shortcut, by menu, and the gestures of the mouse.

    Signals:
        change_asked: The person wants other keys.
    """

    change_asked = Signal()

    def __init__(self, keymap: Keymap, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard shortcuts")
        groups = {menu: list(rows) for menu, rows in groupby(COMMANDS, lambda it: it.menu)}
        columns = QHBoxLayout()
        columns.setSpacing(6 * SPACE)
        for menus in _COLUMNS:
            text = "".join(_menu_html(menu, groups[menu], keymap) for menu in menus)
            if "&File" in menus:
                text += _table_html("Mouse", list(GESTURES))
            columns.addWidget(_sheet(text), alignment=Qt.AlignmentFlag.AlignTop)
        page = QWidget()
        page.setLayout(columns)
        columns.setContentsMargins(0, 0, 0, 0)
        area = QScrollArea()
        area.setAccessibleName("All shortcuts")
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(page)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        change = buttons.addButton("Change…", QDialogButtonBox.ButtonRole.ActionRole)
        change.clicked.connect(self.accept)
        change.clicked.connect(self.change_asked)
        drop_button_icons(buttons)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.addWidget(area)
        column.addWidget(buttons)
        room = self.screen().availableSize() * 0.9
        self.resize((page.sizeHint() + QSize(8, 16) * SPACE + QSize(24, 40)).boundedTo(room))


def _menu_html(menu: str, commands: list[Command], keymap: Keymap) -> str:
    single = [command for command in commands if not command.id.startswith("category_")]
    rows = [(keymap.text(command), command.text) for command in single]
    if len(single) < len(commands):
        rows.append(("1 … 9", "Use, give or accept as that category"))
    return _table_html(menu, rows)


def _table_html(title: str, rows: list[tuple[str, str]]) -> str:
    lines = "".join(
        f"<tr><td style='padding-right:16px'><b>{escape(keys)}</b></td>"
        f"<td>{escape(text.replace('&', '').rstrip('…'))}</td></tr>"
        for keys, text in rows
    )
    return f"<h4>{escape(title.replace('&', ''))}</h4><table cellpadding='2'>{lines}</table>"


def _sheet(html: str) -> QLabel:
    label = QLabel(html)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
