"""Draw an image from the tiles of its pyramid."""

from collections import OrderedDict
from collections.abc import Iterator
from math import ceil, floor

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPixmap

from mrcnn_gui.services.pyramid import TILE, Pyramid
from mrcnn_gui.ui.canvas.compose import Box
from mrcnn_gui.ui.canvas.viewport import Viewport

NEAREST_FROM = 4.0  # from this scale on, pixels are shown as squares
_CAPACITY = 96  # pixmaps of 1 MiB


class TilePainter:
    """Draws what the view shows of one image; keeps the pixmaps used last."""

    def __init__(self, pyramid: Pyramid) -> None:
        self._pyramid = pyramid
        self._pixmaps: OrderedDict[tuple[int, int, int], QPixmap] = OrderedDict()

    def paint(self, painter: QPainter, viewport: Viewport, box: Box) -> None:
        """Draw the part of the image in a view box; the painter works in device pixels."""
        level = self._pyramid.level_for(viewport.scale)
        smooth = viewport.scale < NEAREST_FROM and viewport.scale != 1.0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        for column, row in self._seen(level, viewport, box):
            pixmap = self._pixmap(level, column, row)
            source = QRectF(pixmap.rect())
            painter.drawPixmap(self._target(level, column, row, source, viewport), pixmap, source)

    def _step(self, level: int) -> tuple[float, float]:
        """Image pixels per pixel of a level, across and down."""
        height, width = self._pyramid.levels[level].shape[:2]
        return self._pyramid.width / width, self._pyramid.height / height

    def _seen(self, level: int, viewport: Viewport, box: Box) -> Iterator[tuple[int, int]]:
        height, width = self._pyramid.levels[level].shape[:2]
        step_x, step_y = self._step(level)
        left, top = viewport.to_image(box[0], box[1])
        right, bottom = viewport.to_image(box[2], box[3])
        for row in _span(top / step_y, bottom / step_y, height):
            for column in _span(left / step_x, right / step_x, width):
                yield column, row

    def _target(
        self, level: int, column: int, row: int, source: QRectF, viewport: Viewport
    ) -> QRectF:
        step_x, step_y = self._step(level)
        left, top = column * TILE, row * TILE
        x0, y0 = viewport.to_view(left * step_x, top * step_y)
        x1, y1 = viewport.to_view(
            (left + source.width()) * step_x, (top + source.height()) * step_y
        )
        return QRectF(x0, y0, x1 - x0, y1 - y0)

    def _pixmap(self, level: int, column: int, row: int) -> QPixmap:
        key = (level, column, row)
        pixmap = self._pixmaps.pop(key, None)
        if pixmap is None:
            pixmap = QPixmap.fromImage(self._pyramid.tile(level, column, row))
        self._pixmaps[key] = pixmap
        if len(self._pixmaps) > _CAPACITY:
            self._pixmaps.popitem(last=False)
        return pixmap


def _span(start: float, stop: float, length: int) -> range:
    """The tiles along one axis that a stretch of level pixels touches."""
    first, last = max(floor(start), 0) // TILE, ceil(min(ceil(stop), length) / TILE)
    return range(first, last)
