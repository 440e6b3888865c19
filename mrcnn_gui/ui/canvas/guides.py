"""What is drawn over the picture for the eye: the borders of pixels, lines through the cursor."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLine, QPointF, QRect
from PySide6.QtGui import QColor, QPainter, QPen

from mrcnn_gui.ui.canvas import palette
from mrcnn_gui.ui.canvas.boxes import Box, overlap
from mrcnn_gui.ui.canvas.viewport import Viewport

GRID_ABOVE = 8.0  # view pixels of an image pixel
_DARK, _LIGHT = QColor(0, 0, 0, 96), QColor(255, 255, 255, 72)
_REACH = 2  # of a crosshair's line to both sides, in logical pixels


def paint_pixel_grid(painter: QPainter, viewport: Viewport, box: Box) -> None:
    """Paint the borders of the image's pixels in a box of the view, in device pixels.

    Dark lines beside light ones are seen on any ground.
    """
    grid = viewport.grid
    image = grid.covered((0, 0, viewport.image_width, viewport.image_height))
    seen = overlap(box, image)
    if seen is None or grid.scale <= GRID_ABOVE:
        return
    left, top, right, bottom = seen
    columns = _borders(left, grid.columns(left - 1, right))
    rows = _borders(top, grid.rows(top - 1, bottom))
    for color, shift in ((_DARK, 0), (_LIGHT, 1)):
        painter.setPen(QPen(color, 1))
        painter.drawLines([QLine(x + shift, top, x + shift, bottom - 1) for x in columns])
        painter.drawLines([QLine(left, y + shift, right - 1, y + shift) for y in rows])


def paint_crosshair(painter: QPainter, at: QPointF, area: QRect) -> None:
    """Paint lines through a point of the view, in logical pixels."""
    for color, width in ((palette.DARK, 3.0), (palette.LIGHT, 1.0)):
        painter.setPen(QPen(color, width))
        painter.drawLine(QPointF(area.left(), at.y()), QPointF(area.right(), at.y()))
        painter.drawLine(QPointF(at.x(), area.top()), QPointF(at.x(), area.bottom()))


def crosshair_rects(at: QPointF, area: QRect) -> tuple[QRect, QRect]:
    """What `paint_crosshair` touches."""
    x, y = round(at.x()), round(at.y())
    across = QRect(area.left(), y - _REACH, area.width(), 2 * _REACH + 1)
    return across, QRect(x - _REACH, area.top(), 2 * _REACH + 1, area.height())


def _borders(start: int, shown: NDArray[np.intp]) -> list[int]:
    """Where another image column, or row, begins; `shown` are those from the place before start."""
    borders: list[int] = (np.flatnonzero(np.diff(shown)) + start).tolist()
    return borders
