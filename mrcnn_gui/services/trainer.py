"""The background fine-tune, and which model version is in use."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core.learning.progress import Progress, Stop
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import STARTER_VERSION, ModelVersion
from mrcnn_gui.services.failures import Telling
from mrcnn_gui.services.jobs import Job, JobRunner, Lane, describe
from mrcnn_gui.services.model_lane import limit_threads
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.training_runs import TrainingRuns, UnfinishedRun
from mrcnn_gui.workflows.finetune_options import FinetuneOptions, RunOrder
from mrcnn_gui.workflows.models import ACTIVE_MODEL, project_models
from mrcnn_gui.workflows.run_folder import ProjectRun

if TYPE_CHECKING:
    from mrcnn_gui.services.training_pictures import TrainingPicture
    from mrcnn_gui.workflows.finetune import FinetuneResult

Finetune = Callable[
    [Path, RunOrder, Callable[[Progress], None], Callable[[], Stop]], "FinetuneResult"
]


class StopRequest:
    """What the person has asked the run to do; written by the GUI thread, read by the run."""

    def __init__(self, stop: Stop = Stop.NO) -> None:
        self.stop = stop


def run_finetune(
    folder: Path,
    order: RunOrder,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], Stop],
) -> "FinetuneResult":
    """Fine-tune the active version of a project on its done images, or go on with a run."""
    limit_threads()
    from mrcnn_gui.workflows.finetune import finetune

    return finetune(
        folder,
        order.options,
        run_id=order.run_id,
        on_progress=on_progress,
        should_stop=should_stop,
    )


class Trainer(QObject):
    """Trains in a thread of its own while annotation and suggestions go on.

    The run reads a frozen snapshot. What it publishes becomes the active version when it is
    not worse than its parent, or when the person says so (`promote`). A run that is paused, or
    interrupted by the end of the program or the project's closing, is `unfinished` until it is
    resumed, kept as it is, or discarded.
    """

    started = Signal()
    course_read = Signal(object)  # a list of Progress: what a run that goes on reported before
    progressed = Signal(object)  # a core.learning Progress
    pictured = Signal(object)  # a list of TrainingPicture
    finished = Signal(object)  # a FinetuneResult
    failed = Signal(str)
    state_changed = Signal()  # is_running, is_stopping, unfinished or active_version

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
        self._runs = TrainingRuns(session)
        self._missing: str | None = None  # not known
        for changed in (
            *(session.project_opened, session.project_closed, session.images_changed),
            *(session.image_entry_changed, self.state_changed),
        ):
            changed.connect(self._forget_missing)
        session.project_closed.connect(self._leave_project)
        session.project_opened.connect(self.state_changed)

    @property
    def is_running(self) -> bool:
        """Whether a run goes on."""
        return self._job is not None

    @property
    def is_stopping(self) -> bool:
        """Whether the run has been asked to end or to pause, and finishes its step."""
        return self.is_running and self._request.stop is not Stop.NO

    @property
    def is_pausing(self) -> bool:
        """Whether it has been asked to pause, and finishes its step."""
        return self.is_running and self._request.stop is Stop.SUSPEND

    @property
    def unfinished(self) -> UnfinishedRun | None:
        """The run that was paused or interrupted; None while one goes on."""
        return None if self.is_running else self._runs.unfinished()

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

    def start(self, options: FinetuneOptions | None = None) -> None:
        """Begin a run on the done images; `failed` says what is missing."""
        if self.is_running:
            return
        self._forget_missing()
        missing = self.missing() or ("Decide about the unfinished run." if self.unfinished else "")
        if missing:
            self.failed.emit(missing)
            return
        order = self._runs.begin(self.active_version, options or FinetuneOptions())
        self._run(order, StopRequest())

    def resume(self) -> None:
        """Go on with the unfinished run from its last checkpoint."""
        self._go_on(Stop.NO)

    def keep_unfinished(self) -> None:
        """Make a version of the best that the unfinished run has learned so far."""
        self._go_on(Stop.KEEP_BEST)

    def discard_unfinished(self) -> None:
        """Forget the unfinished run, and remove its files.

        They go in the lane of trainings: where the project was closed and opened again a moment
        ago, the run is still at its last step there, and writes.
        """
        if self.unfinished is None:
            return
        if (run := self._runs.discard()) is not None:
            self._jobs.start(Lane.TRAIN, _remove, run)
        self.state_changed.emit()

    def pause(self) -> None:
        """Suspend the run after its step: it takes neither time nor memory until `resume`."""
        self._ask(Stop.SUSPEND)

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

    def delete_version(self, version_id: str) -> bool:
        """Delete a version that nothing uses; False, with the reason told, when that failed."""
        with Telling(self._session.report_failure, "The version cannot be deleted"):
            self._session.expect_writing()
            unfinished = self.unfinished
            if version_id == self.active_version:
                raise ProjectError(f"{version_id} is in use: use another one first")
            if self.is_running or (unfinished and unfinished.record.parent == version_id):
                raise ProjectError("a training needs it: wait until it has ended, or discard it")
            project_models(self._session.folder).delete(version_id)
            self.state_changed.emit()
            return True
        return False

    def _forget_missing(self, *_: object) -> None:
        self._missing = None

    def _ask(self, stop: Stop) -> None:
        if self.is_running:
            self._request.stop = stop
            self.state_changed.emit()

    def _go_on(self, stop: Stop) -> None:
        if self.is_running or self.unfinished is None:
            return
        self._run(self._runs.go_on(), StopRequest(stop))

    def _run(self, order: RunOrder | None, request: StopRequest) -> None:
        if order is None:  # it could not be noted; the person was told
            return
        self._request = request
        colors = {category.name: category.color for category in self._session.categories}
        self._job = self._jobs.start(
            Lane.TRAIN,
            train,
            self._finetune,
            self._session.folder,
            order,
            request,
            colors,
            on_progress=self._tell,
            on_done=self._take,
            on_failed=self._fail,
        )
        self.started.emit()
        self.state_changed.emit()

    def _tell(self, told: "Progress | Course | Pictures") -> None:
        if isinstance(told, Course):
            self.course_read.emit(told.reports)
        elif isinstance(told, Pictures):
            self.pictured.emit(told.pictures)
        else:
            self.progressed.emit(told)

    def _take(self, result: "FinetuneResult") -> None:
        from mrcnn_gui.workflows.finetune import Verdict

        self._job = None
        self._session.exclusive.when_free(partial(self._runs.end, result))
        if result.verdict is Verdict.PROMOTED and result.version is not None:
            self._session.exclusive.when_free(partial(self.promote, result.version))
        self.finished.emit(result)
        self.state_changed.emit()

    def _fail(self, text: str) -> None:
        self._job = None
        self._session.exclusive.when_free(partial(self._runs.fail, text))
        self.failed.emit(text)
        self.state_changed.emit()

    def _leave_project(self) -> None:
        """The run of a closed project ends after its step; it can be gone on with."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._runs.forget()
        self.state_changed.emit()


@dataclass(frozen=True)
class Course:
    """What a run that goes on reported before."""

    reports: list[Progress]


@dataclass(frozen=True)
class Pictures:
    """What the model finds now on a few validation images."""

    pictures: "list[TrainingPicture]"


def train(
    finetune: Finetune,
    folder: Path,
    order: RunOrder,
    request: StopRequest,
    colors: dict[str, str],
    *,
    job: Job,
) -> Any:
    """Run a fine-tune until it ends or is asked to; a job.

    When the job is cancelled, because its project or the program is closed, the run is suspended.
    """
    from mrcnn_gui.services.training_pictures import draw_pictures

    def should_stop() -> Stop:
        if request.stop is Stop.NO and job.should_stop():
            return Stop.SUSPEND
        return request.stop

    def report(progress: Progress) -> None:
        job.report(replace(progress, previews=()))
        if progress.previews:
            job.report(Pictures(draw_pictures(progress.previews, colors)))

    earlier = ProjectRun(folder, order.run_id).course()
    if earlier:
        job.report(Course(earlier))
    return finetune(folder, order, report, should_stop)


def _remove(run: ProjectRun, *, job: Job) -> None:
    run.discard()
