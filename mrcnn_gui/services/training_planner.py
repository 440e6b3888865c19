"""Planning a fine-tune in the background."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.model_lane import limit_threads
from mrcnn_gui.services.session import Session
from mrcnn_gui.workflows.finetune_options import FinetuneOptions

if TYPE_CHECKING:
    from mrcnn_gui.workflows.training_plan import TrainingPlan


class TrainingPlanner(QObject):
    """Looks at what a fine-tune of the open project would be trained on."""

    planned = Signal(object)  # a TrainingPlan
    failed = Signal(str)

    def __init__(self, session: Session, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._job: Job | None = None
        session.project_closed.connect(self.cancel)

    def plan(self) -> None:
        """Have a plan made: `planned` or `failed` follows."""
        self.cancel()
        if self._session.folder is not None:
            self._job = self._jobs.start(
                Lane.IO,
                _plan,
                self._session.folder,
                on_done=self.planned.emit,
                on_failed=self.failed.emit,
                priority=1,
            )

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        if self._job is not None:
            self._job.cancel()
            self._job = None


def _plan(folder: Path, *, job: Job) -> "TrainingPlan":
    from mrcnn_gui.workflows.training_plan import plan_training  # not at start-up

    limit_threads()  # the speed is measured as the training will run
    return plan_training(folder, FinetuneOptions())
