"""A version on the done images of a project: what it finds beside what people have annotated."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pycocotools.mask

from core.images import ImageReadError, read_rgb
from core.masks import encode_rle
from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.known_names import NamesNow
from mrcnn_gui.workflows.models import AUTOMATIC, Compute, load_predictor, project_models
from mrcnn_gui.workflows.progress import Count, ShouldStop, ignore_count, never_stop

if TYPE_CHECKING:
    from core.learning.evaluate import Metrics
    from core.predictor import Predictor

Box = tuple[float, float, float, float]
Record = dict[str, Any]
_MIN_SCORE = 0.05  # detections below it change neither a curve that one looks at nor the AP


class ImageSet(StrEnum):
    """Which done images are evaluated on."""

    VALIDATION = "validation"
    TEST = "test"
    TRAIN = "train"
    ALL = "all"


_EMPTY = {
    ImageSet.VALIDATION: "no done image is kept for validation yet: a fine-tune keeps some",
    ImageSet.TEST: "no done image is kept for test yet: Image > Keep for test (Shift+T) does so",
    ImageSet.TRAIN: "no done image is there to train on yet",
    ImageSet.ALL: "no image is done yet",
}


@dataclass(frozen=True)
class Annotated:
    """An instance that people made."""

    image_id: int
    instance_id: int
    category: str
    box_xyxy: Box


@dataclass(frozen=True)
class Found:
    """An instance that the version finds."""

    image_id: int
    category: str
    score: float
    box_xyxy: Box


@dataclass(frozen=True)
class EvaluatedImage:
    """One image; `ious` has a row for each found and a column for each annotated instance."""

    annotated: tuple[Annotated, ...]
    found: tuple[Found, ...]
    ious: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation has shown.

    Attributes:
        version: Which was evaluated.
        image_set: On which images.
        categories: That are told apart, by name; one, "object", where the version knows others
            than the project.
        images: One by one.
        metrics: As COCO defines them.
        problems: One line for each image that cannot be read.
    """

    version: str
    image_set: ImageSet
    categories: tuple[str, ...]
    images: tuple[EvaluatedImage, ...]
    metrics: "Metrics"
    problems: tuple[str, ...]


def evaluate_project(
    folder: Path,
    version_id: str,
    image_set: ImageSet,
    *,
    compute: Compute = AUTOMATIC,
    on_progress: Count = ignore_count,
    should_stop: ShouldStop = never_stop,
) -> Evaluation | None:
    """Run a version on done images of a project.

    Args:
        folder: Project folder.
        version_id: "starter", or "v1", "v2", …
        image_set: Which of the done images.
        compute: Device and precision.
        on_progress: Called after every image.
        should_stop: Asked before each image; when it says yes, there is no result.

    Raises:
        ProjectError: There is no such version, no such image, or no such device.
    """
    version = project_models(folder).get(version_id)
    predictor = load_predictor(version.folder, compute)
    with Store.open(folder, read_only=True) as store, store.frozen():
        entries = [entry for entry in store.images() if _belongs(entry, image_set)]
        if not entries:
            raise ProjectError(_EMPTY[image_set])
        names = {category.id: category.name for category in store.categories()}
        now = NamesNow.of(store)
        known = {each: now.name(version_id, each) for each in predictor.categories}
        work = _Work(store, predictor, names, known)
        for done, entry in enumerate(entries, start=1):
            if should_stop():
                return None
            work.look_at(entry)
            on_progress(done, len(entries))
    return work.evaluation(version_id, image_set)


class _Work:
    """Collects what is annotated and found, image by image."""

    def __init__(
        self,
        store: Store,
        predictor: "Predictor",
        names: dict[int, str],
        known: dict[str, str],
    ) -> None:
        """`known` has the names of now by those that the version was trained with."""
        self._store, self._predictor = store, predictor
        self._names, self._known = names, known
        self._agnostic = set(known.values()) != set(names.values())
        self.categories = ("object",) if self._agnostic else tuple(names.values())
        self._ids = {name: number for number, name in enumerate(self.categories, start=1)}
        self._images: list[EvaluatedImage] = []
        self._truth: list[Record] = []
        self._results: list[Record] = []
        self._records: list[Record] = []
        self._problems: list[str] = []

    def look_at(self, entry: ImageEntry) -> None:
        try:
            pixels = read_rgb(self._store.image_path(entry))
        except ImageReadError as error:
            self._problems.append(str(error))
            return
        size = pixels.shape[:2]
        self._records.append({"id": entry.id, "width": size[1], "height": size[0]})
        instances = [it for it in self._store.instances(entry.id) if not it.mask.is_empty]
        detections = self._predictor.predict(pixels, min_score=_MIN_SCORE, max_detections=100)
        detections = [it for it in detections if not it.mask.is_empty]
        masks = [encode_rle(it.mask, *size) for it in instances]
        found_masks = [encode_rle(it.mask, *size) for it in detections]
        annotated = tuple(
            Annotated(entry.id, it.id, self._name(self._names[it.category_id]), it.mask.box_xyxy)
            for it in instances
        )
        found = tuple(
            Found(entry.id, self._found_name(it.category), it.score, it.box_xyxy)
            for it in detections
        )
        ious = pycocotools.mask.iou(found_masks, masks, [0] * len(masks))
        rows = tuple(tuple(map(float, row)) for row in ious) if len(masks) else ((),) * len(found)
        self._images.append(EvaluatedImage(annotated, found, rows))
        for it, mask in zip(annotated, masks, strict=True):
            self._truth.append(self._record(it, mask))
        for each, mask in zip(found, found_masks, strict=True):
            self._results.append(self._record(each, mask) | {"score": each.score})

    def evaluation(self, version_id: str, image_set: ImageSet) -> Evaluation:
        from core.learning.evaluate import evaluate

        truth = {
            "images": self._records,
            "categories": [{"id": value, "name": name} for name, value in self._ids.items()],
            "annotations": self._truth,
        }
        return Evaluation(
            version_id,
            image_set,
            self.categories,
            tuple(self._images),
            evaluate(truth, self._results),
            tuple(self._problems),
        )

    def _name(self, category: str) -> str:
        return "object" if self._agnostic else category

    def _found_name(self, category: str) -> str:
        return "object" if self._agnostic else self._known[category]

    def _record(self, it: Annotated | Found, mask: object) -> Record:
        left, top, right, bottom = it.box_xyxy
        return {
            "image_id": it.image_id,
            "category_id": self._ids[it.category],
            "segmentation": mask,
            "bbox": [left, top, right - left, bottom - top],
        }


def _belongs(entry: ImageEntry, image_set: ImageSet) -> bool:
    if entry.status is not ReviewStatus.DONE or entry.problem:
        return False
    side = entry.side or Side.TRAIN
    return image_set is ImageSet.ALL or side.value == image_set.value
