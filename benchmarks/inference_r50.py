"""A process that times a ResNet-50 Mask R-CNN and torchvision's in turns; it prints one JSON line.

It is a process of its own because environment variables choose the processor's instructions.
"""

import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from benchmarks.inference_models import photos, twins
from core.predictor import Predictor

_ROUNDS = 7
_PHOTOS = 3


def main() -> None:
    """Time photo to run-length masks."""
    theirs, ours = twins()
    predictor = Predictor(ours, device="cpu")
    images = [
        (photo.permute(1, 2, 0) * 255).round().byte().contiguous().numpy()
        for photo in photos(_PHOTOS)
    ]

    def ask_ours(image: NDArray[np.uint8]) -> int:
        height, width = image.shape[:2]
        return len([d.run_lengths(height, width) for d in predictor.predict(image)])

    @torch.inference_mode()
    def ask_theirs(image: NDArray[np.uint8]) -> int:
        tensor = torch.from_numpy(image).permute(2, 0, 1).float() / 255
        masks = theirs([tensor])[0]["masks"][:, 0] >= 0.5
        return len([coco_mask.encode(np.asfortranarray(m.numpy().view(np.uint8))) for m in masks])

    counts = [ask(image) for ask in (ask_ours, ask_theirs) for image in images]  # and warm up
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(_ROUNDS):
        image = images[number % _PHOTOS]
        for own, ask in zip(seconds, (ask_ours, ask_theirs), strict=True):
            own.append(_seconds(ask, image))
    found = {
        "ours": statistics.median(seconds[0]),
        "theirs": statistics.median(seconds[1]),
        "best": [min(own) for own in seconds],
        "counts": counts,
        "precision": f"{predictor.precision}: {predictor.reason}",
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(found))


def _seconds(ask: Callable[[NDArray[np.uint8]], int], image: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    ask(image)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
