"""The model at work: which version is loaded, and the images it makes suggestions for."""

import threading
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import STARTER_VERSION, ModelVersion
from mrcnn_gui.services.batch import Batch
from mrcnn_gui.services.gc_timer import exempt_what_is_there
from mrcnn_gui.services.jobs import Job, JobRunner, Lane, describe
from mrcnn_gui.services.model_lane import (
    Computing,
    Load,
    LoadedModel,
    Segmented,
    load_model,
    load_predictor,
    segment_image,
    segment_images,
)
from mrcnn_gui.services.prompts import Prompts
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.suggestions import Suggestions
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.workflows.models import ACTIVE_MODEL, AUTOMATIC, Compute, project_models


class Segmenter(QObject):
    """Runs the active model on images and keeps what it suggests.

    Of many, several are looked at at once, beside the lane of the model. So neither prompts nor an
    image that the person asks for by itself wait for them.

    Attributes:
        compute: The device and the precision that are asked for.
        tiles: Whether images that the model would shrink are looked at in tiles.
        prompts: Questions about the open image, which go before all images.
    """

    suggestions_changed = Signal(int)  # those of this image, or which of them are visible
    progressed = Signal(object)  # a PresegmentProgress
    finished = Signal(str)  # how the batch ended, for people
    state_changed = Signal()  # is_running, model_label or tiles

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        jobs: JobRunner,
        *,
        load: Load = load_predictor,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._model = LoadedModel(load)
        self.compute = AUTOMATIC
        self.tiles = False
        self._cut = threading.Event()  # for images in tiles that are under way
        self._version_id = STARTER_VERSION
        self._model_state = "(not loaded yet)"
        self._reason = ""
        self._is_warm = False
        self._loading: Job | None = None
        self._batch = Batch()
        self._job: Job | None = None  # of the images that wait
        self._is_job_over = threading.Event()
        self._alone: dict[int, Job] = {}
        self.prompts = Prompts(session, jobs, self._model, self._version)
        self._suggestions = Suggestions(session, view_state, jobs, self.suggestions_changed.emit)
        session.project_opened.connect(self._use_project)
        session.project_closed.connect(self._leave_project)
        session.exclusive.changed.connect(self._forget_stored)
        session.image_opened.connect(self._suggestions.follow_image)
        session.image_entry_changed.connect(self._suggestions.read_missing)
        session.document_changed.connect(self._suggestions.refresh)
        view_state.score_threshold_changed.connect(self._suggestions.refresh)

    # Suggestions

    def suggestions(self, image_id: int) -> list[Suggestion]:
        """All that is stored for an image, best first; empty while it is being read.

        `suggestions_changed` follows in that case.
        """
        return self._suggestions.of(image_id)

    def visible_suggestions(self) -> list[Suggestion]:
        """Those of the open image that still ask for a decision, from the threshold up."""
        return self._suggestions.visible()

    def accept(self, key: str) -> None:
        """Make a visible suggestion an instance, of the active category or its own."""
        self._suggestions.accept(key)

    def accept_as(self, key: str, category_id: int) -> None:
        """Make a visible suggestion an instance of a category."""
        self._suggestions.accept_as(key, category_id)

    def accept_all_visible(self) -> None:
        """Make every visible suggestion an instance, as one edit."""
        self._suggestions.accept_all()

    def reject(self, key: str) -> None:
        """Decide that a visible suggestion is wrong: it does not come back."""
        self._suggestions.reject(key)

    # The model

    @property
    def model_label(self) -> str:
        """Version, device and precision, or what stands in the way."""
        return f"{self._version_id} {self._model_state}"

    @property
    def model_reason(self) -> str:
        """Why it computes there and so; "" while that is not known."""
        return self._reason

    def warm_up(self) -> None:
        """Import torch and load the active version in the background.

        Called once the window is shown: the import holds up the window a fraction of a second.
        """
        self._is_warm = True
        self._load()

    def compute_with(self, device: str, precision: str) -> None:
        """Let models compute on a device and in a precision from now on; "auto" chooses."""
        self.compute = self._model.compute = Compute(device, precision)
        self._is_job_over.set()
        if self._is_warm:
            self._load()

    def use_tiles(self, tiles: bool) -> None:
        """Look at large images in tiles, or as a whole, from the next image on."""
        self.tiles = tiles
        self._is_job_over.set()
        self.state_changed.emit()

    def use_version(self, version_id: str) -> None:
        """Take another model version from the next image on."""
        self._version_id = version_id
        self._is_job_over.set()
        if self._is_warm:
            self._load()
        else:
            self.state_changed.emit()

    def _use_project(self) -> None:
        self.use_version(self._session.setting(ACTIVE_MODEL, STARTER_VERSION))

    def _forget_stored(self) -> None:
        """Other suggestions may be stored now; the session opens its image anew."""
        if not self._session.exclusive.title:
            self._suggestions.clear()

    def _version(self) -> ModelVersion:
        return project_models(self._session.folder).get(self._version_id)

    def _load(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
        try:
            version = self._version()
        except ProjectError as error:
            self._note_model_failure(describe(error))
            return
        self._set_model_state("is loading…")
        self._loading = self._jobs.start(
            Lane.MODEL,
            load_model,
            self._model,
            version,
            priority=1,
            on_done=self._note_loaded,
            on_failed=self._note_model_failure,
        )

    def _note_loaded(self, computing: Computing | None) -> None:
        exempt_what_is_there()
        if computing is not None:
            self._note_computing(computing)

    def _note_computing(self, computing: Computing) -> None:
        self._reason = computing.why
        self._set_model_state(f"on {computing.where}")

    def _note_model_failure(self, text: str) -> None:
        self._set_model_state("cannot be used")
        self._session.report_failure("The model cannot be used", text)

    def _set_model_state(self, state: str) -> None:
        self._model_state = state
        self.state_changed.emit()

    # Pre-segmentation

    @property
    def is_running(self) -> bool:
        """Whether the model works on an image, or images wait for it."""
        return self._job is not None or bool(self._alone)

    def run(self, image_ids: Sequence[int]) -> None:
        """Pre-segment images; a single one does not wait for those that wait already."""
        known = [image_id for image_id in image_ids if self._session.image(image_id) is not None]
        if not known:
            self.finished.emit("There is no image to pre-segment.")
            return
        was_running = self.is_running
        if not was_running:
            self._batch = Batch()
        if len(known) == 1:
            self._run_alone(known[0])
        else:
            self._batch.add(known)
            if self._job is None:
                self._take_waiting()
        if not was_running:
            self.state_changed.emit()

    def cancel(self) -> None:
        """Leave out the images that wait.

        Those that the model works on are finished and kept, but in tiles that could take minutes:
        there it stops before the next tile, and nothing of them is kept.
        """
        self._batch.drop_waiting()
        self._is_job_over.set()
        self._cut.set()
        self._cut = threading.Event()

    def _leave_project(self) -> None:
        was_running = self.is_running
        for job in (self._job, *self._alone.values()):
            if job is not None:
                job.cancel()
        self._job = None
        self._alone.clear()
        self._batch = Batch()
        self._suggestions.clear()
        self.prompts.cancel()
        if was_running:
            self.finished.emit("")
        self.state_changed.emit()

    def _run_alone(self, image_id: int) -> None:
        version = self._usable_version()
        if version is None or image_id in self._alone:
            return
        self._batch.add_alone(image_id)
        # Many tiles would hold up prompts.
        lane = Lane.BATCH if self.tiles and self._job is None else Lane.MODEL
        self._alone[image_id] = self._jobs.start(
            lane,
            segment_image,
            self._model,
            version,
            self._session.folder,
            image_id,
            self._cut.is_set if self.tiles else None,
            on_done=partial(self._take_alone, image_id),
            on_failed=self._stop,
        )

    def _take_waiting(self) -> None:
        version = self._usable_version()
        if version is None:
            return
        self._is_job_over = threading.Event()
        self._job = self._jobs.start(
            Lane.BATCH,
            segment_images,
            self._model,
            version,
            self._session.folder,
            self._batch.take(self._is_job_over.is_set),
            self._cut.is_set if self.tiles else None,
            on_progress=self._take,
            on_done=self._go_on,
            on_failed=self._stop,
        )

    def _usable_version(self) -> ModelVersion | None:
        try:
            return self._version()
        except ProjectError as error:
            self._stop(describe(error))
            return None

    def _take_alone(self, image_id: int, segmented: Segmented | None) -> None:
        del self._alone[image_id]
        if segmented is not None:
            self._take(segmented)
        self._end_if_done()

    def _go_on(self, _: None) -> None:
        """No image is left, or those that are want another model; some may have come meanwhile."""
        self._job = None
        if self._batch.is_waiting:
            self._take_waiting()
        else:
            self._end_if_done()

    def _take(self, segmented: Segmented) -> None:
        result = segmented.result
        if self._model_state != f"on {segmented.computing.where}":
            self._note_computing(segmented.computing)
        self._session.set_image_info(result.image_id, **result.told)
        self._batch.count(failed=bool(result.problem))
        self._suggestions.renew_all_of(result.image_id)
        self.progressed.emit(self._batch.progress(result))

    def _end_if_done(self) -> None:
        if not self.is_running:
            self._end(self._batch.summary)

    def _stop(self, text: str) -> None:
        for job in (self._job, *self._alone.values()):
            if job is not None:
                job.cancel()
        self._alone.clear()
        self._end("Pre-segmentation stopped.")
        self._session.report_failure("Pre-segmentation stopped", text)

    def _end(self, message: str) -> None:
        self._job = None
        self.finished.emit(message)
        self.state_changed.emit()
