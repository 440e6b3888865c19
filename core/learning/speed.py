"""How long a training step and a validation image take on this machine: measured, and kept."""

import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from torch import Tensor

from core.files import write_atomically
from core.learning.config import TrainConfig
from core.learning.evaluate import judging_precision
from core.learning.learner import Learner
from core.masks import Mask
from core.model.checkpoint import with_categories
from core.model.mask_rcnn import MaskRCNN, Target
from core.model.precision import choose_precision
from core.predictor import Predictor

_REPEATS = 2  # after one to warm up; the faster one counts
# Of the range of scales, those of the steps that are timed, whose mean counts; one before them
# warms up. Precisions are compared on small images: somebody waits, and float32 may take thrice as
# long.
_WARM_UP, _SHARES = 1.0, (0.2, 0.5, 0.8)
_TRIAL_WARM_UP, _TRIAL_SHARES = 0.2, (0.4,)
_WORTHWHILE = 1.2  # how much faster a step in bf16 must be
_OBJECTS = (1, 6, 16, 40)  # on the measured image: what comes next to the run's images
_FILLED = 0.8  # of its place, along each side
# Proposals that lie on objects, of each and of an image at most: on 18 steps of a run with balloons
# 5 to 42 an image came to the mask head, 27 in the mean. On noise a model finds none by itself.
_PROPOSED, _MOST_PROPOSED = 5, 30


@dataclass(frozen=True)
class Speed:
    """Seconds on this machine.

    Attributes:
        step: A training step, the mean over the scales that are drawn.
        head_step: A step of the RoI heads alone, on features that are kept; None where more learns.
        image: Finding what is on one image, as a validation does.
        precision: Of training: "fp32", or "bf16" where that is clearly faster.
    """

    step: float
    head_step: float | None
    image: float
    precision: str


def measure_speed(
    model: MaskRCNN, config: TrainConfig, cache: Path | None = None, *, objects: float = 6
) -> Speed:
    """Do a few steps on a made-up image, or read what was measured here before.

    Args:
        model: What the run starts from; it is not changed.
        config: Of the run; `precision` "auto" is decided here for CPUs.
        cache: JSON file of measurements; None: in the user's cache folder.
        objects: On an image, usually.
    """
    count = min(_OBJECTS, key=lambda it: abs(math.log(it / max(objects, 1))))
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    path = cache or platformdirs.user_cache_path("mrcnn-gui") / "speeds.json"
    key, known = _key(model, config, device, count), _read(path)
    if key not in known:
        known[key] = asdict(_measure(model, config, device, count))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(known, indent=1))
    return Speed(**known[key])


def _measure(model: MaskRCNN, config: TrainConfig, device: str, objects: int) -> Speed:
    precision = config.precision
    with torch.inference_mode(mode=False), torch.enable_grad():
        if precision == "auto" and device == "cpu":
            precision = _faster(model, config, device, objects)
        steps = _steps(model, config, device, precision, objects)
    copy = with_categories(model, model.config.categories)
    predictor = Predictor(copy, device=device, precision=judging_precision(device))
    size = _size(config.image_size)
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    return Speed(*steps, _seconds(lambda: predictor.predict(image), device), precision)


def _faster(model: MaskRCNN, config: TrainConfig, device: str, objects: int) -> str:
    """The precision to learn in: "bf16" where a step is clearly faster with it."""
    if choose_precision(device).name != "bf16":
        return "fp32"
    trial = partial(_steps, model, config, device)
    (whole, _), (half, _) = (
        trial(it, objects, _TRIAL_WARM_UP, _TRIAL_SHARES) for it in ("fp32", "bf16")
    )
    return "bf16" if whole > _WORTHWHILE * half else "fp32"


def _steps(
    model: MaskRCNN,
    config: TrainConfig,
    device: str,
    precision: str,
    objects: int,
    warm_up: float = _WARM_UP,
    shares: tuple[float, ...] = _SHARES,
) -> tuple[float, float | None]:
    """Seconds of a whole step, and of one of the heads alone.

    A step is timed on sizes that have not come before, as in a run: what a library prepares for a
    new size is a good part of it.
    """
    settings = {**config.to_dict(), "precision": precision, "learning_rate": 1e-9}
    copy = with_categories(model, model.config.categories)
    learner = Learner(copy, TrainConfig.from_dict(settings), 1000, device)
    times = []
    for share in (warm_up, *shares):
        image, target = _scene(config, share, objects)
        images, targets = [image] * config.batch_size, [target] * config.batch_size
        times.append(_timed(partial(learner.learn, images, targets), device))
    whole = sum(times[1:]) / len(shares)
    if config.stages != "roi_heads":
        return whole, None
    inputs = learner.roi_inputs(image, target, torch.Generator().manual_seed(0))
    parts = [inputs] * config.batch_size
    return whole, _seconds(lambda: learner.learn_heads(parts), device)


def _size(long_side: int) -> tuple[int, int]:
    """Height and width of a photo of the usual shape."""
    return round(long_side * 3 / 4), long_side


def _scene(config: TrainConfig, share: float, objects: int) -> tuple[Tensor, Target]:
    """A made-up image at one of the scales that are drawn, with objects in rows.

    Each is named as often as proposals would lie on it: the heads learn from all of them.
    """
    low, high = config.scale_jitter
    height, width = _size(round(config.image_size * (low + share * (high - low))))
    columns = math.ceil(math.sqrt(objects * 4 / 3))
    place = width // columns
    side = max(4, min(height // 5, round(_FILLED * place)))
    corners = [
        (i % columns * place, min(i // columns * place, height - side)) for i in range(objects)
    ]
    proposed = max(objects, min(_MOST_PROPOSED, _PROPOSED * objects))
    corners = [corners[i % objects] for i in range(proposed)]
    masks = [Mask.from_bitmap(np.ones((side, side), np.bool_), x, y) for x, y in corners]
    image = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    return image, Target(
        boxes_xyxy=torch.tensor([mask.box_xyxy for mask in masks], dtype=torch.float32),
        labels=torch.ones(len(masks), dtype=torch.int64),
        masks=masks,
        ignore_xyxy=torch.zeros(0, 4),
    )


def _seconds(do: Callable[[], object], device: str) -> float:
    """The fastest of a few times."""
    return min([_timed(do, device) for _ in range(1 + _REPEATS)][1:])


def _timed(do: Callable[[], object], device: str) -> float:
    begun = time.perf_counter()
    do()
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begun


def _key(model: MaskRCNN, config: TrainConfig, device: str, objects: int) -> str:
    """What the speed depends on."""
    names = ("image_size", "batch_size", "micro_batch", "stages", "precision", "optimizer")
    drawn = [*config.scale_jitter, objects]
    hardware = (
        torch.cuda.get_device_name(device)
        if torch.device(device).type == "cuda"
        else (platform.machine(), platform.processor(), os.cpu_count(), torch.get_num_threads())
    )
    settings = [getattr(config, name) for name in names]
    judging = judging_precision(device)
    what = (hardware, torch.__version__, model.config.to_dict(), settings, drawn, judging)
    return hashlib.blake2b(json.dumps(what).encode(), digest_size=12).hexdigest()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
