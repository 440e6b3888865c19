"""Time and memory of one training step, each in a process of its own.

R50-FPN at 800 pixels, batch 2: torchvision's model with all layers learning, ours with all, and
ours with the RoI heads alone on features that are kept.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.row import Row
from core.learning.config import TrainConfig
from core.learning.learner import Learner
from core.masks import Mask
from core.model.mask_rcnn import MaskRCNN, Target
from core.model.precision import choose_precision
from core.model.presets import TORCHVISION_V1

HEIGHT, WIDTH, BATCH = 800, 1066, 2
_REPEATS = 3  # after one to warm up; the fastest counts
_BAR_CACHED, _BAR_ALL, _BAR_ALL_WITHOUT_AMX, _BAR_MEMORY = 20.0, 3.0, 1.5, 1.6


def rows(kinds: tuple[str, ...] = ("cached", "all", "memory")) -> Iterator[Row]:
    """The ratios of torchvision's step to ours."""
    peer = _measure("peer")
    if "cached" in kinds:
        yield _ratio("finetune_step_cached_ratio", peer[0] / _measure("cached")[0], _BAR_CACHED)
    if {"all", "memory"} & set(kinds):
        seconds, megabytes = _measure("all")
        has_amx = choose_precision("cpu").name == "bf16"
        bar = _BAR_ALL if has_amx else _BAR_ALL_WITHOUT_AMX
        if "all" in kinds:
            yield _ratio("finetune_step_all_ratio", peer[0] / seconds, bar)
        if "memory" in kinds:
            yield _ratio("finetune_peak_memory_ratio", peer[1] / megabytes, _BAR_MEMORY)


def _ratio(name: str, value: float, bar: float) -> Row:
    return Row(name, value, "x", peer="torchvision", bar=bar, lower_is_better=False)


def _measure(kind: str) -> tuple[float, float]:
    """Seconds of a step, and the most memory in MB, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.finetune_steps", kind]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, megabytes = json.loads(out.splitlines()[-1])
    return float(seconds), float(megabytes)


def _scene() -> tuple[list[Tensor], list[Mask]]:
    generator = torch.Generator().manual_seed(0)
    images = [torch.rand(3, HEIGHT, WIDTH, generator=generator) for _ in range(BATCH)]
    draw = np.random.default_rng(0)
    sides = draw.integers(60, 300, 8).tolist()
    places = [(int(draw.integers(WIDTH - s)), int(draw.integers(HEIGHT - s))) for s in sides]
    masks = [
        Mask.from_bitmap(np.ones((side, side), np.bool_), x, y)
        for side, (x, y) in zip(sides, places, strict=True)
    ]
    return images, masks


def _peer() -> Callable[[], object]:
    import torchvision

    model = torchvision.models.detection.maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=2, min_size=HEIGHT, max_size=1333
    ).train()
    images, masks = _scene()
    bitmaps = np.stack([mask.to_bitmap(HEIGHT, WIDTH) for mask in masks]).astype(np.uint8)
    target = {
        "boxes": torch.tensor([mask.box_xyxy for mask in masks]).float(),
        "labels": torch.ones(len(masks), dtype=torch.int64),
        "masks": torch.from_numpy(bitmaps),
    }
    optimizer = torch.optim.SGD(model.parameters(), 1e-6, momentum=0.9)

    def step() -> None:
        losses = model(images, [target] * BATCH)
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def _ours(stages: str) -> Callable[[], object]:
    precision = choose_precision("cpu").name
    config = TrainConfig(
        Path("t.json"),
        Path(),
        Path(),
        batch_size=BATCH,
        learning_rate=1e-6,
        stages=stages,
        precision=precision,
        device="cpu",
    )
    model = MaskRCNN(replace(TORCHVISION_V1, categories=("object",)))
    learner = Learner(model, config, 1000, "cpu")
    images, masks = _scene()
    target = Target(
        boxes_xyxy=torch.tensor([mask.box_xyxy for mask in masks]).float(),
        labels=torch.ones(len(masks), dtype=torch.int64),
        masks=masks,
        ignore_xyxy=torch.zeros(0, 4),
    )
    if stages == "all":
        return lambda: learner.learn(images, [target] * BATCH)
    draw = torch.Generator().manual_seed(0)
    parts = [learner.roi_inputs(image, target, draw) for image in images]
    return lambda: learner.learn_heads(parts)


def main(kind: str) -> None:
    """Print seconds and megabytes of one kind: "peer", "all" or "cached"."""
    step = _peer() if kind == "peer" else _ours("all" if kind == "all" else "roi_heads")
    times = []
    for _ in range(1 + _REPEATS):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([min(times[1:]), peak]))


if __name__ == "__main__":
    main(sys.argv[1])
