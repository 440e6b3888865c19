"""Box and mask average precision with the reference implementation, pycocotools."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask
import torch
from numpy.typing import NDArray

from core.formats.reference import COCO, COCOeval
from core.images import ImageReadError, read_rgb
from core.learning.bootstrap import Matches
from core.predictor import Detection, Predictor

MAX_DETECTIONS = 100  # COCO's limit per image and category
_ALL_SIZES = 0  # position of "all" in COCOeval's area ranges
_IOU_50, _IOU_75 = 0, 5  # positions in the thresholds .50, .55, ... .95


@dataclass(frozen=True)
class Metrics:
    """How well detections agree with the truth; all but the counts are in 0..1.

    AP is the mean over IoU thresholds .50, .55, ... .95 and over the categories that occur, with
    at most 100 detections an image, as in https://cocodataset.org/#detection-eval.

    Attributes:
        box_ap: AP by box IoU.
        box_ap50: AP by box IoU at threshold .50.
        mask_ap: AP by mask IoU.
        mask_ap50: AP by mask IoU at threshold .50.
        mask_ap75: AP by mask IoU at threshold .75.
        ar100: Mean recall by mask IoU over the thresholds.
        mean_mask_iou: Mean over true instances of the best mask IoU that a detection of their
            category has with them.
        per_category: Mask AP by category name, of the categories that occur.
        images: Images that count, those without an instance included.
        instances: True instances that count (crowds do not).
        mask_ap_low: Where the 95 % bootstrap interval of `mask_ap` over the images begins.
        mask_ap_high: Where it ends.
        matches: Of the masks, to compare with another model on the same images.
    """

    box_ap: float
    box_ap50: float
    mask_ap: float
    mask_ap50: float
    mask_ap75: float
    ar100: float
    mean_mask_iou: float
    per_category: dict[str, float]
    images: int
    instances: int
    mask_ap_low: float = 0.0
    mask_ap_high: float = 1.0
    matches: Matches | None = dataclasses.field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        figures = dataclasses.asdict(dataclasses.replace(self, matches=None))
        del figures["matches"]
        return figures


def evaluate(
    truth: Path | dict[str, Any], results: list[dict[str, Any]], *, class_agnostic: bool = False
) -> Metrics:
    """Compare detections with true instances.

    Args:
        truth: A COCO file or its content. Every image counts, also those without instances. An
            image's field `ignore`, a list of segmentations, says where nothing counts.
        results: COCO results with `bbox` and an RLE `segmentation`.
        class_agnostic: Count every category as the same one.
    """
    content = json.loads(truth.read_text(encoding="utf-8")) if isinstance(truth, Path) else truth
    reference = _reference(content, class_agnostic)
    if class_agnostic:
        results = [{**result, "category_id": 1} for result in results]
    masks, boxes = (_evaluation(reference, results, kind) for kind in ("segm", "bbox"))
    matches = Matches.of(masks)
    low, high = matches.interval() if matches.images else (0.0, 1.0)
    instances = sum(not a.get("iscrowd", 0) for a in reference.dataset["annotations"])
    return Metrics(
        box_ap=_precision(boxes),
        box_ap50=_precision(boxes, _IOU_50),
        mask_ap=_precision(masks),
        mask_ap50=_precision(masks, _IOU_50),
        mask_ap75=_precision(masks, _IOU_75),
        ar100=_mean(masks.eval["recall"][:, :, _ALL_SIZES, -1]),
        mean_mask_iou=_mean_best_iou(masks, instances),
        per_category=_per_category(masks, reference),
        images=len(reference.dataset["images"]),
        instances=instances,
        mask_ap_low=low,
        mask_ap_high=high,
        matches=matches,
    )


def judging_precision(device: str) -> str:
    """Name what models compute in whose figures are to be compared.

    On CPUs exact float32: what a measurement of the moment found faster could be another thing
    for the next model, or after a run was interrupted.

    Args:
        device: "auto", or any of torch.
    """
    on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    return "auto" if on_gpu else "fp32"


def predict_results(
    predictor: Predictor,
    truth: Path | dict[str, Any],
    images_root: Path,
    *,
    category_ids: Mapping[str, int] | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    on_problem: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]]:
    """Detect on every image of a COCO file.

    Args:
        predictor: The model.
        truth: The COCO file or its content; only `images` and `categories` are read.
        images_root: Folder that relative file names start from.
        category_ids: The id for each category name of the model; None takes the ids that these
            names have in `truth`. Detections of other categories are left out.
        on_progress: Called with the number of images done and of all.
        on_problem: Called with the reason for each image that cannot be read, which is then left
            out; None lets the first such image end it all.
        should_stop: Asked before each image; when it says yes, the results so far are returned.

    Returns:
        COCO results with `image_id` as in the file, `category_id`, `bbox`, `segmentation`, `score`.

    Raises:
        ImageReadError: An image cannot be read, and there is no `on_problem`.
    """
    content = json.loads(truth.read_text(encoding="utf-8")) if isinstance(truth, Path) else truth
    ids = category_ids
    if ids is None:
        ids = {category["name"]: category["id"] for category in content["categories"]}
    results: list[dict[str, Any]] = []
    for done, record in enumerate(content["images"]):
        if should_stop():
            return results
        try:
            image = read_rgb(images_root / record["file_name"])
        except ImageReadError as error:
            if on_problem is None:
                raise
            on_problem(str(error))
        else:
            results += [
                _result(detection, record["id"], ids[detection.category], image)
                for detection in predictor.predict(image, max_detections=MAX_DETECTIONS)
                if detection.category in ids and not detection.shape.is_empty
            ]
        on_progress(done + 1, len(content["images"]))
    return results


def _result(
    detection: Detection, image_id: int, category_id: int, image: NDArray[np.uint8]
) -> dict[str, Any]:
    left, top, right, bottom = detection.box_xyxy
    return {
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [left, top, right - left, bottom - top],
        "segmentation": detection.run_lengths(*image.shape[:2]),
        "score": detection.score,
    }


def _reference(content: dict[str, Any], class_agnostic: bool) -> COCO:
    """The truth as pycocotools needs it."""
    categories = content["categories"]
    annotations = [dict(annotation) for annotation in content["annotations"]]
    annotations += _ignored(content)
    for number, annotation in enumerate(annotations, start=1):
        annotation["id"] = number  # pycocotools never matches id 0
        annotation.setdefault("iscrowd", 0)
        if class_agnostic:
            annotation["category_id"] = 1
    if class_agnostic:
        categories = [{"id": 1, "name": "object"}]
    reference = COCO()
    reference.dataset = {
        "info": {},
        "images": content["images"],
        "annotations": annotations,
        "categories": categories,
    }
    reference.createIndex()
    for annotation in annotations:
        _complete(annotation, reference)
    return reference


def _ignored(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is to be ignored, as a crowd of every category: pycocotools ignores those."""
    for image in content["images"]:
        for segmentation in image.get("ignore", ()):
            for category in content["categories"]:
                yield {
                    "image_id": image["id"],
                    "category_id": category["id"],
                    "segmentation": segmentation,
                    "iscrowd": 1,
                }


def _complete(annotation: dict[str, Any], reference: COCO) -> None:
    """Derive what many files leave out, but COCOeval reads."""
    if not annotation.get("segmentation"):
        raise ValueError(
            f"an annotation of image {annotation['image_id']} has no segmentation: expected "
            "polygons or run lengths, as masks are compared"
        )
    if "area" not in annotation or "bbox" not in annotation:
        rle = reference.annToRLE(annotation)
        annotation.setdefault("area", float(pycocotools.mask.area(rle)))
        annotation.setdefault("bbox", pycocotools.mask.toBbox(rle).tolist())


def _evaluation(reference: COCO, results: list[dict[str, Any]], kind: str) -> COCOeval:
    """Match results with the truth by the IoU of "segm" or "bbox"."""
    if kind == "segm":
        # With a box present, pycocotools would take the box's area for the mask's.
        results = [{k: v for k, v in result.items() if k != "bbox"} for result in results]
    else:
        results = [{k: v for k, v in result.items() if k != "segmentation"} for result in results]
    if results:
        detected = reference.loadRes([dict(result) for result in results])
    else:  # loadRes([]) raises IndexError
        detected = COCO()
        detected.dataset = {**reference.dataset, "annotations": []}
        detected.createIndex()
    evaluation = COCOeval(reference, detected, kind)
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def _precision(evaluation: COCOeval, threshold: int | None = None) -> float:
    precision = evaluation.eval["precision"]  # [thresholds, recalls, categories, sizes, limits]
    kept = precision if threshold is None else precision[threshold]
    return _mean(kept[..., _ALL_SIZES, -1])


def _mean(values: NDArray[np.float64]) -> float:
    """Mean of the values that exist; pycocotools marks the others with -1."""
    existing = values[values > -1]
    return float(existing.mean()) if existing.size else 0.0


def _per_category(evaluation: COCOeval, reference: COCO) -> dict[str, float]:
    precision = evaluation.eval["precision"][:, :, :, _ALL_SIZES, -1]
    return {
        reference.cats[category_id]["name"]: _mean(precision[:, :, position])
        for position, category_id in enumerate(evaluation.params.catIds)
        if (precision[:, :, position] > -1).any()
    }


def _mean_best_iou(evaluation: COCOeval, instances: int) -> float:
    best = 0.0
    for (image_id, category_id), ious in evaluation.ious.items():
        truth = evaluation._gts[image_id, category_id]  # noqa: SLF001 - the order of the columns
        if len(ious) and truth:
            counts = np.array([not annotation["iscrowd"] for annotation in truth])
            best += float(np.asarray(ious).max(axis=0)[counts].sum())
    return best / instances if instances else 0.0
