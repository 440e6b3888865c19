"""The background fine-tune, and which model version is in use."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core.learning.progress import Progress, Stop
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import STARTER_VERSION, ModelVersion
from mrcnn_gui.services.jobs import Job, JobRunner, Lane, describe
from mrcnn_gui.services.model_lane import limit_threads
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.workflows.models import ACTIVE_MODEL, project_models

if TYPE_CHECKING:
    from mrcnn_gui.workflows.finetune import FinetuneResult

Finetune = Callable[[Path, Callable[[Progress], None], Callable[[], Stop]], "FinetuneResult"]


class StopRequest:
    """What the person has asked the run to do; written by the GUI thread, read by the run."""

    def __init__(self) -> None:
        self.stop = Stop.NO


def run_finetune(
    folder: Path, on_progress: Callable[[Progress], None], should_stop: Callable[[], Stop]
) -> "FinetuneResult":
    """Fine-tune the active version of a project on its done images."""
    limit_threads()
    from mrcnn_gui.workflows.finetune import FinetuneOptions, finetune

    return finetune(folder, FinetuneOptions(), on_progress=on_progress, should_stop=should_stop)


class Trainer(QObject):
    """Trains in a thread of its own while annotation and suggestions go on.

    The run reads a frozen snapshot. What it publishes becomes the active version when it is
    not worse than its parent, or when the person says so (`promote`).
    """

    started = Signal()
    progressed = Signal(object)  # a core.learning Progress
    finished = Signal(object)  # a FinetuneResult
    failed = Signal(str)
    state_changed = Signal()  # is_running, is_stopping or active_version

    def __init__(
        self,
        session: Session,
        segmenter: Segmenter,
        jobs: JobRunner,
        *,
        finetune: Finetune = run_finetune,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._segmenter = segmenter
        self._jobs = jobs
        self._finetune = finetune
        self._job: Job | None = None
        self._request = StopRequest()
        self._missing: str | None = None  # not known
        for changed in (
            *(session.project_opened, session.project_closed, session.images_changed),
            *(session.image_entry_changed, self.state_changed),
        ):
            changed.connect(self._forget_missing)
        session.project_closed.connect(self._leave_project)

    @property
    def is_running(self) -> bool:
        """Whether a run goes on."""
        return self._job is not None

    @property
    def is_stopping(self) -> bool:
        """Whether the run has been asked to end, and finishes its step."""
        return self.is_running and self._request.stop is not Stop.NO

    def missing(self) -> str:
        """What a run needs and is not there, for people; "" when it can start.

        It takes a look at all images, but only the first time after a change of them.
        """
        if self._session.folder is None:
            return "Open a project first."
        if self._missing is None:
            from mrcnn_gui.workflows.finetune import missing_for_finetune  # not at start-up

            self._missing = missing_for_finetune(self._session.store)
        return self._missing

    def start(self) -> None:
        """Begin a run on the done images; `failed` says what is missing."""
        if self.is_running:
            return
        self._forget_missing()
        missing = self.missing()
        if missing:
            self.failed.emit(missing)
            return
        self._request = StopRequest()
        self._job = self._jobs.start(
            Lane.TRAIN,
            train,
            self._finetune,
            self._session.folder,
            self._request,
            on_progress=self.progressed.emit,
            on_done=self._take,
            on_failed=self._fail,
        )
        self.started.emit()
        self.state_changed.emit()

    def stop(self) -> None:
        """End the run after its step, and keep the best model so far."""
        self._ask(Stop.KEEP_BEST)

    def cancel(self) -> None:
        """End the run after its step, and keep nothing of it."""
        self._ask(Stop.CANCEL)

    @property
    def active_version(self) -> str:
        """The version that suggestions come from, and that the next run starts from."""
        if self._session.folder is None:
            return STARTER_VERSION
        return self._session.setting(ACTIVE_MODEL, STARTER_VERSION)

    def versions(self) -> list[ModelVersion]:
        """All versions of the project, the starter first."""
        return project_models(self._session.folder).list()

    def promote(self, version_id: str) -> None:
        """Use a version from the next image on; an older one, to roll back."""
        if self._session.folder is None:
            return
        try:
            project_models(self._session.folder).get(version_id)
        except ProjectError as error:
            self._session.report_failure("The version cannot be used", describe(error))
            return
        if self._session.set_setting(ACTIVE_MODEL, version_id):
            self._segmenter.use_version(version_id)
            self.state_changed.emit()

    def _forget_missing(self, *_: object) -> None:
        self._missing = None

    def _ask(self, stop: Stop) -> None:
        if self.is_running:
            self._request.stop = stop
            self.state_changed.emit()

    def _take(self, result: "FinetuneResult") -> None:
        from mrcnn_gui.workflows.finetune import Verdict

        self._job = None
        if result.verdict is Verdict.PROMOTED and result.version is not None:
            self._session.exclusive.when_free(partial(self.promote, result.version))
        self.finished.emit(result)
        self.state_changed.emit()

    def _fail(self, text: str) -> None:
        self._job = None
        self.failed.emit(text)
        self.state_changed.emit()

    def _leave_project(self) -> None:
        """The run of a closed project ends after its step and leaves nothing."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self.state_changed.emit()


def train(finetune: Finetune, folder: Path, request: StopRequest, *, job: Job) -> Any:
    """Run a fine-tune until it ends or is asked to; a job."""

    def should_stop() -> Stop:
        return Stop.CANCEL if job.should_stop() else request.stop

    return finetune(folder, job.report, should_stop)
