"""The sheet of shortcuts, made from the table of commands."""

from collections.abc import Sequence
from dataclasses import dataclass
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

_MOST_COLUMNS = 4
_TITLE_ROWS = 2  # that a title and the gap above it are as high as


@dataclass(frozen=True)
class _Block:
    """A title with its rows, as HTML."""

    html: str
    height: int  # in rows


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
        blocks = [_menu_block(menu, rows, keymap) for menu, rows in groups.items()]
        blocks.append(_block("Mouse", list(GESTURES)))
        room = self.screen().availableSize() * 0.9
        frame = QSize(8, 16) * SPACE + QSize(24, 40)
        page = _page(blocks, _MOST_COLUMNS)
        for count in range(_MOST_COLUMNS - 1, 0, -1):  # it scrolls down rather than sideways
            if page.sizeHint().width() + frame.width() > room.width():
                page = _page(blocks, count)
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
        self.resize((page.sizeHint() + frame).boundedTo(room))


def _page(blocks: Sequence[_Block], count: int) -> QWidget:
    """The blocks in their order, in columns of about the same height."""
    columns = QHBoxLayout()
    columns.setSpacing(6 * SPACE)
    columns.setContentsMargins(0, 0, 0, 0)
    texts, height = [""] * count, 0
    total = sum(block.height for block in blocks)
    for block in blocks:
        middle = height + block.height / 2
        texts[min(int(count * middle / total), count - 1)] += block.html
        height += block.height
    for text in texts:
        columns.addWidget(_sheet(text), alignment=Qt.AlignmentFlag.AlignTop)
    page = QWidget()
    page.setLayout(columns)
    return page


def _menu_block(menu: str, commands: list[Command], keymap: Keymap) -> _Block:
    single = [command for command in commands if not command.id.startswith("category_")]
    rows = [(keymap.text(command), command.text) for command in single]
    if len(single) < len(commands):
        rows.append(("1 … 9", "Use, give or accept as that category"))
    return _block(menu, rows)


def _block(title: str, rows: list[tuple[str, str]]) -> _Block:
    lines = "".join(
        f"<tr><td style='padding-right:16px'><b>{escape(keys)}</b></td>"
        f"<td>{escape(text.replace('&', '').rstrip('…'))}</td></tr>"
        for keys, text in rows
    )
    html = f"<h4>{escape(title.replace('&', ''))}</h4><table cellpadding='2'>{lines}</table>"
    return _Block(html, len(rows) + _TITLE_ROWS)


def _sheet(html: str) -> QLabel:
    label = QLabel(html)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
