"""The shipped model on a processor: where the time goes, batches, and what the gains cost."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.data import held_out, shared_data
from benchmarks.gpu_timing import say
from benchmarks.row import Row
from core.images import list_images, read_rgb
from core.learning.evaluate import evaluate, predict_results
from core.model.checkpoint import load_model
from core.predictor import Detection, Predictor
from mrcnn_gui.project.store import PROJECT_FOLDER, Store
from mrcnn_gui.resources import STARTER, resource
from mrcnn_gui.workflows.presegment import presegment

_PHOTOS, _WARM_UP = 15, 3
_BATCH, _BATCH_ROUNDS = 100, 3
_SURE, _SAME_PLACE = 0.3, 0.9
_PROPOSALS = (50, 100, 150, 200, 300, 500, 1000)

Photo = NDArray[np.uint8]


def one_photo() -> Iterator[Row]:
    """`starter_640`: seconds per 640x480 photo, warm, from pixels to run lengths."""
    predictor = Predictor.load(resource(STARTER))
    photos = _photos(_PHOTOS)
    for photo in photos[:_WARM_UP]:
        _ask(predictor, photo)
    seconds = [_seconds(_ask, predictor, photo) for photo in photos]
    say(f"{predictor.precision}: {predictor.reason}; {torch.get_num_threads()} threads")
    _say_where_the_time_goes(predictor, photos)
    yield Row("starter_640", statistics.median(seconds), "s", bar=0.25)


def batch() -> Iterator[Row]:
    """`batch_throughput`: images per second of 100 photos, read and stored, beside one by one."""
    predictor = Predictor.load(resource(STARTER))
    paths = list(islice(list_images(shared_data("coco_mini")), _BATCH))
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / PROJECT_FOLDER
        with Store.create(folder) as store:
            store.add_category("object")
            store.add_images(paths)
            ids = [entry.id for entry in store.images()]
        presegment(folder, ids[:_WARM_UP], predictor, "starter")
        speeds: dict[int | None, list[float]] = {None: [], 0: []}
        for _ in range(_BATCH_ROUNDS):
            for workers, own in speeds.items():
                start = time.perf_counter()
                presegment(folder, ids, predictor, "starter", workers=workers)
                own.append(len(ids) / (time.perf_counter() - start))
    ahead, alone = statistics.median(speeds[None]), statistics.median(speeds[0])
    yield Row(
        "batch_throughput", ahead, "1/s", "one by one", alone, alone * 1.4, lower_is_better=False
    )


def bf16() -> Iterator[Row]:
    """`starter_bf16_found` and `starter_bf16_ap`: what bf16 and folded norms cost."""
    yield from _precision("bf16")


def winograd() -> Iterator[Row]:
    """`starter_winograd_found` and `starter_winograd_ap`: what fewer multiplications cost."""
    yield from _precision("winograd")


def _precision(name: str) -> Iterator[Row]:
    """Compare with fp32 on the held-out photos.

    The first row is the share of fp32's detections above 0.3 that are found again with IoU > 0.9,
    the second the change of mask AP, in points.
    """
    predictors = [
        Predictor.load(resource(STARTER), device="cpu", precision=each) for each in ("fp32", name)
    ]
    truth, images = _truth()
    found = [_all(predictor, truth, images) for predictor in predictors]
    sure = [(a, b) for a, b in zip(*found, strict=True)]
    again = [_is_found(d, others) for own, others in sure for d in own if d.score > _SURE]
    say(f"{len(again)} detections above {_SURE}")
    found_again = float(np.mean(again))
    yield Row(f"starter_{name}_found", found_again, "0-1", bar=0.99, lower_is_better=False)
    aps = [_ap(predictor, truth, images) for predictor in predictors]
    say(f"mask AP in fp32 and {name}: {aps[0]:.4f}, {aps[1]:.4f}")
    yield Row(f"starter_{name}_ap", abs(aps[1] - aps[0]) * 100, "pt", bar=0.3)


def proposals() -> Iterator[Row]:
    """`starter_proposals_ap_N`: mask AP of the held-out photos with N proposals per photo."""
    model, _ = load_model(resource(STARTER))
    truth, images = _truth()
    for count in _PROPOSALS:
        model.config = replace(model.config, rpn_proposals_test=count)
        model.rpn.config = model.config
        predictor = Predictor(model, device="cpu")
        start = time.perf_counter()
        ap = _ap(predictor, truth, images)
        say(f"{count} proposals: {time.perf_counter() - start:.0f} s")
        yield Row(f"starter_proposals_ap_{count}", ap, "0-1", lower_is_better=False)


def _photos(count: int) -> list[Photo]:
    resized = (
        cv2.resize(read_rgb(path), (640, 480), interpolation=cv2.INTER_AREA)
        for path in islice(list_images(shared_data("coco_mini")), count)
    )
    return [np.asarray(photo, np.uint8) for photo in resized]


def _truth() -> tuple[dict[str, Any], Path]:
    """The held-out photos of coco_mini with their annotations, and their folder."""
    _, card = load_model(resource(STARTER))
    folder = shared_data("coco_mini")
    return held_out(folder, card["held_out_image_ids"]["coco_mini"]), folder / "images"


def _ask(predictor: Predictor, photo: Photo) -> list[Any]:
    return _run_lengths(predictor.predict(photo), photo)


def _run_lengths(found: list[Detection], photo: Photo) -> list[Any]:
    return [detection.run_lengths(*photo.shape[:2]) for detection in found]


def _all(predictor: Predictor, truth: dict[str, Any], images: Path) -> list[list[Detection]]:
    return [predictor.predict(read_rgb(images / i["file_name"])) for i in truth["images"]]


def _is_found(detection: Detection, others: list[Detection]) -> bool:
    """Whether one of the same category lies at the same place; by box, the masks follow it."""
    boxes = np.array([o.box_xyxy for o in others if o.category == detection.category])
    if len(boxes) == 0:
        return False
    x1, y1, x2, y2 = detection.box_xyxy
    wide = np.minimum(boxes[:, 2], x2) - np.maximum(boxes[:, 0], x1)
    high = np.minimum(boxes[:, 3], y2) - np.maximum(boxes[:, 1], y1)
    shared = wide.clip(0) * high.clip(0)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    union = area + (x2 - x1) * (y2 - y1) - shared
    return bool((shared / union > _SAME_PLACE).any())


def _ap(predictor: Predictor, truth: dict[str, Any], images: Path) -> float:
    ids = dict.fromkeys(predictor.categories, 1)
    results = predict_results(predictor, truth, images, category_ids=ids)
    return evaluate(truth, results, class_agnostic=True).mask_ap


def _say_where_the_time_goes(predictor: Predictor, photos: list[Photo]) -> None:
    """Print the median milliseconds of each stage; the rest is what is around them."""
    model = predictor._model  # noqa: SLF001 - the stages are nobody else's business
    spent: dict[str, list[float]] = {}
    undo = [
        _timed(module, name, spent)
        for name, module in (
            ("backbone", model.backbone),
            ("pyramid", model.fpn),
            ("proposal scores", model.rpn),
            ("box head", model.box_head),
            ("mask head", model.mask_head),
        )
    ]
    for owner, method, name in (
        (model, "_pool", "RoIAlign, both"),
        (model.rpn, "propose", "proposals: decode and NMS"),
        (model.box_head, "select", "selection: decode and NMS"),
        (predictor, "_resize", "resize"),
    ):
        undo.append(_timed_method(owner, method, name, spent))
    whole = [_seconds(predictor.predict, photo) * 1000 for photo in photos]
    masks = []
    for photo in photos:
        found = predictor.predict(photo)
        masks.append(_seconds(_run_lengths, found, photo) * 1000)
    for restore in undo:
        restore()
    total = statistics.median(whole)
    medians = {name: sum(ms) / len(photos) / 2 for name, ms in spent.items()}
    for name, ms in sorted(medians.items(), key=lambda item: -item[1]):
        say(f"  {name:28} {ms:6.1f} ms")
    say(f"  {'the rest of predict':28} {total - sum(medians.values()):6.1f} ms")
    say(f"  {'run lengths':28} {statistics.median(masks):6.1f} ms")


def _timed(module: nn.Module, name: str, spent: dict[str, list[float]]) -> Callable[[], None]:
    starts: list[float] = []
    before = module.register_forward_pre_hook(lambda *_: starts.append(time.perf_counter()))

    def note(*_: Any) -> None:
        spent.setdefault(name, []).append((time.perf_counter() - starts.pop()) * 1000)

    after = module.register_forward_hook(note)

    def undo() -> None:
        before.remove()
        after.remove()

    return undo


def _timed_method(
    owner: Any, method: str, name: str, spent: dict[str, list[float]]
) -> Callable[[], None]:
    inner = getattr(owner, method)

    def outer(*arguments: Any) -> Any:
        start = time.perf_counter()
        result: Tensor = inner(*arguments)
        spent.setdefault(name, []).append((time.perf_counter() - start) * 1000)
        return result

    setattr(owner, method, outer)
    return lambda: delattr(owner, method)


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start
