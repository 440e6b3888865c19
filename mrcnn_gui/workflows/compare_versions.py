"""Two versions on the same images: where one is better than the other."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pycocotools.mask

from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import ModelVersion
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.known_names import NamesNow
from mrcnn_gui.workflows.models import (
    AUTOMATIC,
    Compute,
    load_predictor,
    model_categories,
    project_models,
)
from mrcnn_gui.workflows.progress import Count, ShouldStop, ignore_count, never_stop
from mrcnn_gui.workflows.snapshot import freeze_snapshot

if TYPE_CHECKING:
    from core.predictor import Predictor

MIN_SCORE, MIN_IOU = 0.5, 0.5
Record = dict[str, Any]
_ByImage = dict[tuple[int, int], list[Record]]  # (image id, category id)


@dataclass(frozen=True)
class ImageComparison:
    """One image: its quality by the version before and by the one after, in 0..1."""

    image_id: int
    path: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """Above 0 where the version after is better."""
        return self.after - self.before


@dataclass(frozen=True)
class Comparison:
    """Two versions on the validation images, the largest changes first."""

    before: str
    after: str
    images: tuple[ImageComparison, ...]


def compare_versions(
    folder: Path,
    before: str,
    after: str,
    *,
    compute: Compute = AUTOMATIC,
    on_progress: Count = ignore_count,
    should_stop: ShouldStop = never_stop,
) -> Comparison | None:
    """Run two versions on the done images that are kept for validation.

    Categories count where both versions know those of the project, and no others.

    Args:
        folder: Project folder.
        before: A version, usually the parent.
        after: Another one.
        compute: Device and precision.
        on_progress: Called after every image.
        should_stop: Asked before each image; when it says yes, there is no result.

    Raises:
        ProjectError: There is no such version, or no validation image.
    """
    models = project_models(folder)
    versions = [models.get(before), models.get(after)]
    with Store.open(folder, read_only=True) as store:
        now = NamesNow.of(store)
    with TemporaryDirectory() as work:
        snapshot = freeze_snapshot(folder, Path(work), should_stop=should_stop)
        truth = json.loads(snapshot.val_json.read_text(encoding="utf-8"))
    if should_stop():
        return None
    if not truth["images"]:
        raise ProjectError("no done image is kept for validation: there is nothing to compare on")
    count, ids = len(truth["images"]), {it["name"]: it["id"] for it in truth["categories"]}
    known = [_known_ids(now, version, ids) for version in versions]
    agnostic = any(set(each.values()) != set(ids.values()) for each in known)
    qualities = []
    for number, version in enumerate(versions):
        category_ids = dict.fromkeys(known[number], 0) if agnostic else known[number]

        def tell(done: int, _: int, number: int = number) -> None:
            on_progress(number * count + done, 2 * count)

        predictor = load_predictor(version.folder, compute)
        qualities.append(_qualities(predictor, truth, category_ids, tell, should_stop))
        if should_stop():
            return None
    return Comparison(before, after, tuple(_compared(folder, truth, *qualities)))


def image_quality(truth: list[Record], found: list[Record]) -> float:
    """Panoptic quality of what is found on an image, for one category.

    The sum of the IoUs of matched pairs over the mean number of true and found instances; see
    Kirillov et al., Panoptic Segmentation (2019). 1 where there is nothing and nothing is found.

    Args:
        truth: COCO annotations with run lengths; crowds count for nothing.
        found: COCO results, those surer first when equal.
    """
    masks = [annotation["segmentation"] for annotation in truth if not annotation.get("iscrowd")]
    if not masks and not found:
        return 1.0
    ious = pycocotools.mask.iou([it["segmentation"] for it in found], masks, [0] * len(masks))
    pairs = sorted(((float(iou), row, column) for (row, column), iou in _cells(ious)), reverse=True)
    rows, columns, total = set[int](), set[int](), 0.0
    for iou, row, column in pairs:
        if iou > MIN_IOU and row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            total += iou
    return total / ((len(masks) + len(found)) / 2)


def _cells(ious: Any) -> Iterator[tuple[tuple[int, int], float]]:
    if len(ious):
        for row, values in enumerate(ious):
            for column, iou in enumerate(values):
                yield (row, column), iou


def _known_ids(now: NamesNow, version: ModelVersion, ids: dict[str, int]) -> dict[str, int]:
    """The project's id of each category that a version knows; -1 where there is none."""
    known = model_categories(version.folder)
    return {name: ids.get(now.name(version.id, name), -1) for name in known}


def _qualities(
    predictor: "Predictor",
    truth: Record,
    category_ids: dict[str, int],
    on_progress: Count,
    should_stop: ShouldStop,
) -> dict[int, float]:
    """The quality of each image, mean over the categories that it is about."""
    from core.learning.evaluate import predict_results

    agnostic = not any(category_ids.values())
    results = predict_results(
        predictor,
        truth,
        Path(),
        category_ids=category_ids,
        on_progress=on_progress,
        on_problem=lambda _: None,
        should_stop=should_stop,
    )
    true: _ByImage = defaultdict(list)
    found: _ByImage = defaultdict(list)
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth["images"]}
    for annotation in truth["annotations"]:
        category = 0 if agnostic else annotation["category_id"]
        exact = _as_rle(annotation, *sizes[annotation["image_id"]])
        true[annotation["image_id"], category].append(exact)
    for result in results:
        if result["score"] >= MIN_SCORE:
            found[result["image_id"], result["category_id"]].append(result)
    return {image_id: _mean_quality(image_id, true, found) for image_id in sizes}


def _mean_quality(image_id: int, true: _ByImage, found: _ByImage) -> float:
    keys = {key for key in (*true, *found) if key[0] == image_id}
    if not keys:
        return 1.0
    return sum(image_quality(true.get(key, []), found.get(key, [])) for key in keys) / len(keys)


def _as_rle(annotation: Record, height: int, width: int) -> Record:
    mask = annotation["segmentation"]
    if isinstance(mask, list):
        mask = pycocotools.mask.merge(pycocotools.mask.frPyObjects(mask, height, width))
    elif isinstance(mask["counts"], list):
        mask = pycocotools.mask.frPyObjects(mask, height, width)
    return annotation | {"segmentation": mask}


def _compared(
    folder: Path, truth: Record, before: dict[int, float], after: dict[int, float]
) -> list[ImageComparison]:
    with Store.open(folder, read_only=True) as store:
        entries = {entry.export_id: entry for entry in store.images()}
    compared = [
        ImageComparison(
            entries[image["id"]].id,
            str(entries[image["id"]].path),
            before[image["id"]],
            after[image["id"]],
        )
        for image in truth["images"]
        if image["id"] in entries
    ]
    return sorted(compared, key=lambda image: -abs(image.change))
