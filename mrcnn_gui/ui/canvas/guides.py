"""What is drawn over the picture for the eye: the borders of pixels, lines through the cursor."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect
from PySide6.QtGui import QImage, QPainter, QPen

from mrcnn_gui.ui.canvas import palette
from mrcnn_gui.ui.canvas.boxes import Box, overlap
from mrcnn_gui.ui.canvas.viewport import Viewport

GRID_ABOVE = 8.0  # view pixels of an image pixel
_DARK, _LIGHT = 0x60000000, 0x48484848  # premultiplied 0xAARRGGBB
_FORM = QImage.Format.Format_ARGB32_Premultiplied
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
    row = _lines(right - left, _borders(grid.columns(left - 2, right)))
    column = _lines(bottom - top, _borders(grid.rows(top - 2, bottom)))
    # One image: hundreds of transparent lines take ten times as long.
    pixels = np.where(column[:, None] != 0, column[:, None], row)
    lines = QImage(pixels.data, right - left, bottom - top, pixels.strides[0], _FORM)
    painter.drawImage(QPoint(left, top), lines)


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


def _borders(shown: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where another image column, or row, begins, from the place before the first.

    `shown` are those that the view shows, from two places before the first.
    """
    return np.flatnonzero(np.diff(shown)) - 1


def _lines(length: int, borders: NDArray[np.intp]) -> NDArray[np.uint32]:
    """Premultiplied colours along the view: of a border dark, beside it light, else nothing."""
    colors = np.zeros(length + 2, dtype=np.uint32)
    colors[borders + 2] = _LIGHT
    colors[borders + 1] = _DARK
    return colors[1:-1]
