"""Fine-tuning: what it needs, how the run goes, what it came to, which version is in use."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.session import Session
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.training_runs import UnfinishedRun
from mrcnn_gui.ui.panels.training_course import Progress
from mrcnn_gui.ui.panels.training_live import TrainingLive
from mrcnn_gui.ui.panels.version_list import VersionList
from mrcnn_gui.ui.progress_bar import ThinProgressBar
from mrcnn_gui.ui.soon import Soon
from mrcnn_gui.ui.theme import SPACE, quiet_label
from mrcnn_gui.ui.wording import duration

if TYPE_CHECKING:
    from mrcnn_gui.workflows.finetune import FinetuneResult


_REASONS_SHOWN = 10


class TrainingPanel(QScrollArea):
    """Buttons, course, verdict, versions; scrolls where the window is low."""

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
        self.pause = _action_button(actions["pause_training"], "Pause")
        self.stop = _action_button(actions["stop_training"], "Stop (keep best)")
        self.cancel = _action_button(actions["cancel_training"], "Cancel")
        self.resume = _action_button(actions["resume_training"], "Resume")
        self.keep = _action_button(actions["keep_unfinished"], "Keep best")
        self.discard = _action_button(actions["discard_unfinished"], "Discard")
        self.situation = quiet_label()
        self.progress = ThinProgressBar("Progress of the training")
        self.live = TrainingLive()
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.use_candidate = QPushButton("Use this version")
        self.versions = VersionList(session, trainer, actions["versions"])
        self._lay_out()
        self._connect()
        self.live.hide()
        self.verdict.hide()
        self.use_candidate.hide()
        self.refresh()

    def refresh(self) -> None:
        """Say what can be done now."""
        running, unfinished = self._trainer.is_running, self._trainer.unfinished
        for widget in (self.pause, self.stop, self.cancel, self.progress):
            widget.setVisible(running)
        for button in (self.resume, self.keep, self.discard):
            button.setVisible(unfinished is not None)
        self.fine_tune.setVisible(not running and unfinished is None)
        if self._candidate and self._trainer.active_version == self._candidate:
            self.use_candidate.hide()
        if self._trainer.is_stopping:
            ending = "Pausing" if self._trainer.is_pausing else "Ending"
            self.situation.setText(f"{ending} after the step at hand…")
        if running:
            return
        if self._session.folder is None:
            self.situation.setText("Open a project to fine-tune the model on it.")
        elif unfinished is not None:
            self.situation.setText(unfinished_text(unfinished))
        else:
            ready = "Trains on the done images while you keep annotating."
            self.situation.setText(self._trainer.missing() or ready)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        for button in (
            *(self.fine_tune, self.pause, self.stop, self.cancel),
            *(self.resume, self.keep, self.discard),
        ):
            buttons.addWidget(button)
        buttons.addStretch(1)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        column.setSpacing(2 * SPACE)
        column.addLayout(buttons)
        for widget in (self.situation, self.progress, self.verdict):
            column.addWidget(widget)
        column.addWidget(self.use_candidate, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.live)
        column.addWidget(self.versions, 1)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def _connect(self) -> None:
        self.use_candidate.clicked.connect(self._promote_candidate)
        self.live.pictures.chosen.connect(self._open_picture)
        trainer = self._trainer
        trainer.started.connect(self._show_start)
        trainer.course_read.connect(self.live.add_course)
        trainer.progressed.connect(self._show_progress)
        trainer.pictured.connect(self.live.add_pictures)
        trainer.finished.connect(self._show_end)
        trainer.failed.connect(self._show_failure)
        session, soon = self._session, Soon(self.refresh, self)
        for changed in (session.project_opened, session.images_changed):
            changed.connect(soon.ask)
        session.image_entry_changed.connect(soon.ask)
        trainer.state_changed.connect(soon.ask)
        session.project_closed.connect(self._forget)

    def _forget(self) -> None:
        for widget in (self.live, self.verdict, self.use_candidate):
            widget.hide()
        self.refresh()

    def _show_start(self) -> None:
        self.verdict.hide()
        self.use_candidate.hide()
        self.live.clear()
        self.live.show()
        self.progress.wait()
        self.situation.setText("Preparing the done images…")
        self.refresh()

    def _show_progress(self, progress: Progress) -> None:
        self.live.add(progress)
        if progress.phase == "done":
            self.progress.wait()  # nobody reports while the two versions are compared
        elif progress.steps:
            self.progress.show_counts(progress.step, progress.steps)
        if not self._trainer.is_stopping:
            self.situation.setText(_progress_text(progress))

    def _show_end(self, result: "FinetuneResult") -> None:
        self._candidate = result.version or ""
        if result.verdict.name != "SUSPENDED":
            self.verdict.setText(verdict_text(result))
            self.verdict.setToolTip(_reasons(result.problems))
            self.verdict.show()
        undecided = result.verdict.name == "UNDECIDED"
        self.use_candidate.setVisible(undecided and bool(self._candidate))
        self.live.setVisible(bool(self.live.course.losses))
        self.versions.refresh()
        self.refresh()

    def _show_failure(self, reason: str) -> None:
        self.verdict.setText(f"The training failed: {reason}")
        self.verdict.setToolTip("")
        unfinished = self._trainer.unfinished
        says_why = unfinished is not None and unfinished.record.reason == reason
        self.verdict.setVisible(not says_why)  # the situation does
        self.live.setVisible(bool(self.live.course.losses))
        self.refresh()

    def _open_picture(self, path: Path) -> None:
        for entry in self._session.images:
            if self._session.image_path(entry.id) == path:
                self._session.open_image(entry.id)
                return

    def _promote_candidate(self) -> None:
        self._trainer.promote(self._candidate)
        if self._trainer.active_version != self._candidate:
            return  # the bar of messages says why
        self.use_candidate.hide()
        self.verdict.setText(f"{self._candidate} is in use from the next image on.")
        self.verdict.setToolTip("")
        self.versions.refresh()


def unfinished_text(run: UnfinishedRun) -> str:
    """Where a run stands that was paused or interrupted."""
    how = "paused" if run.was_paused else "interrupted"
    where = f" in epoch {run.epoch} of {run.epochs}" if run.epoch else " before its first step"
    best = "" if run.best_mask_ap is None else f", best mask AP so far {run.best_mask_ap:.2f}"
    why = f", because it failed: {run.record.reason}" if run.record.reason else "."
    return f"A fine-tune of {run.record.parent} was {how}{where}{best}{why}"


def verdict_text(result: "FinetuneResult") -> str:
    """What a run came to and why, and how many images were left out."""
    count = len(result.problems)
    images = "1 image was" if count == 1 else f"{count:,} images were"
    return _outcome(result) + (f" {images} left out." if count else "")


def _outcome(result: "FinetuneResult") -> str:
    from mrcnn_gui.workflows.finetune import Verdict  # loads what a start does not need

    if result.verdict is Verdict.PROMOTED:
        return f"{result.version} is in use from the next image on. {result.reason}"
    if result.verdict is Verdict.KEPT:
        return f"{result.version} is kept aside: {result.parent} stays in use. {result.reason}"
    if result.verdict is Verdict.CANCELLED:
        return "Cancelled; nothing was kept."
    scores = ""
    if result.metrics is not None and result.parent_metrics is not None:
        before, after = result.parent_metrics.mask_ap, result.metrics.mask_ap
        scores = f" Mask AP on the validation images: {before:.2f} before, {after:.2f} now."
    return f"{result.version} is ready. {result.reason}{scores}"


def _reasons(problems: Sequence[str]) -> str:
    """A tooltip with the first of them; "" without any."""
    if not problems:
        return ""
    more = len(problems) - _REASONS_SHOWN
    lines = [*problems[:_REASONS_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
    return "<br>".join(map(escape, lines))  # a file name may look like markup


def _progress_text(progress: Progress) -> str:
    if progress.phase == "done":
        return "Comparing it with the version that it began with…"
    phases = {"prepare": "Preparing", "validate": "Validating"}
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
