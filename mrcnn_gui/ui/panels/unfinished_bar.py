"""A line above the canvas about a fine-tune that the end of the program interrupted."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from mrcnn_gui.services.session import Session
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.ui.panels.training_panel import unfinished_text
from mrcnn_gui.ui.soon import Soon
from mrcnn_gui.ui.theme import SPACE, icon

_LOOK = (
    "UnfinishedBar { background: palette(alternate-base); border-bottom: 1px solid palette(mid); }"
)
_BUTTONS = {
    "resume_training": "Resume",
    "keep_unfinished": "Keep best so far",
    "discard_unfinished": "Discard",
}


class UnfinishedBar(QFrame):
    """Offers to resume, to keep the best so far, or to discard.

    A run that was paused a moment ago needs no such line: the panel Training offers the same.
    """

    def __init__(
        self,
        session: Session,
        trainer: Trainer,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._trainer = trainer
        self._paused_here = False
        self.setStyleSheet(_LOOK)
        self.icon, self.text = QLabel(), QLabel()
        self.text.setWordWrap(True)
        self.buttons = {key: _button(actions[key], text) for key, text in _BUTTONS.items()}
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
        row.setSpacing(2 * SPACE)
        row.addWidget(self.icon)
        row.addWidget(self.text, 1)
        for button in self.buttons.values():
            row.addWidget(button)
        soon = Soon(self.refresh, self)
        trainer.state_changed.connect(soon.ask)
        session.project_opened.connect(soon.ask)
        session.project_closed.connect(self._forget)
        trainer.started.connect(self._note_start)
        self.refresh()

    def refresh(self) -> None:
        """Show the line where a run waits since the project was opened."""
        unfinished = self._trainer.unfinished
        shown = unfinished is not None and not self._paused_here
        self.setVisible(shown)
        if shown and unfinished is not None:
            self.icon.setPixmap(icon("info").pixmap(20, 20))
            self.text.setText(unfinished_text(unfinished))
            self.setAccessibleName(self.text.text())

    def _note_start(self) -> None:
        self._paused_here = True  # from now on the person knows of it

    def _forget(self) -> None:
        self._paused_here = False
        self.refresh()


def _button(action: QAction, text: str) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setText(text)
    button.setAccessibleName(text)
    action.changed.connect(lambda: button.setText(text))  # an action brings its own words back
    return button
