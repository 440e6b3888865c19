"""Cut a mask along a line."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks.mask import Bitmap, Mask
from core.masks.parts import split_parts

Labels = NDArray[np.int32]


def cut_mask(mask: Mask, points: Sequence[tuple[float, float]], min_area: int = 1) -> list[Mask]:
    """The pieces that a line cuts a mask into; together they are the mask, pixel for pixel.

    The pixels under the line go to the pieces beside it.

    Args:
        mask: What is cut; its parts may be many.
        points: (x, y) of the line's corners in pixels, at least one.
        min_area: Smaller pieces stay with their neighbours, in pixels.

    Returns:
        At least two pieces, largest first, each 4-connected but for the first: the parts that the
        line does not divide stay with it. An empty list when the line divides nothing.
    """
    whole: list[Mask] = []
    pieces: list[Mask] = []
    for part in split_parts(mask):
        cut = _cut_part(part, points, min_area)
        if len(cut) > 1:
            pieces += cut
        else:
            whole.append(part)
    if not pieces:
        return []
    pieces.sort(key=lambda piece: -piece.area)
    for part in whole:
        pieces[0] = pieces[0].union(part)
    return pieces


def _cut_part(part: Mask, points: Sequence[tuple[float, float]], min_area: int) -> list[Mask]:
    line = _line(part, points)
    rest = part.crop & ~line
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(rest.view(np.uint8), connectivity=4)
    areas = boxes[:, cv2.CC_STAT_AREA]
    small = np.flatnonzero(areas < min_area)
    if small.size:
        labels[np.isin(labels, small)] = 0
    if count - 1 - np.count_nonzero(small) < 2:
        return [part]
    spread = _spread(labels.astype(np.int32), part.crop)
    return [
        Mask.from_bitmap(spread == label, part.x, part.y)
        for label in range(1, count)
        if areas[label] >= min_area
    ]


def _line(part: Mask, points: Sequence[tuple[float, float]]) -> Bitmap:
    """The pixels of the part's crop under the line: 8-connected, which no 4-connected part passes.

    Pixel i covers [i, i + 1): the pixel under a corner is its floor.
    """
    bitmap = np.zeros(part.crop.shape, dtype=np.uint8)
    corners = np.floor(np.array(points, dtype=np.float64)).astype(np.int32)
    corners -= np.array([part.x, part.y], dtype=np.int32)
    cv2.polylines(bitmap, [corners.reshape(-1, 1, 2)], False, 1, 1, cv2.LINE_8)
    return bitmap.view(np.bool_)


def _spread(labels: Labels, inside: Bitmap) -> Labels:
    """Let the labels grow over the pixels inside that have none, in place."""
    while True:
        rows, columns = np.nonzero(inside & (labels == 0))
        if rows.size == 0:
            return labels
        nearest = np.zeros_like(rows, dtype=np.int32)
        for down, right in ((-1, 0), (0, -1), (1, 0), (0, 1)):
            beside = _shifted(labels, rows + down, columns + right)
            nearest = np.where(nearest == 0, beside, nearest)
        labels[rows, columns] = nearest


def _shifted(labels: Labels, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Labels:
    """The labels at these places; 0 outside of the array."""
    height, width = labels.shape
    there = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = np.zeros(rows.shape, dtype=np.int32)
    found[there] = labels[rows[there], columns[there]]
    return found
