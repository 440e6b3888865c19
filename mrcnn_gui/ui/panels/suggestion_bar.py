"""The bar below the canvas: ask the model, choose how sure it must be, accept."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.progress_bar import ThinProgressBar
from mrcnn_gui.ui.theme import SPACE
from mrcnn_gui.ui.wording import duration, plural

if TYPE_CHECKING:
    from mrcnn_gui.workflows.presegment import PresegmentProgress


class SuggestionBar(QWidget):
    """Pre-segment, score slider, number of suggestions, accept all, progress."""

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        segmenter: Segmenter,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._view_state = view_state
        self._segmenter = segmenter
        self._last: PresegmentProgress | None = None  # of the batch that runs
        self.presegment = _text_button(actions["presegment"], "Pre-segment")
        self.accept_all = _text_button(actions["accept_all"], "Accept all")
        self.cancel = _text_button(actions["cancel_presegment"], "Cancel")
        self.slider, self.score = self._make_slider(), QLabel()
        self.score.setMinimumWidth(self.score.fontMetrics().horizontalAdvance("0.00"))
        self.message = _Shortened()
        self.progress = ThinProgressBar("Progress of the pre-segmentation", width=80)
        self._lay_out()
        self._connect()
        self._show_score(view_state.score_threshold)
        self._refresh()

    def _make_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(5, 100)
        slider.setPageStep(10)
        slider.setFixedWidth(110)
        slider.setToolTip("Show suggestions from this score up")
        slider.setAccessibleName("Lowest score of shown suggestions, in percent")
        return slider

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
        row.setSpacing(2 * SPACE)
        caption = QLabel("Score from")
        caption.setBuddy(self.slider)
        row.addWidget(self.presegment)
        row.addSpacing(2 * SPACE)
        row.addWidget(caption)
        row.addWidget(self.slider)
        row.addWidget(self.score)
        row.addSpacing(2 * SPACE)
        row.addWidget(self.message, 1)
        row.addWidget(self.progress)
        row.addWidget(self.cancel)
        row.addWidget(self.accept_all)

    def _connect(self) -> None:
        self.slider.valueChanged.connect(lambda it: self._view_state.set_score_threshold(it / 100))
        self._view_state.score_threshold_changed.connect(self._show_score)
        self._segmenter.progressed.connect(self._show_progress)
        self._segmenter.finished.connect(self._show_end)
        self._segmenter.state_changed.connect(self._refresh)
        self._segmenter.suggestions_changed.connect(self._refresh)
        self._session.image_opened.connect(self._refresh)
        self._session.project_closed.connect(self._refresh)
        self._session.document_changed.connect(self._refresh)

    def _show_score(self, score: float) -> None:
        self.slider.setValue(round(score * 100))
        self.score.setText(f"{score:.2f}")
        self._refresh()

    def _refresh(self, *_: object) -> None:
        running = self._segmenter.is_running
        self.progress.setVisible(running)
        self.cancel.setVisible(running)
        self.accept_all.setVisible(not running)
        if not running:
            self._last = None
            self._say(self._situation())
        elif self._last is None:
            self.progress.wait()  # until the first image is through
            self._say("Pre-segmenting…")
        else:
            self._show_progress(self._last)

    def _situation(self) -> str:
        entry = self._session.entry
        if entry is None or self._session.document is None:
            return ""
        shown = len(self._segmenter.visible_suggestions())
        if shown:
            return f"{plural(shown, 'suggestion')} · Enter accepts, Backspace rejects"
        if self._segmenter.suggestions(entry.id):
            return "No open suggestions at this score"
        return "No suggestions yet · Space asks the model"

    def _show_progress(self, progress: "PresegmentProgress") -> None:
        self._last = progress
        self.progress.show_counts(progress.done, progress.total)
        words = f"{progress.done} of {progress.total} images"
        if progress.images_per_second:
            words += f" · {progress.images_per_second:.1f} images/s"
        if progress.seconds_left:
            words += f" · {duration(progress.seconds_left)} left"
        self._say(words)

    def _show_end(self, message: str) -> None:
        self._refresh()
        if message and not self._segmenter.visible_suggestions():
            self._say(message)

    def _say(self, words: str) -> None:
        self.message.setText(words)
        self.message.setToolTip(words)
        self.message.setAccessibleName(words)


class _Shortened(QLabel):
    """Words that never widen the window; where they do not fit they end in dots."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what fits."""
        room = self.contentsRect()
        dots = Qt.TextElideMode.ElideRight
        words = self.fontMetrics().elidedText(self.text(), dots, room.width())
        QPainter(self).drawText(room, Qt.AlignmentFlag.AlignVCenter, words)


def _text_button(action: QAction, text: str) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    action.setIconText(text)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setAccessibleName(text)
    return button
