"""Questions about the open image that the model answers at once: what is in this box, or here?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from core.masks import Mask
from mrcnn_gui.project.annotation import Provenance, Source
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import ModelVersion
from mrcnn_gui.services.jobs import Job, JobRunner, Lane, describe
from mrcnn_gui.services.model_lane import LoadedModel
from mrcnn_gui.services.session import Session
from mrcnn_gui.workflows.known_names import NamesNow

if TYPE_CHECKING:
    from core.predictor import Detection, Predictor

PROMPT, EMBED = 30, 20  # priorities in the model lane: before images that wait for suggestions

Box: TypeAlias = tuple[float, float, float, float]
Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Candidate:
    """What may be meant.

    Attributes:
        category: As the project calls what the model knows it as.
        mask: In image pixels; not empty.
        provenance: The model's version and how sure it is.
    """

    category: str
    mask: Mask
    provenance: Provenance


Answer: TypeAlias = Callable[[Sequence[Candidate] | None], object]


class Prompts:
    """Asks the active model about the open image; an answer that nobody waits for is dropped.

    When the model cannot answer, the session tells the person why, and the answer is None.

    The image's features are computed once and kept until another image is asked about.

    Args:
        session: Whose open image is asked about.
        jobs: Runs the model.
        model: Shared with everybody else on the model lane.
        version: The version to use now; raises ProjectError when there is none.
    """

    def __init__(
        self,
        session: Session,
        jobs: JobRunner,
        model: LoadedModel,
        version: Callable[[], ModelVersion],
    ) -> None:
        self._session = session
        self._jobs = jobs
        self._model = model
        self._version = version
        self._embedded = EmbeddedImage()
        self._job: Job | None = None

    def prepare(self) -> None:
        """Compute the features of the open image, so that the first answer comes fast."""
        self._start(_Question(), EMBED, lambda _: None)

    def ask_box(self, box_xyxy: Box, on_answer: Answer) -> None:
        """Ask what a box holds: at most one candidate comes."""
        self._start(_Question(box=box_xyxy), PROMPT, on_answer)

    def ask_point(self, point: Point, on_answer: Answer) -> None:
        """Ask what lies under a point: candidates come, best first."""
        self._start(_Question(point=point), PROMPT, on_answer)

    def cancel(self) -> None:
        """Wait for no answer any more."""
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _start(self, question: "_Question", priority: int, on_answer: Answer) -> None:
        self.cancel()
        document = self._session.document
        if document is None:
            return
        try:
            version, names = self._version(), NamesNow.of(self._session.store)
        except ProjectError as error:
            self._fail(on_answer, describe(error))
            return
        self._job = self._jobs.start(
            Lane.MODEL,
            answer,
            *(self._model, version, self._embedded),
            self._session.image_path(document.image_id),
            question,
            names,
            priority=priority,
            on_done=on_answer,
            on_failed=partial(self._fail, on_answer),
        )

    def _fail(self, on_answer: Answer, text: str) -> None:
        on_answer(None)
        self._session.report_failure("The model cannot be asked", text)


@dataclass(frozen=True)
class _Question:
    box: Box | None = None
    point: Point | None = None


class EmbeddedImage:
    """Remembers which image a predictor has embedded: only the model lane touches it."""

    def __init__(self) -> None:
        self._predictor: Predictor | None = None
        self._path: Path | None = None

    def have(self, predictor: "Predictor", path: Path) -> None:
        """Have an image embedded.

        Raises:
            ProjectError: The image cannot be read.
        """
        if self._predictor is predictor and self._path == path:
            return
        from core.images import ImageReadError, read_rgb  # loads libvips: not at start-up

        self._predictor = None
        try:
            predictor.embed(read_rgb(path))
        except ImageReadError as error:
            raise ProjectError(str(error)) from error
        self._predictor, self._path = predictor, path


def answer(
    model: LoadedModel,
    version: ModelVersion,
    embedded: EmbeddedImage,
    path: Path,
    question: _Question,
    names: NamesNow,
    *,
    job: Job,
) -> list[Candidate]:
    """Embed the image unless it is, and answer the question; a job."""
    predictor = model.use(version)
    embedded.have(predictor, path)
    detections: list[Detection] = []
    if job.should_stop():
        return []
    if question.box is not None:
        detections = predictor.predict_boxes([question.box])
    elif question.point is not None:
        detections = predictor.predict_at(question.point)
    return [
        Candidate(
            names.name(version.id, it.category),
            it.mask,
            Provenance(Source.MODEL, version.id, it.score),
        )
        for it in detections
        if not it.mask.is_empty
    ]
