"""A small picture of the whole image in a corner of the canvas, with what the view shows of it."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from mrcnn_gui.ui.canvas import palette
from mrcnn_gui.ui.canvas.stamps import Pixels
from mrcnn_gui.ui.canvas.viewport import Viewport

LONGEST = 180  # logical pixels
GAP = 12  # to the corner
_BORDER = 1
_SHADE = QColor(0, 0, 0, 110)


class Minimap(QWidget):
    """Shows where the view lies; a press or a drag moves it.

    Signals:
        moved: The image point that is to lie in the middle of the view, x and y.
    """

    moved = Signal(float, float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._canvas = parent
        self._image: QImage | None = None
        self._viewport: Viewport | None = None
        self.setAccessibleName("Minimap")
        self.setAccessibleDescription("Where the view lies on the image; drag to move it")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()

    def show_image(self, pixels: Pixels) -> None:
        """Show an image: uint32 [h, w], 0xffRRGGBB."""
        height, width = pixels.shape
        pixels = np.ascontiguousarray(pixels)
        self._image = QImage(
            pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB32
        ).copy()
        self.update()

    def show_viewport(self, viewport: Viewport | None) -> None:
        """Show what the view shows."""
        self._viewport = viewport
        if viewport is not None and not self.isHidden():
            self.resize(_size(viewport))
            self._place()
            self.update()

    def _place(self) -> None:
        """Go to the lower right corner."""
        area = self._canvas.rect()
        self.move(area.right() - self.width() - GAP, area.bottom() - self.height() - GAP)

    def seen(self) -> QRectF:
        """What the view shows, in logical pixels of the minimap."""
        viewport = self._viewport
        if viewport is None:
            return QRectF()
        left, top = viewport.to_image(0, 0)
        right, bottom = viewport.to_image(viewport.view_width, viewport.view_height)
        across, down = self._per_pixel(viewport)
        seen = QRectF(left * across, top * down, (right - left) * across, (bottom - top) * down)
        return seen & QRectF(self.rect())

    def paintEvent(self, _: QPaintEvent) -> None:
        """Paint the image, shaded where it is out of view."""
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(area, palette.GROUND)
        if self._image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, self._image)
        seen = self.seen()
        for shaded in _around(area, seen):
            painter.fillRect(shaded, _SHADE)
        for color, width in ((palette.DARK, 3.0), (palette.LIGHT, 1.5)):
            painter.setPen(QPen(color, width))
            painter.drawRect(seen.adjusted(1, 1, -1, -1))
        painter.setPen(QPen(palette.FAINT_TEXT, _BORDER))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the view there."""
        self._move(event.position(), event.buttons())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the view along."""
        self._move(event.position(), event.buttons())

    def _move(self, at: QPointF, buttons: Qt.MouseButton) -> None:
        if self._viewport is not None and buttons & Qt.MouseButton.LeftButton:
            across, down = self._per_pixel(self._viewport)
            self.moved.emit(at.x() / across, at.y() / down)

    def _per_pixel(self, viewport: Viewport) -> tuple[float, float]:
        return self.width() / viewport.image_width, self.height() / viewport.image_height


def _size(viewport: Viewport) -> QSize:
    longest = max(viewport.image_width, viewport.image_height)
    width, height = viewport.image_width / longest, viewport.image_height / longest
    return QSize(max(round(width * LONGEST), 8), max(round(height * LONGEST), 8))


def _around(area: QRectF, hole: QRectF) -> list[QRectF]:
    """What is left of an area around a hole in it."""
    return [
        QRectF(area.left(), area.top(), area.width(), hole.top() - area.top()),
        QRectF(area.left(), hole.bottom(), area.width(), area.bottom() - hole.bottom()),
        QRectF(area.left(), hole.top(), hole.left() - area.left(), hole.height()),
        QRectF(hole.right(), hole.top(), area.right() - hole.right(), hole.height()),
    ]
