"""What is painted over the masks: the open polygon, the brush's circle, empty states."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from mrcnn_gui.ui.canvas import palette

_VERTEX = 3.5  # half the side of a vertex, in logical pixels
_DASHED = Qt.PenStyle.DashLine


def paint_outline(painter: QPainter, points: Sequence[QPointF]) -> None:
    """Paint an open polygon: two-coloured lines, vertices, and how it would close."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    line = QPolygonF(list(points))
    for color, width in ((palette.DARK, 4.0), (palette.LIGHT, 2.0)):
        painter.setPen(QPen(color, width, j=Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline(line)
    for color, style in ((palette.DARK, Qt.PenStyle.SolidLine), (palette.LIGHT, _DASHED)):
        painter.setPen(QPen(color, 1.0, style))
        painter.drawLine(points[-1], points[0])
    painter.setPen(QPen(palette.DARK, 1.0))
    for index, point in enumerate(points[:-1]):
        side = _VERTEX * (1.5 if index == 0 else 1.0)
        painter.setBrush(palette.SUGGESTION if index == 0 else palette.LIGHT)
        painter.drawRect(QRectF(point.x() - side, point.y() - side, 2 * side, 2 * side))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_circle(painter: QPainter, centre: QPointF, radius: float) -> None:
    """Paint the brush's edge, visible on any ground."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, width in ((palette.DARK, 3.0), (palette.LIGHT, 1.25)):
        painter.setPen(QPen(color, width))
        painter.drawEllipse(centre, radius, radius)


def circle_rect(centre: QPointF, radius: float) -> QRectF:
    """What `paint_circle` touches."""
    reach = radius + 3
    return QRectF(centre.x() - reach, centre.y() - reach, 2 * reach, 2 * reach)


def paint_notice(painter: QPainter, area: QRectF, title: str, hint: str, *, problem: bool) -> None:
    """Paint what the person can do, or what is wrong, in the middle of the view."""
    font = painter.font()
    large = QFont(font)
    large.setPointSizeF(font.pointSizeF() * 1.35)
    painter.setFont(large)
    painter.setPen(palette.PROBLEM_TEXT if problem else palette.TEXT)
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
    text_area = area.adjusted(24, 0, -24, 0)
    text_area.setTop(area.center().y() - 2 * QFontMetricsF(large).height())
    drawn = painter.drawText(text_area, int(flags), title)
    painter.setFont(font)
    painter.setPen(palette.FAINT_TEXT)
    text_area.setTop(drawn.bottom() + QFontMetricsF(font).height() / 2)
    painter.drawText(text_area, int(flags), hint)


def note_rect(area: QRect) -> QRect:
    """Where `paint_note` paints: the lower left corner."""
    return QRect(area.left() + 8, area.bottom() - 31, 220, 24)


def paint_note(painter: QPainter, area: QRect, text: str) -> None:
    """Paint what goes on in the background, out of the way."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(palette.faded(palette.DARK))
    painter.drawRoundedRect(note_rect(area), 6, 6)
    painter.setPen(palette.TEXT)
    painter.drawText(note_rect(area), Qt.AlignmentFlag.AlignCenter, text)
