"""Running the model on images, and keeping what it finds as suggestions."""

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.images import ImageReadError, read_rgb
from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus, Suggestion
from mrcnn_gui.project.content import read_content
from mrcnn_gui.project.image_table import Told
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows.ahead import side_by_side, torch_threads, work_ahead
from mrcnn_gui.workflows.models import AUTOMATIC, Compute, load_predictor, resolve_model
from mrcnn_gui.workflows.progress import ShouldStop, never_stop

if TYPE_CHECKING:
    from core.predictor import Detection, Predictor

__all__ = [
    "PresegmentProgress",
    "Presegmented",
    "presegment",
    "presegment_each",
    "presegment_image",
    "presegment_todo",
    "resolve_model",
]

MIN_SCORE = 0.05

_Looked: TypeAlias = tuple["Presegmented", list[Suggestion]]


@dataclass(frozen=True)
class Presegmented:
    """What a model made of one image.

    Attributes:
        image_id: Which image.
        path: Its stored path.
        count: How many suggestions are stored.
        problem: Why the image could not be read; "" when it could.
        width: Of the upright image in pixels; 0 with a problem.
        height: Of the upright image in pixels; 0 with a problem.
        content_hash: What the suggestions are stored under; "" with a problem.
        file_size: In bytes, when it was hashed; 0 with a problem.
        modified_ns: When the file had been changed last; 0 with a problem.
    """

    image_id: int
    path: str
    count: int = 0
    problem: str = ""
    width: int = 0
    height: int = 0
    content_hash: str = ""
    file_size: int = 0
    modified_ns: int = 0

    @property
    def told(self) -> Told:
        """What it tells of the image, to be noted in the project."""
        if self.problem:
            return Told(problem=self.problem)
        return Told(
            width=self.width,
            height=self.height,
            content_hash=self.content_hash,
            file_size=self.file_size,
            modified_ns=self.modified_ns,
            problem="",
        )


@dataclass(frozen=True)
class PresegmentProgress:
    """How far a run over many images has come.

    Attributes:
        done: Images done, those with a problem included.
        total: Images of the run.
        images_per_second: Mean speed so far.
        seconds_left: Time that the rest takes at this speed; None before the first image.
        last: The image that was just done.
    """

    done: int
    total: int
    images_per_second: float
    seconds_left: float | None
    last: Presegmented


def presegment_image(
    store_folder: Path,
    image_id: int,
    predictor: "Predictor",
    model_version: str,
    min_score: float = MIN_SCORE,
    *,
    tiles: bool = False,
    should_stop: ShouldStop = never_stop,
) -> Presegmented | None:
    """Replace the suggestions for one image by what the model finds now.

    Size and content hash come back and are not written: one writer owns `project.db`.

    Args:
        store_folder: Project folder.
        image_id: Which image.
        predictor: The model.
        model_version: What it is called in provenance.
        min_score: Of the weakest suggestion that is kept, 0..1.
        tiles: Whether an image that the model would shrink is looked at in tiles.
        should_stop: Asked before every tile.

    Returns:
        None when it was stopped: then all is as before.

    Raises:
        ProjectError: The project cannot be read, or the suggestions cannot be written.
    """
    with (
        Store.open(store_folder, read_only=True) as store,
        SuggestionStore(store_folder) as suggestions,
    ):
        run = _Run(suggestions, predictor, model_version, min_score, tiles, should_stop)
        entry = store.image(image_id)
        looked = run.look((entry, store.image_path(entry)))
        return None if looked is None else run.keep(looked)


def presegment(
    folder: Path,
    image_ids: Sequence[int],
    predictor: "Predictor",
    model_version: str,
    *,
    min_score: float = MIN_SCORE,
    tiles: bool = False,
    on_progress: Callable[[PresegmentProgress], None] = lambda _: None,
    should_stop: ShouldStop = never_stop,
    workers: int | None = None,
) -> list[Presegmented]:
    """Do the same for many images; one that cannot be read is reported, and the run goes on.

    Several images are looked at at once; they are stored in order, one by one.

    Args:
        folder: Project folder.
        image_ids: Which images.
        predictor: The model.
        model_version: What it is called in provenance.
        min_score: Of the weakest suggestion that is kept, 0..1.
        tiles: As in `presegment_image`.
        on_progress: Called after every image.
        should_stop: Asked before every image and every tile, on any thread.
        workers: How many images are looked at at once; None: as many as pay; 0: one by one.

    Returns:
        A result for every image that was done before `should_stop` said yes.

    Raises:
        ProjectError: The project cannot be read, or the suggestions cannot be written.
    """
    results: list[Presegmented] = []
    started = time.monotonic()
    each = presegment_each(
        folder,
        image_ids,
        predictor,
        model_version,
        min_score=min_score,
        tiles=tiles,
        should_stop=should_stop,
        workers=workers,
    )
    for result in each:
        results.append(result)
        on_progress(_progress(results, len(image_ids), time.monotonic() - started))
    return results


def presegment_each(
    folder: Path,
    image_ids: Iterable[int],
    predictor: "Predictor",
    model_version: str,
    *,
    min_score: float = MIN_SCORE,
    tiles: bool = False,
    should_stop: ShouldStop = never_stop,
    workers: int | None = None,
    spare_cores: int = 0,
) -> Generator[Presegmented, None, None]:
    """Do the same for images that may still be chosen; yield what was just stored.

    Few images are taken before their turn, so that others may still go first. Those that are under
    way when `should_stop` says yes are lost.

    Args:
        folder: Project folder.
        image_ids: Taken one by one, on the caller's thread.
        predictor: The model.
        model_version: What it is called in provenance.
        min_score: Of the weakest suggestion that is kept, 0..1.
        tiles: As in `presegment_image`.
        should_stop: As in `presegment`.
        workers: As in `presegment`.
        spare_cores: Cores of the processor that are left to others.

    Raises:
        ProjectError: The project cannot be read, or the suggestions cannot be written.
    """
    most, threads = side_by_side(predictor.device, spare_cores)
    with (
        Store.open(folder, read_only=True) as store,
        SuggestionStore(folder) as suggestions,
        torch_threads(threads) as begin,
    ):
        run = _Run(suggestions, predictor, model_version, min_score, tiles, should_stop)
        entries = map(store.image, image_ids)
        wanted = ((entry, store.image_path(entry)) for entry in entries)
        ahead = work_ahead(wanted, run.look, most if workers is None else workers, begin=begin)
        with closing(ahead) as looks:
            while not should_stop() and (looked := next(looks, None)) is not None:
                yield run.keep(looked)


def presegment_todo(
    folder: Path,
    model: str | None,
    compute: Compute = AUTOMATIC,
    *,
    min_score: float = MIN_SCORE,
    tiles: bool = False,
    on_progress: Callable[[PresegmentProgress], None] = lambda _: None,
) -> list[Presegmented]:
    """Do the same for all images that are to do, as the project's writer.

    What the files told about the images (size, content hash, problem) is written, too.

    Args:
        folder: Project folder.
        model: As in `resolve_model`.
        compute: Device and precision.
        min_score: Of the weakest suggestion that is kept, 0..1.
        tiles: As in `presegment_image`.
        on_progress: Called after every image.

    Raises:
        ProjectError: The model cannot be used, or the project cannot be written.
    """
    version, path = resolve_model(folder, model)
    with Store.open(folder) as store:

        def note(progress: PresegmentProgress) -> None:
            store.update_image(progress.last.image_id, **progress.last.told)
            on_progress(progress)

        todo = [entry.id for entry in store.images() if entry.status is ReviewStatus.TODO]
        predictor = load_predictor(path, compute)
        return presegment(
            folder, todo, predictor, version, min_score=min_score, tiles=tiles, on_progress=note
        )


@dataclass(frozen=True)
class _Run:
    """A model, and where its findings go."""

    suggestions: SuggestionStore
    predictor: "Predictor"
    model_version: str
    min_score: float
    tiles: bool
    should_stop: ShouldStop

    def look(self, wanted: tuple[ImageEntry, Path]) -> _Looked | None:
        """Read an image and find what is on it, None when stopped on the way; on any thread."""
        entry, path = wanted
        try:
            image = read_rgb(path)
            content = read_content(path)  # as it is now: the stored one may be of another picture
        except (ImageReadError, OSError) as error:
            return Presegmented(entry.id, entry.path, problem=str(error)), []
        detections = self._find(image)
        if detections is None:
            return None
        found = [
            Suggestion.of(each.category, each.score, each.mask, self.model_version)
            for each in detections
            if not each.mask.is_empty
        ]
        height, width = image.shape[:2]
        return Presegmented(entry.id, entry.path, len(found), "", width, height, *content), found

    def _find(self, image: NDArray[np.uint8]) -> "list[Detection] | None":
        """All that is on an image: what only some of its tiles show is nothing."""
        if not self.tiles:
            return self.predictor.predict(image, min_score=self.min_score)
        from core.tiles import predict_tiles

        found = predict_tiles(
            self.predictor, image, min_score=self.min_score, should_stop=self.should_stop
        )
        return None if self.should_stop() else found

    def keep(self, looked: _Looked) -> Presegmented:
        """Store what was found; on the thread of the stores."""
        result, found = looked
        if not result.problem:
            self.suggestions.replace(result.content_hash, self.model_version, found)
        return result


def _progress(results: list[Presegmented], total: int, seconds: float) -> PresegmentProgress:
    done = len(results)
    speed = done / max(seconds, 1e-6)
    return PresegmentProgress(done, total, speed, (total - done) / speed, results[-1])
