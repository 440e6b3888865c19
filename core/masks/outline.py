"""A mask as few vertices that a person can move, with its exact boundary kept between them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.masks.contours import mask_to_rings, rasterise_polygon
from core.masks.mask import Mask
from core.masks.simplify import simplify_ring

Point: TypeAlias = tuple[float, float]
Vertex: TypeAlias = tuple[int, int]  # index of the ring, index of the vertex in it
Corners: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OutlineRing:
    """One closed boundary.

    Attributes:
        corners: float [n, 2], (x, y) in pixels: all corners, closed implicitly.
        anchors: int [k], rising: which of the corners are vertices.
    """

    corners: Corners
    anchors: NDArray[np.intp]

    @property
    def vertices(self) -> Corners:
        """The corners, float [k, 2], that a person sees and moves."""
        return self.corners[self.anchors]

    def chain(self, index: int) -> Corners:
        """The corners between a vertex and the next one, without both."""
        start = int(self.anchors[index])
        stop = int(self.anchors[(index + 1) % len(self.anchors)])
        if stop > start:
            return self.corners[start + 1 : stop]
        return np.concatenate([self.corners[start + 1 :], self.corners[:stop]])


@dataclass(frozen=True)
class Outline:
    """The boundaries of a mask: outlines of its parts and of its holes.

    A vertex that is moved, or taken out, draws straight lines to its neighbours; every other
    stretch of the boundary stays exactly as it is, however few vertices it shows.
    """

    rings: tuple[OutlineRing, ...]

    @classmethod
    def of(cls, mask: Mask, tolerance: float) -> "Outline":
        """The outline of a mask.

        Args:
            mask: With any number of parts and holes.
            tolerance: How far, in pixels, the lines between vertices may miss the boundary.
        """
        return cls(tuple(_ring(ring, tolerance) for ring in mask_to_rings(mask)))

    def mask(self) -> Mask:
        """The pixels inside, even-odd."""
        mask = Mask.empty()
        for ring in self.rings:
            mask = mask.xor(_filled(ring.corners))
        return mask

    def changed_pixels(self, other: "Outline") -> Mask:
        """The pixels in which two outlines differ; only stretches that differ are looked at."""
        if len(self.rings) == len(other.rings):
            pairs = zip(self.rings, other.rings, strict=True)
            parts = [_difference(ours, theirs) for ours, theirs in pairs if ours is not theirs]
            return reduce(Mask.xor, parts, Mask.empty())
        ours, theirs = set(map(id, self.rings)), set(map(id, other.rings))
        changed = Mask.empty()
        for ring in self.rings:
            if id(ring) not in theirs:
                changed = changed.xor(_filled(ring.corners))
        for ring in other.rings:
            if id(ring) not in ours:
                changed = changed.xor(_filled(ring.corners))
        return changed

    def position(self, vertex: Vertex) -> Point:
        """Where a vertex is."""
        x, y = self.rings[vertex[0]].vertices[vertex[1]]
        return float(x), float(y)

    def moved(self, places: Mapping[Vertex, Point]) -> "Outline":
        """The outline with some vertices elsewhere."""
        rings = list(self.rings)
        for index in {ring for ring, _ in places}:
            there = {vertex: place for (ring, vertex), place in places.items() if ring == index}
            rings[index] = _with_moved(self.rings[index], there)
        return Outline(tuple(rings))

    def inserted(self, after: Vertex, place: Point) -> "Outline":
        """The outline with one more vertex, which is `(ring, index + 1)` of `after`.

        It is put onto the corner nearest to the place, or on the line where there is none.
        """
        rings = list(self.rings)
        rings[after[0]] = _with_inserted(self.rings[after[0]], after[1], place)
        return Outline(tuple(rings))

    def without(self, vertices: Collection[Vertex]) -> "Outline":
        """The outline without some vertices; a ring goes when fewer than three would be left."""
        rings = []
        for index, ring in enumerate(self.rings):
            gone = {vertex for number, vertex in vertices if number == index}
            left = _with_removed(ring, gone) if gone else ring
            if len(left.anchors) >= 3:
                rings.append(left)
        return Outline(tuple(rings))


def _ring(corners: NDArray[np.int32], tolerance: float) -> OutlineRing:
    vertices = simplify_ring(corners, tolerance)
    anchors = _found(
        [tuple(it) for it in corners.tolist()], [tuple(it) for it in vertices.tolist()]
    )
    return OutlineRing(corners.astype(np.float64), np.array(anchors, dtype=np.intp))


def _found(corners: Sequence[Point], vertices: Sequence[Point]) -> list[int]:
    """Where in a ring its vertices stand, which come in the same order from anywhere on.

    A ring may pass a place twice: the first vertex decides, the others follow it.
    """
    size = len(corners)
    for start in (index for index, corner in enumerate(corners) if corner == vertices[0]):
        found, step = [start], 1
        for vertex in vertices[1:]:
            while step < size and corners[(start + step) % size] != vertex:
                step += 1
            found.append((start + step) % size)
            step += 1
        if step <= size:
            return sorted(found)
    return list(range(size))


def _filled(corners: Corners) -> Mask:
    """The pixels inside; moved to the origin first, as the cost follows the coordinates."""
    left, top = np.floor(corners.min(axis=0)).astype(int).tolist()
    return rasterise_polygon(corners - (left, top)).shift(left, top)


def _difference(a: OutlineRing, b: OutlineRing) -> Mask:
    """The pixels in exactly one of two rings: between the stretches in which they differ.

    Filled even-odd, every line counts by itself, so lines that both have cancel each other.
    """
    head = _shared(a.corners, b.corners)
    if head == len(a.corners) == len(b.corners):
        return Mask.empty()
    tail = _shared(a.corners[head:][::-1], b.corners[head:][::-1])
    if head + tail == 0:
        return _filled(a.corners).xor(_filled(b.corners))
    there, back = (
        ring.corners[np.arange(head - 1, len(ring.corners) - tail + 1) % len(ring.corners)]
        for ring in (a, b)
    )
    return _filled(np.concatenate([there, back[::-1]]))


def _shared(a: Corners, b: Corners) -> int:
    """How many corners two stretches have in common from the start."""
    size = min(len(a), len(b))
    apart = np.flatnonzero((a[:size] != b[:size]).any(axis=1))
    return int(apart[0]) if apart.size else size


def _assembled(vertices: Sequence[Corners], chains: Sequence[Corners]) -> OutlineRing:
    """A ring from its vertices, each [1, 2], and the chain after each of them."""
    lengths = [1 + len(chain) for chain in chains]
    anchors = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp)
    pieces = [piece for pair in zip(vertices, chains, strict=True) for piece in pair]
    return OutlineRing(np.concatenate(pieces), anchors)


def _taken_apart(ring: OutlineRing) -> tuple[list[Corners], list[Corners]]:
    count = len(ring.anchors)
    return list(ring.vertices[:, None]), [ring.chain(index) for index in range(count)]


_STRAIGHT: Corners = np.zeros((0, 2), dtype=np.float64)


def _with_moved(ring: OutlineRing, places: Mapping[int, Point]) -> OutlineRing:
    vertices, chains = _taken_apart(ring)
    for index, place in places.items():
        if tuple(vertices[index][0]) != place:
            vertices[index] = np.array([place], dtype=np.float64)
            chains[index] = chains[index - 1] = _STRAIGHT
    return _assembled(vertices, chains)


def _with_removed(ring: OutlineRing, gone: Collection[int]) -> OutlineRing:
    vertices, chains = _taken_apart(ring)
    for index in gone:
        chains[index] = chains[index - 1] = _STRAIGHT
    kept = [index for index in range(len(vertices)) if index not in gone]
    if len(kept) < 3:
        return OutlineRing(_STRAIGHT, np.zeros(0, dtype=np.intp))
    return _assembled([vertices[index] for index in kept], [chains[index] for index in kept])


def _with_inserted(ring: OutlineRing, after: int, place: Point) -> OutlineRing:
    vertices, chains = _taken_apart(ring)
    chain = chains[after]
    if len(chain):
        nearest = int(np.argmin(np.hypot(*(chain - place).T)))
        vertex, before, behind = chain[[nearest]], chain[:nearest], chain[nearest + 1 :]
    else:
        end = vertices[(after + 1) % len(vertices)][0]
        vertex, before, behind = _on_line(vertices[after][0], end, place), _STRAIGHT, _STRAIGHT
    vertices.insert(after + 1, vertex)
    chains[after : after + 1] = [before, behind]
    return _assembled(vertices, chains)


def _on_line(start: Corners, end: Corners, place: Point) -> Corners:
    """The point of a line that is nearest to a place: [1, 2]."""
    along = end - start
    share = float(np.dot(np.asarray(place) - start, along) / max(np.dot(along, along), 1e-12))
    nearest: Corners = (start + min(max(share, 0.0), 1.0) * along)[None]
    return nearest
