"""RoIAlign as its definition says it, point by point."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.ops.roi_align import Sampling

Array = NDArray[np.float64]
LookUp = Callable[[Array, float, float], Array]


def slow_roi_align(
    features: Array, rois: Array, size: int, scale: float, sampling: Sampling
) -> Array:
    """Pool [B, C, H, W] in rois [N, 5]; return [N, C, size, size]."""
    look_up = _bicubic if sampling.interpolation == "bicubic" else _bilinear
    pooled = np.zeros((len(rois), features.shape[1], size, size))
    for number, (image, *box) in enumerate(rois):
        shift = 0.5 if sampling.aligned else 0.0
        x1, y1, x2, y2 = (value * scale - shift for value in box)
        width, height = x2 - x1, y2 - y1
        if not sampling.aligned:
            width, height = max(width, 1.0), max(height, 1.0)
        across = sampling.per_bin or max(0, math.ceil(width / size))
        down = sampling.per_bin or max(0, math.ceil(height / size))
        for row in range(size):
            for column in range(size):
                total = np.zeros(features.shape[1])
                for i in range(down):
                    for j in range(across):
                        y = y1 + height * (row + (i + 0.5) / down) / size
                        x = x1 + width * (column + (j + 0.5) / across) / size
                        total += _at(features[int(image)], y, x, look_up)
                pooled[number, :, row, column] = total / max(1, across * down)
    return pooled


def _at(
    channels: Array, y: float, x: float, look_up: Callable[[Array, float, float], Array]
) -> Array:
    """Look up [C, H, W] at one point: 0 beyond a cell outside, else the border is repeated."""
    height, width = channels.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return np.zeros(len(channels))
    return look_up(channels, min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0))


def _bilinear(channels: Array, y: float, x: float) -> Array:
    return _weighted(channels, y, x, (0, 1), lambda distance: max(0.0, 1 - abs(distance)))


def _bicubic(channels: Array, y: float, x: float) -> Array:
    return _weighted(channels, y, x, (-1, 0, 1, 2), _keys)


def _keys(distance: float, a: float = -0.75) -> float:
    """The cubic convolution kernel (Keys 1981, equation 15)."""
    d = abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def _weighted(
    channels: Array, y: float, x: float, offsets: tuple[int, ...], kernel: Callable[[float], float]
) -> Array:
    height, width = channels.shape[1:]
    total = np.zeros(len(channels))
    for row in (math.floor(y) + offset for offset in offsets):
        for column in (math.floor(x) + offset for offset in offsets):
            cell = channels[:, min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
            total += cell * kernel(y - row) * kernel(x - column)
    return total
