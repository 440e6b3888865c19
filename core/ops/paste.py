"""The exact bilinear map from the square grid of the mask head to a mask in the image.

It uses half-pixel centres and continuous box coordinates: cell (i, j) of a g × g grid covers its
share of the box, and its value stands at its centre. The other direction is
`core.ops.mask_sampling`.

Down a column of pixels the value is linear between two rows of the grid. So where it crosses the
threshold is known without looking at the pixels: the cost follows the width of the box and the
grid's rows, and for run lengths nothing of the size of the box is ever built.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.masks import Mask, RunLengths, encode_changes, odd_ones

Box = tuple[float, float, float, float]
Changes = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class MaskGrid:
    """A mask as the mask head gives it; pixels are made of it when somebody looks.

    Attributes:
        prob: [g, g] probabilities over the box.
        box_xyxy: continuous, in the image's pixels.
        height: of the image, in pixels.
        width: of the image, in pixels.
    """

    prob: NDArray[np.float32]
    box_xyxy: Box
    height: int
    width: int

    @property
    def is_empty(self) -> bool:
        """Whether no pixel is inside."""
        return len(self._changes[0]) == 0

    @cached_property
    def mask(self) -> Mask:
        """As `paste_mask` makes it."""
        return _to_mask(*self._changes)

    @property
    def run_lengths(self) -> RunLengths:
        """As `paste_run_lengths` makes them."""
        columns, rows = self._changes
        return encode_changes(columns * self.height + rows, self.height, self.width)

    @cached_property
    def _changes(self) -> Changes:
        return _changes(self.prob, self.box_xyxy, (self.height, self.width), 0.5)


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
    return _to_mask(*_changes(prob, box_xyxy, (height, width), threshold))


def paste_run_lengths(
    prob: NDArray[np.float32], box_xyxy: Box, height: int, width: int, threshold: float = 0.5
) -> RunLengths:
    """Return `encode_rle` of `paste_mask`, without making the mask; arguments as there."""
    columns, rows = _changes(prob, box_xyxy, (height, width), threshold)
    return encode_changes(columns * height + rows, height, width)


def _to_mask(columns: NDArray[np.int64], rows: NDArray[np.int64]) -> Mask:
    """Fill between the changes."""
    if len(columns) == 0:
        return Mask.empty()
    left, top = int(columns[0]), int(rows.min())
    changes = np.zeros((int(rows.max()) - top + 1, int(columns[-1]) - left + 1), np.uint8)
    changes[rows - top, columns - left] = 1
    crop = np.bitwise_xor.accumulate(changes, axis=0, out=changes)
    return Mask.from_bitmap(crop.view(np.bool_), x=left, y=top)


def _changes(
    prob: NDArray[np.float32], box_xyxy: Box, size: tuple[int, int], threshold: float
) -> Changes:
    """Return columns and rows [n] of the pixels where inside and outside change places.

    They are sorted by column, then row, and no place is there twice. Above the first change of a
    column is outside, and its last change, which may lie below the image, leads outside again.
    """
    x1, y1, x2, y2 = box_xyxy
    left, right = _pixel_range(x1, x2, size[1])
    top, bottom = _pixel_range(y1, y2, size[0])
    grid = len(prob)
    if right <= left or bottom <= top:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    values = _columns(prob, (np.arange(left, right) + 0.5 - x1) / (x2 - x1))  # [w, g]
    inside = np.zeros((len(values), grid + 2), np.bool_)
    inside[:, 1:-1] = values >= threshold
    columns, before = np.nonzero(inside[:, 1:] != inside[:, :-1])  # between grid rows before, + 1
    rows = np.where(before == 0, top, bottom)
    inner = np.flatnonzero((before > 0) & (before < grid))
    column, upper = columns[inner], before[inner] - 1
    low, high = values[column, upper], values[column, upper + 1]
    crossing = upper + (threshold - low) / (high - low)
    place = (crossing + 0.5) / grid * (y2 - y1) + y1 - 0.5
    # The first pixel behind the crossing; a pixel at the threshold is inside.
    first = np.where(high > low, np.ceil(place), np.floor(place) + 1)
    rows[inner] = first.clip(top, bottom)
    # Two changes at one place are none: the value is on the other side between two pixels only.
    columns, rows = np.divmod(odd_ones(columns * (bottom + 1) + rows), bottom + 1)
    return columns + left, rows


def _columns(prob: NDArray[np.float32], shares: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return [n, g]: the grid's values at positions 0..1 across the box, for each of its rows."""
    grid = prob.shape[1]
    positions = (shares * grid - 0.5).clip(0, grid - 1)
    first = positions.astype(np.intp)
    share = (positions - first)[:, None]
    turned = prob.T.astype(np.float64)
    return turned[first] * (1 - share) + turned[np.minimum(first + 1, grid - 1)] * share


def _pixel_range(low: float, high: float, limit: int) -> tuple[int, int]:
    """Return the first pixel whose centre lies in [low, high) and inside the image, and the end."""
    return max(0, math.ceil(low - 0.5)), min(limit, math.ceil(high - 0.5))
