"""Cut a mask along a line."""

from collections.abc import Sequence
from functools import reduce

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
    pieces: list[Mask] = []
    for part in split_parts(mask):
        cut = _cut_part(part, points, min_area)
        pieces += cut if len(cut) > 1 else []
    if not pieces:
        return []
    pieces.sort(key=lambda piece: -piece.area)
    return [reduce(Mask.subtract, pieces[1:], mask), *pieces[1:]]


def _cut_part(part: Mask, points: Sequence[tuple[float, float]], min_area: int) -> list[Mask]:
    line = _line(part, points)
    np.logical_and(line, part.crop, out=line)
    if not line.any():
        return [part]
    rest = part.crop & ~line
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rest.view(np.uint8), connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] >= min_area
    large[0] = False
    if np.count_nonzero(large) < 2:
        return [part]
    crumbs = rest & ~large[labels]
    rows, columns = np.nonzero(line | crumbs)
    grown = labels.astype(np.int32)
    grown[rows, columns] = 0
    _spread(grown, rows, columns)
    owners = grown[rows, columns]
    pieces = []
    for label in np.flatnonzero(large).tolist():
        own = owners == label
        box = _hull(stats[label], rows[own], columns[own])
        pieces.append(_piece(part, grown, label, box))
    return pieces


def _line(part: Mask, points: Sequence[tuple[float, float]]) -> Bitmap:
    """The pixels of the part's crop under the line: 8-connected, which no 4-connected part passes.

    Pixel i covers [i, i + 1): the pixel under a corner is its floor.
    """
    bitmap = np.zeros(part.crop.shape, dtype=np.uint8)
    corners = np.floor(np.array(points, dtype=np.float64)).astype(np.int32)
    corners -= np.array([part.x, part.y], dtype=np.int32)
    cv2.polylines(bitmap, [corners.reshape(-1, 1, 2)], False, 1, 1, cv2.LINE_8)
    return bitmap.view(np.bool_)


def _spread(labels: Labels, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
    """Give pixels without a label, 0, that of a neighbour, from the labelled ones on; in place."""
    while rows.size:
        nearest = np.zeros(rows.shape, dtype=np.int32)
        for down, right in ((-1, 0), (0, -1), (1, 0), (0, 1)):
            beside = _shifted(labels, rows + down, columns + right)
            nearest = np.where(nearest == 0, beside, nearest)
        labels[rows, columns] = nearest
        rows, columns = rows[nearest == 0], columns[nearest == 0]


def _hull(
    stats: NDArray[np.int32], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a component together with some pixels."""
    left, top, width, height = (int(value) for value in stats[:4])
    right, bottom = left + width, top + height
    if not rows.size:
        return left, top, right, bottom
    return (
        min(left, int(columns.min())),
        min(top, int(rows.min())),
        max(right, int(columns.max()) + 1),
        max(bottom, int(rows.max()) + 1),
    )


def _piece(part: Mask, labels: Labels, label: int, box: tuple[int, int, int, int]) -> Mask:
    left, top, right, bottom = box
    inside = labels[top:bottom, left:right] == label
    return Mask.from_bitmap(inside, part.x + left, part.y + top)


def _shifted(labels: Labels, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Labels:
    """The labels at these places; 0 outside of the array."""
    height, width = labels.shape
    there = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = np.zeros(rows.shape, dtype=np.int32)
    found[there] = labels[rows[there], columns[there]]
    return found
