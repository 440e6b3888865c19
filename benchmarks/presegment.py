"""How long the starter takes for one photo, from pixels to masks."""

import statistics
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.data import shared_data
from benchmarks.row import Row
from core.images import list_images, read_rgb
from core.predictor import Predictor
from mrcnn_gui.resources import STARTER, resource

_PHOTOS = 15
_WARM_UP = 3
_BAR_SECONDS = 0.4


def rows() -> Iterator[Row]:
    """`presegment_starter_640`: median seconds per 640x480 photo, warm."""
    predictor = Predictor.load(resource(STARTER))
    photos = [_vga(path) for path in islice(list_images(shared_data("coco_mini")), _PHOTOS)]
    for photo in photos[:_WARM_UP]:
        predictor.predict(photo)
    seconds = [_seconds(predictor, photo) for photo in photos]
    yield Row("presegment_starter_640", statistics.median(seconds), "s", bar=_BAR_SECONDS)


def _vga(path: Path) -> NDArray[np.uint8]:
    resized = cv2.resize(read_rgb(path), (640, 480), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def _seconds(predictor: Predictor, photo: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    predictor.predict(photo)
    return time.perf_counter() - start
