"""What the window shows before a project is open: what to do first."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.theme import SPACE, icon, quiet_label

_WIDTH = 620
_RECENT = 5


class StartPage(QWidget):
    """Open, new, the sample, and the projects of late.

    Signals:
        recent_chosen: The path of a recent project.
    """

    recent_chosen = Signal(object)

    def __init__(
        self, actions: Mapping[str, QAction], settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self.open = _large_button(actions["open"], "Open a folder of images", default=True)
        self.new = _large_button(actions["new"], "New project")
        self.sample = _large_button(actions["sample"], "Try the sample project")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(SPACE)
        column = QVBoxLayout()
        column.setSpacing(2 * SPACE)
        column.addStretch(2)
        column.addWidget(_headline("Annotate masks with a model that learns from you"))
        column.addWidget(
            quiet_label(
                "Open a folder of images, or drop one here. The model suggests masks; you accept"
                " and correct them; fine-tune it and the next suggestions are better."
            )
        )
        column.addSpacing(2 * SPACE)
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * SPACE)
        buttons.addWidget(self.open)
        buttons.addWidget(self.new)
        buttons.addWidget(self.sample)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addSpacing(4 * SPACE)
        column.addLayout(self._recent)
        column.addStretch(3)
        middle = QWidget()
        middle.setLayout(column)
        middle.setMaximumWidth(_WIDTH)
        row = QHBoxLayout(self)
        row.addStretch(1)
        row.addWidget(middle, 100)  # as wide as it may be; what is left goes to both sides
        row.addStretch(1)
        self.refresh()

    def refresh(self) -> None:
        """List the recent projects again."""
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        recent = self._settings.recent_projects[:_RECENT]
        if recent:
            self._recent.addWidget(QLabel("Recent"))
        for path in recent:
            self._recent.addWidget(self._recent_button(path))

    def _recent_button(self, path: Path) -> QPushButton:
        shown = path.parent if path.name == ".mrcnn" else path
        button = QPushButton(f"{shown.name}   \N{EN DASH}   {shown.parent}")
        button.setFlat(True)
        button.setIcon(icon("open"))
        button.setStyleSheet("text-align: left; padding: 4px;")
        button.setAccessibleName(f"Open recent project {shown.name}")
        button.clicked.connect(lambda: self.recent_chosen.emit(path))
        return button


def _headline(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * 1.6)
    font.setBold(True)
    label.setFont(font)
    return label


def _large_button(action: QAction, text: str, *, default: bool = False) -> QPushButton:
    button = QPushButton(action.icon(), text)
    button.setMinimumHeight(9 * SPACE)
    button.setDefault(default)
    button.setToolTip(action.toolTip())
    button.clicked.connect(action.trigger)
    return button
