"""The model on processors: a ResNet-50 beside torchvision's, masks alone, and the starter."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu_timing import check, say
from benchmarks.row import Row

# For convolutions, for what torch itself computes, and for MKL's matrix products: both sides use
# all three, and without the last both would have products in AVX512.
_AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
_PASTED, _PASTE_ROUNDS = 100, 7
_HEIGHT, _WIDTH = 3000, 4000


def amx() -> Iterator[Row]:
    """`r50_cpu_amx`: seconds from an 800x1066 photo to run lengths, with all that the CPU has."""
    yield from _r50("r50_cpu_amx", {}, 5.0)


def avx2() -> Iterator[Row]:
    """`r50_cpu_avx2`: the same where both sides may use AVX2 alone, as on older processors."""
    yield from _r50("r50_cpu_avx2", _AVX2, 1.8)


def _r50(name: str, variables: dict[str, str], bar: float) -> Iterator[Row]:
    command = [sys.executable, "-m", "benchmarks.inference_r50"]
    done = subprocess.run(
        command, env=os.environ | variables, stdout=subprocess.PIPE, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    say(f"{name}: {found}")
    check(f"both find 100: {found['counts']}", set(found["counts"]) == {100})
    ours, theirs = found["ours"], found["theirs"]
    yield Row(name, ours, "s", "torchvision", theirs, theirs / bar)


def paste() -> Iterator[Row]:
    """`paste_100_12mpx`: seconds from 100 grids of 28 x 28 to run lengths in 3000 x 4000 pixels."""
    import torch
    from pycocotools import mask as coco_mask
    from torchvision.models.detection.roi_heads import paste_masks_in_image

    from core.ops.paste import paste_run_lengths

    grids, boxes = _grids()
    places = [(b[0], b[1], b[2], b[3]) for b in boxes.tolist()]

    def ours() -> list[Any]:
        pairs = zip(grids, places, strict=True)
        return [paste_run_lengths(grid, place, _HEIGHT, _WIDTH) for grid, place in pairs]

    def theirs() -> list[Any]:
        probs, at = torch.from_numpy(grids)[:, None], torch.from_numpy(boxes)
        whole = paste_masks_in_image(probs, at, (_HEIGHT, _WIDTH))[:, 0] >= 0.5
        return [coco_mask.encode(np.asfortranarray(m.numpy().view(np.uint8))) for m in whole]

    mine, peers = ours(), theirs()
    exact = [coco_mask.iou([m], [p], [0])[0, 0] for m, p in zip(mine, peers, strict=True)]
    say(f"mean IoU with the peer's, which rounds boxes to whole pixels: {np.mean(exact):.3f}")
    seconds = _alternated(ours, theirs, _PASTE_ROUNDS, few=3)
    yield Row(
        "paste_100_12mpx",
        seconds[0],
        "s",
        "torchvision and pycocotools",
        seconds[1],
        seconds[1] / 100,
    )


def _grids() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smooth blobs [100, 28, 28] and boxes [100, 4] of 60 to 1200 pixels."""
    import cv2

    random = np.random.default_rng(5)
    grids = np.stack(
        [
            cv2.resize(random.random((5, 5)), (28, 28), interpolation=cv2.INTER_CUBIC)
            for _ in range(_PASTED)
        ]
    ).clip(0, 1)
    side = 60 * 20 ** random.random(_PASTED)
    x, y = random.random(_PASTED) * (_WIDTH - side), random.random(_PASTED) * (_HEIGHT - side)
    boxes = np.stack((x, y, x + side, y + side * (0.5 + random.random(_PASTED) / 2)), axis=1)
    return grids.astype(np.float32), boxes.astype(np.float32)


def _alternated(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int, few: int
) -> tuple[float, float]:
    """Median seconds of both, taking turns; the slow peer in the first `few` rounds only."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for own, work in zip(seconds, (ours, theirs), strict=True):
            if own is seconds[1] and number >= few:
                continue
            start = time.perf_counter()
            work()
            own.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])
