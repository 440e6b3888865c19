"""Masks as exact polygons along the pixels' edges, and polygons as masks.

Polygons are filled as pycocotools fills them (`rleFrPoly` in `maskApi.c`): even-odd, on a grid of
fifths of a pixel. Vertices at pixel corners, as `mask_to_rings` makes them, come back exactly.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pycocotools.mask as coco_mask
from numpy.typing import NDArray

from core.masks.mask import Bitmap, Mask
from core.masks.rle import decode_rle, empty_counts

Ring = NDArray[np.int32]
Points = NDArray[np.float64]
Compressed = dict[str, Any]  # as pycocotools has it: size, and counts as bytes

_MAX_PIXELS = 2**31 - 1  # pycocotools counts pixels in a C int
_MAX_REACH = 2**17  # pixels: pycocotools' time and memory follow a polygon's length
_MAX_LENGTH = 10_000_000  # pixels of outline: 100 bytes each while pycocotools fills it
_MAX_MERGED = 16  # parts: pycocotools' time to unite them goes with the square of their number

_NUMBERS = frozenset({int, float})
_HORIZON = 1e12  # pixels: slopes towards points farther off would be rounded away


def mask_to_rings(mask: Mask) -> list[Ring]:
    """The closed boundaries of a mask along its pixels' edges.

    Pixels that touch at a corner only are apart (4-connected), so a ring may touch itself at a
    corner, and never crosses itself.

    Returns:
        int32 [n, 2] arrays of (x, y) pixel corners in image coordinates, no three in line, closed
        implicitly. The shoelace area is positive for the outline of a part, negative for a hole.
    """
    if mask.is_empty:
        return []
    y, x, successors = _corners(mask.crop)
    points = np.stack([x + mask.x, y + mask.y], axis=1).astype(np.int32)
    return [points[ring] for ring in _cycles(successors)]


def polygons_to_mask(polygons: Sequence[Sequence[float]], height: int, width: int) -> Mask:
    """Fill COCO polygons and unite them, pixel for pixel as pycocotools does.

    Args and errors are those of `fill_polygons`.
    """
    counts = polygons_to_counts(polygons, height, width)
    return decode_rle({"size": [height, width], "counts": counts})


def polygons_to_counts(polygons: Sequence[Sequence[float]], height: int, width: int) -> bytes:
    """Fill COCO polygons and unite them into compressed run lengths, as pycocotools does.

    Args and errors are those of `fill_polygons`.
    """
    return bytes(fill_polygons(polygons, height, width).rle["counts"])


class Filled(NamedTuple):
    """Polygons that were filled.

    Attributes:
        rle: Compressed run lengths: `size` is [height, width], `counts` are bytes.
        low: The least of all coordinates, in pixels.
        high: The greatest.
    """

    rle: Compressed
    low: float
    high: float


def fill_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> Filled:
    """Fill COCO polygons and unite them, as pycocotools does.

    The image is never built: all steps work on run lengths.

    Args:
        polygons: Flat lists x0, y0, x1, y1, ... in pixels; parts may lie outside the image.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Raises:
        ValueError: A polygon has fewer than three points, a coordinate that is no number, or so
            long an outline that pycocotools would take all memory.
    """
    if not 0 < height * width <= _MAX_PIXELS:
        raise ValueError(f"expected an image of 1 to {_MAX_PIXELS} pixels, got {height} x {width}")
    reach = 4.0 * max(height, width)
    ends: list[float] = []
    for polygon in polygons:
        found = _plain_ends(polygon, reach)
        if found is None:
            return _fill_closely(polygons, height, width)
        ends += found
    return _filled(polygons, height, width, ends)


def _fill_closely(polygons: Sequence[Sequence[float]], height: int, width: int) -> Filled:
    points = [_points(polygon) for polygon in polygons]
    ends = [float(end) for each in points for end in (each.min(), each.max())]
    parts = [_nearby(each, height, width) for each in points]
    _check_length(parts)
    near = [part.reshape(-1).tolist() for part in parts if len(part) >= 3]
    return _filled(near, height, width, ends)


def _filled(
    polygons: Sequence[Sequence[float]], height: int, width: int, ends: list[float]
) -> Filled:
    low, high = (min(ends), max(ends)) if ends else (0.0, 0.0)
    if not polygons:
        return Filled({"size": [height, width], "counts": empty_counts(height, width)}, low, high)
    return Filled(_united(coco_mask.frPyObjects(polygons, height, width)), low, high)


def _united(parts: list[Compressed]) -> Compressed:
    """The union of masks, by halves where they are many."""
    if len(parts) == 1:
        return parts[0]
    if len(parts) > _MAX_MERGED:
        half = len(parts) // 2
        parts = [_united(parts[:half]), _united(parts[half:])]
    merged: Compressed = coco_mask.merge(parts)
    return merged


def _plain_ends(polygon: Sequence[float], reach: float) -> tuple[float, float] | None:
    """The least and the greatest coordinate of a polygon; None where it needs a closer look.

    A million of them are asked on an import.
    """
    if not (
        type(polygon) is list
        and len(polygon) >= 6
        and len(polygon) % 2 == 0
        and _NUMBERS.issuperset(map(type, polygon))
    ):
        return None
    low, high = min(polygon), max(polygon)
    is_plain = (
        -reach <= low
        and high <= reach
        and (high - low) * len(polygon) <= _MAX_LENGTH
        and not math.isnan(sum(polygon))  # NaN hides from min and max
    )
    return (low, high) if is_plain else None


def reaches_far(polygons: Sequence[Sequence[float]], height: int, width: int) -> bool:
    """Whether a polygon lies so far outside its image that pycocotools dies of it."""
    reach = 4.0 * max(height, width)
    return not all(
        _plain_ends(polygon, reach) is not None or _is_near(_points(polygon), height, width)
        for polygon in polygons
    )


def rasterise_polygon(points: Points) -> Mask:
    """Fill one polygon, even-odd, by the rule of `polygons_to_mask`.

    Args:
        points: [n, 2] (x, y) in pixels, at least three; what lies left of or above the image is
            left out, the right and the bottom are not limited.
    """
    if not np.isfinite(points).all() or np.abs(points).max(initial=0) > _MAX_REACH:
        raise ValueError(f"expected coordinates within {_MAX_REACH} pixels of the image")
    if (points.max(axis=0) <= 0).any():
        return Mask.empty()
    width, height = (int(side) + 1 for side in np.ceil(points.max(axis=0)))
    return polygons_to_mask([points.reshape(-1).tolist()], height, width)


def _corners(crop: Bitmap) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, column and successor of every corner of the boundary; inside lies to the right.

    Where two pixels touch at a corner, the corner is there twice, once for each of them.
    In every row of the grid, corners in order are the ends of one horizontal stretch after the
    other; likewise in every column. That makes the linking a matter of sorting.
    """
    padded = np.pad(crop, 1)
    up = padded[:-1, 1:] != padded[:-1, :-1]  # is there a boundary above this grid point?
    down = padded[1:, 1:] != padded[1:, :-1]
    left = padded[1:, :-1] != padded[:-1, :-1]
    crossing = up & down & left
    where = np.flatnonzero((up != down) | crossing)
    double = crossing.reshape(-1)[where]
    second = np.concatenate([[False], np.repeat(double, 1 + double)[:-1]])
    flat = np.repeat(where, 1 + double)
    second[1:] &= flat[1:] == flat[:-1]
    y, x = np.divmod(flat, up.shape[1])
    inside = padded[y + 1, x + 1]  # the pixel below and to the right
    # At a double corner the first takes the stretch to the left. It takes the one above with it
    # where the upper left pixel is inside, the one below otherwise.
    lower = np.repeat(double, 1 + double) & (second == inside)
    horizontal = np.arange(flat.size)
    vertical = np.lexsort((lower, y, x))
    successors = np.empty(flat.size, dtype=np.int64)
    _link(successors, horizontal[0::2], horizontal[1::2], inside[horizontal[0::2]])
    _link(successors, vertical[1::2], vertical[0::2], inside[vertical[0::2]])
    return y, x, successors


def _link(
    successors: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    forward: Bitmap,
) -> None:
    successors[np.where(forward, starts, ends)] = np.where(forward, ends, starts)


def _cycles(successors: NDArray[np.int64]) -> list[list[int]]:
    """The cycles of a permutation, each from its lowest member on."""
    following = successors.tolist()
    seen = bytearray(len(following))
    cycles = []
    for start in range(len(following)):
        if seen[start]:
            continue
        cycle = []
        index = start
        while not seen[index]:
            seen[index] = True
            cycle.append(index)
            index = following[index]
        cycles.append(cycle)
    return cycles


def _check_length(parts: list[Points]) -> None:
    """Points that jump to and fro make a short file and a long outline."""
    steps = (np.abs(points - np.roll(points, 1, axis=0)).max(axis=1) for points in parts)
    length = max((float(each.sum()) for each in steps), default=0.0)
    if length > _MAX_LENGTH:
        raise ValueError(
            f"a polygon has an outline of {length:,.0f} pixels, expected up to {_MAX_LENGTH:,}"
        )


def _points(polygon: Sequence[float]) -> Points:
    flat_list = isinstance(polygon, Sequence)
    if not flat_list or any(isinstance(value, str | bool) for value in polygon):
        raise ValueError("a polygon must be a flat list of numbers")
    try:
        flat = np.asarray(polygon, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("a polygon must be a flat list of numbers") from error
    if flat.ndim != 1 or flat.size % 2 or flat.size < 6:
        raise ValueError(f"a polygon needs x, y of three points or more, got shape {flat.shape}")
    if not np.isfinite(flat).all():
        raise ValueError("a polygon holds a coordinate that is not a finite number")
    return flat.reshape(-1, 2)


def _nearby(points: Points, height: int, width: int) -> Points:
    """Cut off what lies so far outside that pycocotools would run out of memory on the way."""
    if _is_near(points, height, width):
        return points
    low, high = _limits(height, width)
    points = np.clip(points, -_HORIZON, _HORIZON)
    for axis in (0, 1):
        points = _cut(points, axis, low, 1.0)
        points = _cut(points, axis, high[axis], -1.0)
    return points


def _is_near(points: Points, height: int, width: int) -> bool:
    low, high = _limits(height, width)
    return bool((points >= low).all() and (points <= high).all())


def _limits(height: int, width: int) -> tuple[float, NDArray[np.float64]]:
    reach = 4.0 * max(height, width) + 1000
    return -reach, np.array([width, height]) + reach


def _cut(points: Points, axis: int, limit: float, sign: float) -> Points:
    """Keep the side of one line (Sutherland and Hodgman, 1974)."""
    ends = np.roll(points, -1, axis=0)
    before, after = (sign * (each[:, axis] - limit) for each in (points, ends))
    crosses = (before >= 0) != (after >= 0)
    share = before / np.where(crosses, before - after, 1.0)
    crossings = points + (ends - points) * share[:, None]
    crossings[:, axis] = limit
    both = np.stack([points, crossings], axis=1)
    return np.asarray(both[np.stack([before >= 0, crosses], axis=1)])
