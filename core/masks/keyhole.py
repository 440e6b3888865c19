"""Masks with holes as single polygons, for readers that know no run lengths.

A hole is joined to the ring above it by a vertical bridge of no width, walked down and up again
(a "keyhole"). Filled even-odd, as pycocotools fills (`rleFrPoly` in `maskApi.c`), the bridge
cancels itself: the polygon gives the mask back pixel for pixel.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from core.masks.contours import Ring, mask_to_rings
from core.masks.mask import Mask

Corner = tuple[int, int]
Joint = tuple[int, int]  # x on the edge, index of the hole that hangs there


def keyhole_rings(mask: Mask) -> list[Ring]:
    """The boundaries of a mask, one closed ring for each part, its holes joined to it.

    Returns:
        int32 [n, 2] arrays of (x, y) pixel corners, as `mask_to_rings`; where a part has holes its
        ring runs over each bridge twice.
    """
    rings = mask_to_rings(mask)
    holes = [index for index, ring in enumerate(rings) if is_hole(ring)]
    if not holes:
        return rings
    corners = [[(x, y) for x, y in ring.tolist()] for ring in rings]
    joints = _hang_up(mask, corners, holes)
    outlines = sorted(set(range(len(rings))) - set(holes))
    return [np.array(list(_walk(corners, joints, each)), dtype=np.int32) for each in outlines]


def is_hole(ring: Ring) -> bool:
    """Whether a ring of `mask_to_rings` goes round a hole: its shoelace area is negative."""
    x, y = ring.astype(np.int64).T
    return bool((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() < 0)


def _hang_up(
    mask: Mask, corners: Sequence[Sequence[Corner]], holes: Sequence[int]
) -> dict[tuple[int, int], list[Joint]]:
    """Where each hole is joined: (ring, edge) -> x and hole, for edges that lead to the right.

    From the first corner of a hole, its highest, the mask goes up to an edge that has the inside
    below it, of another ring: rings begin higher the longer one follows, so all end at outlines.
    """
    rows: dict[int, list[tuple[int, int, int]]] = {}  # y -> (left end, ring, edge)
    for ring, points in enumerate(corners):
        for edge, (start, end) in enumerate(pairwise((*points, points[0]))):
            if end[0] > start[0]:
                rows.setdefault(start[1], []).append((start[0], ring, edge))
    for row in rows.values():
        row.sort()
    joints: dict[tuple[int, int], list[Joint]] = {}
    for hole in holes:
        x, y = corners[hole][0]
        outside = np.flatnonzero(~mask.crop[: y - mask.y, x - mask.x])
        top = mask.y + (int(outside[-1]) + 1 if outside.size else 0)
        row = rows[top]
        _, ring, edge = row[bisect_right(row, (x, len(corners), 0)) - 1]
        joints.setdefault((ring, edge), []).append((x, hole))
    return joints


def _walk(
    corners: Sequence[Sequence[Corner]],
    joints: dict[tuple[int, int], list[Joint]],
    outline: int,
) -> Iterator[Corner]:
    """An outline with all that hangs on it; holes may hang on holes, thousands deep."""
    waiting: list[Iterator[Corner | int]] = [_stations(corners, joints, outline)]
    while waiting:
        station = next(waiting[-1], None)
        if station is None:
            waiting.pop()
        elif isinstance(station, int):
            waiting.append(_stations(corners, joints, station, closed=True))
        else:
            yield station


def _stations(
    corners: Sequence[Sequence[Corner]],
    joints: dict[tuple[int, int], list[Joint]],
    ring: int,
    *,
    closed: bool = False,
) -> Iterator[Corner | int]:
    """The corners of one ring, and the holes that hang between them."""
    for edge, corner in enumerate(corners[ring]):
        yield corner
        for x, hole in sorted(joints.get((ring, edge), ())):
            foot = (x, corner[1])
            if foot != corner:
                yield foot
            yield hole
            yield foot
    if closed:
        yield corners[ring][0]
