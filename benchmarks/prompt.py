"""The starter as an interactive tool, on photos of coco_mini that it never trained on.

`embed` is timed once per photo, `predict_boxes` for one box at a time, warm, as when somebody draws
a box. The quality rows count every object as the same category; masks from true boxes count for
objects of more than 32 x 32 pixels.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import held_out, shared_data
from benchmarks.row import Row
from core.images import read_rgb
from core.learning.evaluate import evaluate, predict_results
from core.learning.mask_quality import mask_ious_from_true_boxes
from core.model.checkpoint import load_model
from core.predictor import Predictor
from mrcnn_gui.resources import STARTER, resource

_TIMED = 12  # photos
_WARM_UP = 2
_BOXES = 8  # per photo, at most
_BAR_MS = 30.0
_BAR_IOU, _BAR_AP, _BAR_AR = 0.76, 0.15, 0.35
_SMALL = 32 * 32  # pixels; COCO's limit between small and medium objects


def rows() -> Iterator[Row]:
    """Times in ms, then the quality on the photos that were held out."""
    model, card = load_model(resource(STARTER))
    folder = shared_data("coco_mini")
    truth = held_out(folder, card["held_out_image_ids"]["coco_mini"])
    predictor = Predictor(model)
    embeds, boxes = _times(predictor, truth, folder / "images")
    yield Row("prompt_embed", statistics.median(embeds), "ms")
    yield Row("prompt_box", statistics.median(boxes), "ms", bar=_BAR_MS)
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "held_out.json"
        path.write_text(json.dumps(truth), encoding="utf-8")
        pairs = np.array(mask_ious_from_true_boxes(model, path, folder / "images"))
    iou = float(pairs[pairs[:, 0] > _SMALL, 1].mean())
    yield Row("prompt_box_iou", iou, "0-1", bar=_BAR_IOU, lower_is_better=False)
    results = predict_results(predictor, truth, folder / "images", category_ids={"object": 1})
    metrics = evaluate(truth, results, class_agnostic=True)
    ap, ar = metrics.mask_ap, metrics.ar100
    yield Row("starter_ap_agnostic", ap, "0-1", bar=_BAR_AP, lower_is_better=False)
    yield Row("starter_ar100_agnostic", ar, "0-1", bar=_BAR_AR, lower_is_better=False)


def _times(
    predictor: Predictor, truth: dict[str, Any], images: Path
) -> tuple[list[float], list[float]]:
    """Milliseconds of every `embed` and of every single box, after the warm-up."""
    embeds, boxes = [], []
    for number, image in enumerate(truth["images"][: _WARM_UP + _TIMED]):
        pixels = read_rgb(images / image["file_name"])
        embed = _milliseconds(partial(predictor.embed, pixels))
        own = [a["bbox"] for a in truth["annotations"] if a["image_id"] == image["id"]]
        prompts = [
            _milliseconds(partial(predictor.predict_boxes, [b]))
            for b in ((x, y, x + w, y + h) for x, y, w, h in own[:_BOXES])
        ]
        if number >= _WARM_UP:
            embeds.append(embed)
            boxes += prompts
    return embeds, boxes


def _milliseconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000
