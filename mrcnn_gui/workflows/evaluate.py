"""How well a model does on a COCO file, and what it finds there."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.files import write_atomically
from core.formats.coco import CocoDataset, CocoError, annotation_mask, read_coco
from core.images import read_info
from core.masks import encode_rle
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.workflows.models import AUTOMATIC, Compute, load_predictor
from mrcnn_gui.workflows.progress import Count, ShouldStop, ignore_count, never_stop

if TYPE_CHECKING:
    from core.learning.evaluate import Metrics

Record = dict[str, Any]


def evaluate_model(
    instances_json: Path,
    images: Path,
    model: Path,
    compute: Compute = AUTOMATIC,
    *,
    class_agnostic: bool = False,
    on_progress: Count = ignore_count,
) -> "Metrics":
    """Compare what a model finds with the annotations of a COCO file.

    Categories match by name; a model with none of the file's stands for the file's only one.

    Args:
        instances_json: COCO file.
        images: Folder that `file_name` starts from.
        model: A model's folder or file.
        compute: Device and precision.
        class_agnostic: Count every category as the same one.
        on_progress: Called after every image.

    Raises:
        CocoError: The file is wrong, or is about other images.
        ProjectError: The model cannot be used, or has no category in common with the file.
        ImageReadError: An image cannot be read.
    """
    from core.learning.evaluate import evaluate, predict_results

    dataset = read_coco(instances_json)
    truth = _truth(dataset)
    _check_images(dataset, images)
    predictor = load_predictor(model, compute)
    names, known = {c.name: c.id for c in dataset.categories}, predictor.categories
    ids = dict.fromkeys(known, 1) if class_agnostic else match_categories(known, names)
    if not ids:
        raise ProjectError(
            f"the model knows {_quoted(known)}, {instances_json.name} {_quoted(names)}: with no "
            "category in common only a class-agnostic evaluation makes sense"
        )
    results = predict_results(predictor, truth, images, category_ids=ids, on_progress=on_progress)
    return evaluate(truth, results, class_agnostic=class_agnostic)


def predict_coco(
    instances_json: Path,
    images: Path,
    model: Path,
    compute: Compute = AUTOMATIC,
    *,
    on_progress: Count = ignore_count,
    on_problem: Callable[[str], None] | None = None,
    should_stop: ShouldStop = never_stop,
) -> list[Record]:
    """Detect on the images of a COCO file; its annotations, if any, are not looked at.

    Args:
        instances_json: COCO file.
        images: Folder that `file_name` starts from.
        model: A model's folder or file.
        compute: Device and precision.
        on_progress: Called after every image.
        on_problem: Called with the reason for each image that is found damaged when its turn
            comes, which is then left out; None lets the first such image end it all.
        should_stop: Asked before every image; what is done by then is returned.

    Returns:
        COCO results: image ids as in the file; category ids those of the file's categories with
        the model's names, else of its only category, else the model's own count from 1.

    Raises:
        CocoError, ProjectError, ImageReadError: As `evaluate_model`.
    """
    from core.learning.evaluate import predict_results

    dataset = read_coco(instances_json)
    _check_images(dataset, images)
    predictor = load_predictor(model, compute)
    names = {category.name: category.id for category in dataset.categories}
    own = {name: number for number, name in enumerate(predictor.categories, start=1)}
    return predict_results(
        predictor,
        {"images": [image.record for image in dataset.images]},
        images,
        category_ids=match_categories(predictor.categories, names) or own,
        on_progress=on_progress,
        on_problem=on_problem,
        should_stop=should_stop,
    )


def check_writable(out: Path) -> None:
    """Find out before hours are spent whether results can be written.

    Raises:
        ProjectError: Its folder is missing or cannot be written to.
    """
    if not out.parent.is_dir():
        raise ProjectError(f"cannot write {out}: there is no folder {out.parent}")
    if not os.access(out.parent, os.W_OK):
        raise ProjectError(f"cannot write {out}: its folder cannot be written to")


def write_results(out: Path, results: list[Record]) -> None:
    """Write COCO results, wholly or not at all.

    Raises:
        ProjectError: The file cannot be written.
    """
    try:
        write_atomically(out, json.dumps(results))
    except OSError as error:
        raise ProjectError(f"cannot write {out}: {error.strerror or error}") from error


def match_categories(known: tuple[str, ...], names: dict[str, int]) -> dict[str, int]:
    """The file's category id for each category that a model knows; empty where none fits."""
    shared = {name: names[name] for name in known if name in names}
    if not shared and len(names) == 1:
        return dict.fromkeys(known, next(iter(names.values())))
    return shared


def _truth(dataset: CocoDataset) -> Record:
    """The dataset as pycocotools needs it: every mask checked, area and bbox filled in."""
    if not dataset.annotations:
        raise CocoError("the file holds no annotations to compare with")
    sizes = {image.id: (image.height, image.width) for image in dataset.images}
    annotations = []
    for annotation in dataset.annotations:
        height, width = sizes[annotation.image_id]
        mask = annotation_mask(annotation, height, width)
        derived = {"area": mask.area, "bbox": list(mask.bbox_xywh)}
        missing = {key: value for key, value in derived.items() if not annotation.record.get(key)}
        # pycocotools crashes on polygons that reach far out of their image
        exact = {"segmentation": encode_rle(mask, height, width)}
        annotations.append(annotation.record | missing | exact)
    return {
        "images": [image.record for image in dataset.images],
        "categories": [category.record for category in dataset.categories],
        "annotations": annotations,
    }


def _check_images(dataset: CocoDataset, images: Path) -> None:
    """Look at every image before hours are spent on the first ones."""
    for image in dataset.images:
        info = read_info(images / image.file_name)
        if (info.width, info.height) != (image.width, image.height):
            raise CocoError(
                f"{image.file_name}: the file says {image.width} x {image.height}, "
                f"the upright image has {info.width} x {info.height} pixels"
            )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "no category"
