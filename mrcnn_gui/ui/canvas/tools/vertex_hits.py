"""Which vertex, and which line between two, lies under the cursor."""

import numpy as np
from numpy.typing import NDArray

from core.masks.outline import Outline, Point, Vertex


def vertex_near(outline: Outline, at: Point, reach: float) -> Vertex | None:
    """The vertex nearest to a point, within reach in image pixels."""
    best: Vertex | None = None
    for index, ring in enumerate(outline.rings):
        distances = np.hypot(*(ring.vertices - at).T)
        nearest = int(distances.argmin())
        if distances[nearest] <= reach:
            best, reach = (index, nearest), float(distances[nearest])
    return best


def edge_near(outline: Outline, at: Point, reach: float) -> tuple[Vertex, Point] | None:
    """The line nearest to a point, within reach: its first vertex, and the point on the line."""
    best: tuple[Vertex, Point] | None = None
    for index, ring in enumerate(outline.rings):
        places = _on_edges(ring.vertices, at)
        distances = np.hypot(*(places - at).T)
        nearest = int(distances.argmin())
        if distances[nearest] <= reach:
            x, y = places[nearest].tolist()
            best, reach = ((index, nearest), (x, y)), float(distances[nearest])
    return best


def vertices_in(
    outline: Outline, left: float, top: float, right: float, bottom: float
) -> set[Vertex]:
    """The vertices in a frame, borders included."""
    found: set[Vertex] = set()
    for index, ring in enumerate(outline.rings):
        x, y = ring.vertices.T
        inside = (left <= x) & (x <= right) & (top <= y) & (y <= bottom)
        found |= {(index, int(vertex)) for vertex in np.flatnonzero(inside)}
    return found


def _on_edges(vertices: NDArray[np.float64], at: Point) -> NDArray[np.float64]:
    """The point of each line that is nearest to a point: float [n, 2]."""
    along = np.roll(vertices, -1, axis=0) - vertices
    squared = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((np.asarray(at) - vertices) * along).sum(axis=1) / squared, 0.0, 1.0)
    places: NDArray[np.float64] = vertices + share[:, None] * along
    return places
