"""The exact bilinear map from the square grid of the mask head to a mask in the image.

It uses half-pixel centres and continuous box coordinates: cell (i, j) of a g × g grid covers its
share of the box, and its value stands at its centre. No full-size canvas is ever built. The other
direction is `core.ops.mask_sampling`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from core.masks import Mask

Box = tuple[float, float, float, float]


def paste_mask(
    prob: NDArray[np.float32], box_xyxy: Box, height: int, width: int, threshold: float = 0.5
) -> Mask:
    """Resize a grid of probabilities onto its box and cut it at the threshold.

    A pixel belongs to the mask when its centre lies in the box and the bilinear value there (the
    grid's border repeated outwards) is at least `threshold`.

    Args:
        prob: [g, g] probabilities.
        box_xyxy: continuous, in the image's pixels; may reach outside.
        height: of the image, in pixels.
        width: of the image, in pixels.
        threshold: 0..1.

    Returns:
        The mask in image coordinates; empty when nothing reaches the threshold.
    """
    x1, y1, x2, y2 = box_xyxy
    xs = _pixel_range(x1, x2, width)
    ys = _pixel_range(y1, y2, height)
    if len(xs) == 0 or len(ys) == 0:
        return Mask.empty()
    down = _resize_matrix((ys + 0.5 - y1) / (y2 - y1), prob.shape[0])  # [h, g]
    across = _resize_matrix((xs + 0.5 - x1) / (x2 - x1), prob.shape[1])  # [w, g]
    values = down @ prob.astype(np.float64) @ across.T
    return Mask.from_bitmap(values >= threshold, x=int(xs[0]), y=int(ys[0]))


def _taps(
    positions: NDArray[np.float64], size: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the two neighbours [n, 2] of each position and their weights, 0 outside the array."""
    first = np.floor(positions).astype(np.intp)
    share = positions - first
    neighbours = np.stack((first, first + 1), axis=1)
    weights = np.stack((1 - share, share), axis=1)
    weights[(neighbours < 0) | (neighbours >= size)] = 0
    return neighbours.clip(0, size - 1), weights


def _pixel_range(low: float, high: float, limit: int) -> NDArray[np.int64]:
    """Return the pixels whose centre lies in [low, high) and inside the image."""
    first = max(0, math.ceil(low - 0.5))
    last = min(limit, math.ceil(high - 0.5))
    return np.arange(first, last)


def _resize_matrix(shares: NDArray[np.floating], size: int) -> NDArray[np.float64]:
    """Return [n, size]: the weights of the grid's cells at positions 0..1 along the box."""
    positions = (shares * size - 0.5).clip(0, size - 1).astype(np.float64)
    neighbours, weights = _taps(positions, size)
    matrix = np.zeros((len(shares), size))
    row = np.arange(len(shares))
    matrix[row, neighbours[:, 0]] += weights[:, 0]
    matrix[row, neighbours[:, 1]] += weights[:, 1]
    return matrix
