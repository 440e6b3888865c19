"""Fine-tuning: what it needs, how the run goes, what it came to, which version is in use."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.session import Session
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.ui.panels.training_chart import TrainingChart
from mrcnn_gui.ui.panels.version_list import VersionList
from mrcnn_gui.ui.soon import Soon
from mrcnn_gui.ui.theme import SPACE, quiet_label
from mrcnn_gui.ui.wording import duration

if TYPE_CHECKING:
    from mrcnn_gui.workflows.finetune import FinetuneResult


_REASONS_SHOWN = 10


class Progress(Protocol):
    """What a run reports; `core.learning` has the dataclass and says what each means."""

    phase: str
    epoch: int
    epochs: int
    step: int
    steps: int
    losses: dict[str, float]
    metrics: dict[str, float] | None
    seconds_left: float | None


class TrainingPanel(QScrollArea):
    """Button, live curve, verdict, versions; scrolls where the window is low."""

    def __init__(
        self,
        session: Session,
        trainer: Trainer,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._trainer = trainer
        self._candidate = ""
        self.fine_tune = _action_button(actions["fine_tune"], "Fine-tune")
        self.stop = _action_button(actions["stop_training"], "Stop (keep best)")
        self.cancel = _action_button(actions["cancel_training"], "Cancel")
        self.situation = quiet_label()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(12)
        self.progress.setAccessibleName("Progress of the training")
        self.chart = TrainingChart()
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.use_candidate = QPushButton("Use this version")
        self.versions = VersionList(session, trainer)
        self._lay_out()
        self._connect()
        self.chart.hide()
        self.verdict.hide()
        self.use_candidate.hide()
        self.refresh()

    def refresh(self) -> None:
        """Say what can be done now."""
        running = self._trainer.is_running
        for widget in (self.stop, self.cancel, self.progress):
            widget.setVisible(running)
        self.fine_tune.setVisible(not running)
        if self._trainer.is_stopping:
            self.situation.setText("Ending after the step at hand…")
        if running:
            return
        if self._session.folder is None:
            self.situation.setText("Open a project to fine-tune the model on it.")
        else:
            ready = "Trains on the done images while you keep annotating."
            self.situation.setText(self._trainer.missing() or ready)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        for button in (self.fine_tune, self.stop, self.cancel):
            buttons.addWidget(button)
        buttons.addStretch(1)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        column.setSpacing(2 * SPACE)
        column.addLayout(buttons)
        for widget in (self.situation, self.progress, self.chart, self.verdict):
            column.addWidget(widget)
        column.addWidget(self.use_candidate, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.versions, 1)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def _connect(self) -> None:
        self.use_candidate.clicked.connect(self._promote_candidate)
        self._trainer.started.connect(self._show_start)
        self._trainer.progressed.connect(self._show_progress)
        self._trainer.finished.connect(self._show_end)
        self._trainer.failed.connect(self._show_failure)
        session, soon = self._session, Soon(self.refresh, self)
        for changed in (session.project_opened, session.images_changed):
            changed.connect(soon.ask)
        session.image_entry_changed.connect(soon.ask)
        self._trainer.state_changed.connect(soon.ask)
        session.project_closed.connect(self._forget)

    def _forget(self) -> None:
        for widget in (self.chart, self.verdict, self.use_candidate):
            widget.hide()
        self.refresh()

    def _show_start(self) -> None:
        self.verdict.hide()
        self.use_candidate.hide()
        self.chart.clear()
        self.chart.show()
        self.progress.setRange(0, 0)
        self.situation.setText("Preparing the done images…")
        self.refresh()

    def _show_progress(self, progress: Progress) -> None:
        if progress.phase == "train" and "total" in progress.losses:
            self.chart.add_loss(progress.step, progress.losses["total"])
        if progress.phase == "validate" and progress.metrics and "mask_ap" in progress.metrics:
            self.chart.add_score(progress.step, progress.metrics["mask_ap"])
        if progress.steps:
            self.progress.setRange(0, progress.steps)
            self.progress.setValue(progress.step)
        if not self._trainer.is_stopping:
            self.situation.setText(_progress_text(progress))

    def _show_end(self, result: "FinetuneResult") -> None:
        self._candidate = result.version or ""
        self.verdict.setText(verdict_text(result))
        self.verdict.setToolTip(_reasons(result.problems))
        self.verdict.show()
        undecided = result.verdict.name == "UNDECIDED"
        self.use_candidate.setVisible(undecided and bool(self._candidate))
        if not self.chart.losses:
            self.chart.hide()
        self.versions.refresh()
        self.refresh()

    def _show_failure(self, reason: str) -> None:
        self.verdict.setText(f"The training failed: {reason}")
        self.verdict.setToolTip("")
        self.verdict.show()
        self.chart.setVisible(bool(self.chart.losses))
        self.refresh()

    def _promote_candidate(self) -> None:
        self._trainer.promote(self._candidate)
        if self._trainer.active_version != self._candidate:
            return  # the bar of messages says why
        self.use_candidate.hide()
        self.verdict.setText(f"{self._candidate} is in use from the next image on.")
        self.verdict.setToolTip("")
        self.versions.refresh()


def verdict_text(result: "FinetuneResult") -> str:
    """What a run came to, with both mask APs and the number of images that were left out."""
    count = len(result.problems)
    images = "1 image was" if count == 1 else f"{count:,} images were"
    return _outcome(result) + (f" {images} left out." if count else "")


def _outcome(result: "FinetuneResult") -> str:
    from mrcnn_gui.workflows.finetune import Verdict  # loads what a start does not need

    scores = ""
    if result.metrics is not None and result.parent_metrics is not None:
        before, after = result.parent_metrics.mask_ap, result.metrics.mask_ap
        scores = f" Mask AP on the validation images: {before:.2f} before, {after:.2f} now."
    if result.verdict is Verdict.PROMOTED:
        return f"{result.version} is in use from the next image on.{scores}"
    if result.verdict is Verdict.KEPT:
        return f"{result.version} is not better: {result.parent} stays in use.{scores}"
    if result.verdict is Verdict.CANCELLED:
        return "Cancelled; nothing was kept."
    return f"{result.version} is ready. {result.reason}{scores}"


def _reasons(problems: Sequence[str]) -> str:
    """A tooltip with the first of them; "" without any."""
    if not problems:
        return ""
    more = len(problems) - _REASONS_SHOWN
    lines = [*problems[:_REASONS_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
    return "<br>".join(map(escape, lines))  # a file name may look like markup


def _progress_text(progress: Progress) -> str:
    phases = {"prepare": "Preparing", "validate": "Validating", "done": "Finishing"}
    words = [
        phases.get(progress.phase, f"Epoch {progress.epoch} of {progress.epochs}"),
        f"step {progress.step} of {progress.steps}",
    ]
    if progress.seconds_left is not None:
        words.append(f"{duration(progress.seconds_left)} left")
    return " · ".join(words)


def _action_button(action: QAction, text: str) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    action.setIconText(text)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setAccessibleName(text)
    return button
