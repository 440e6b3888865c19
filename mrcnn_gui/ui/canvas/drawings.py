"""What tools draw over the masks while they work: lines, frames, vertices, notes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF, QTransform

from mrcnn_gui.ui.canvas import palette

_SIDE = 3.5  # half the side of a vertex, in logical pixels
_NOTE_GAP = 14.0  # from the cursor


@dataclass(frozen=True)
class Line:
    """A line through image points; closed by a dashed one when it will become an area."""

    points: tuple[tuple[float, float], ...]
    closed: bool = False


@dataclass(frozen=True)
class Frame:
    """A rectangle in image coordinates; dashed when it chooses rather than draws."""

    left: float
    top: float
    right: float
    bottom: float
    dashed: bool = False

    @classmethod
    def around(
        cls, start: tuple[float, float], stop: tuple[float, float], *, dashed: bool = False
    ) -> "Frame":
        """The rectangle between two opposite corners."""
        left, right = sorted((start[0], stop[0]))
        top, bottom = sorted((start[1], stop[1]))
        return cls(left, top, right, bottom, dashed)


@dataclass(frozen=True, eq=False)
class Vertices:
    """Closed rings whose vertices can be moved.

    Attributes:
        rings: float [n, 2] each, in image coordinates.
        chosen: (ring, vertex) of those that are selected.
        hovered: The one under the cursor.
        insertion: Where a click would add one, in image coordinates.
    """

    rings: tuple[NDArray[np.float64], ...]
    chosen: frozenset[tuple[int, int]] = frozenset()
    hovered: tuple[int, int] | None = None
    insertion: tuple[float, float] | None = None


@dataclass(frozen=True)
class Note:
    """A few words beside an image point."""

    text: str
    x: float
    y: float


Drawing: TypeAlias = Line | Frame | Vertices | Note


def paint_drawing(painter: QPainter, drawing: Drawing, to_view: QTransform, area: QRectF) -> None:
    """Paint one drawing, visible on any ground.

    Args:
        painter: In logical pixels of the view.
        drawing: In image coordinates.
        to_view: From image coordinates to logical pixels.
        area: The view.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    match drawing:
        case Line(points, closed):
            _paint_line(painter, to_view.map(_polygon(points)), closed=closed)
        case Frame(left, top, right, bottom, dashed):
            corners = QRectF(QPointF(left, top), QPointF(right, bottom))
            _paint_frame(painter, to_view.mapRect(corners), dashed=dashed)
        case Vertices():
            _paint_vertices(painter, drawing, to_view, area)
        case Note(text, x, y):
            _paint_note(painter, text, to_view.map(QPointF(x, y)), area)
        case _:
            assert_never(drawing)


def _paint_line(painter: QPainter, line: QPolygonF, *, closed: bool) -> None:
    for pen in _pens(4.5, 2.25):
        painter.setPen(pen)
        painter.drawPolyline(line)
    if closed and line.size() > 2:
        for pen in _pens(1.5, 1.5, Qt.PenStyle.DashLine):
            painter.setPen(pen)
            painter.drawLine(line.last(), line.first())


def _paint_frame(painter: QPainter, frame: QRectF, *, dashed: bool) -> None:
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    for pen in _pens(4.0, 2.0, style):
        painter.setPen(pen)
        painter.drawRect(frame)


def _paint_vertices(
    painter: QPainter, vertices: Vertices, to_view: QTransform, area: QRectF
) -> None:
    rings = [to_view.map(_polygon(ring.tolist())) for ring in vertices.rings]
    for pen in _pens(3.0, 1.25):
        painter.setPen(pen)
        for ring in rings:
            painter.drawPolygon(ring)
    painter.setPen(QPen(palette.DARK, 1.0))
    seen = area.adjusted(-_SIDE, -_SIDE, _SIDE, _SIDE)
    for place, number in _numbered(rings):
        if seen.contains(place):
            painter.setBrush(palette.SUGGESTION if number in vertices.chosen else palette.LIGHT)
            painter.drawRect(_square(place, 1.6 if number == vertices.hovered else 1.0))
    if vertices.insertion is not None:
        painter.setBrush(palette.SUGGESTION)
        painter.drawEllipse(to_view.map(QPointF(*vertices.insertion)), _SIDE, _SIDE)


def _numbered(rings: Sequence[QPolygonF]) -> Iterator[tuple[QPointF, tuple[int, int]]]:
    for index, ring in enumerate(rings):
        for vertex, place in enumerate(ring.toList()):
            yield place, (index, vertex)


def _paint_note(painter: QPainter, text: str, place: QPointF, area: QRectF) -> None:
    metrics = QFontMetricsF(painter.font())
    width, height = metrics.horizontalAdvance(text) + 12, metrics.height() + 6
    left = min(place.x() + _NOTE_GAP, area.right() - width)
    top = min(place.y() + _NOTE_GAP, area.bottom() - height)
    rect = QRectF(max(left, area.left()), max(top, area.top()), width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(palette.DARK)
    painter.drawRoundedRect(rect, 4, 4)
    painter.setPen(palette.LIGHT)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def _square(centre: QPointF, factor: float) -> QRectF:
    side = _SIDE * factor
    return QRectF(centre.x() - side, centre.y() - side, 2 * side, 2 * side)


def _pens(
    outer: float, inner: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine
) -> tuple[QPen, QPen]:
    """A dark line and a light one on it."""
    join = Qt.PenJoinStyle.RoundJoin
    return QPen(palette.DARK, outer, j=join), QPen(palette.LIGHT, inner, style, j=join)


def _polygon(points: Sequence[Sequence[float]]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points])
