"""A widget that shows an image which can be moved and zoomed."""

from math import exp2

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QNativeGestureEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from mrcnn_gui.ui.canvas.boxes import Box
from mrcnn_gui.ui.canvas.viewport import Viewport

ZOOM_STEP = 1.25
_NOTCH = 120.0  # wheel units of one notch of a mouse wheel
_ZOOM_PER_NOTCH = 0.25  # in powers of two
_PIXELS_PER_NOTCH = 60.0  # of a trackpad


class PanZoomWidget(QWidget):
    """Wheel and pinch zoom to the cursor, the middle button pans, a resize keeps the middle.

    While the image is fitted, it is fitted again when the widget's size changes.
    """

    zoom_changed = Signal(float)  # 1.0 is 100 %: one image pixel on one screen pixel

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewport: Viewport | None = None
        self._fitted = True
        self._pan_from: QPointF | None = None

    @property
    def scale(self) -> float:
        """Device pixels per image pixel; 0 without an image."""
        return 0.0 if self.viewport is None else self.viewport.scale

    def show_image_of(self, width: int, height: int) -> None:
        """Fit an image of this size."""
        view_width, view_height = self._device_size()
        self._show(Viewport(width, height, view_width, view_height).fitted(), fitted=True)

    def show_no_image(self) -> None:
        """Show empty ground."""
        self.viewport = None
        self._pan_from = None
        self.update()

    def fit(self) -> None:
        """Show the whole image."""
        if self.viewport is not None:
            self._show(self.viewport.fitted(), fitted=True)

    def zoom_100(self) -> None:
        """One image pixel on one screen pixel."""
        self._zoom_at_middle(1.0)

    def zoom_in(self) -> None:
        """One step larger."""
        self._zoom_at_middle(self.scale * ZOOM_STEP)

    def zoom_out(self) -> None:
        """One step smaller."""
        self._zoom_at_middle(self.scale / ZOOM_STEP)

    def zoom_at(self, scale: float, position: QPointF) -> None:
        """Zoom; the image point at a position of the widget stays there."""
        if self.viewport is not None:
            ratio = self.devicePixelRatioF()
            at = position.x() * ratio, position.y() * ratio
            self._show(self.viewport.zoomed(scale, *at), fitted=False)

    def pan(self, dx: float, dy: float) -> None:
        """Move the image by device pixels."""
        if self.viewport is not None:
            self._show(self.viewport.panned(dx, dy), fitted=False)

    def centre_on(self, x: float, y: float) -> None:
        """Bring an image point into the middle of the view."""
        if self.viewport is not None:
            view_x, view_y = self.viewport.to_view(x, y)
            self.pan(self.viewport.view_width / 2 - view_x, self.viewport.view_height / 2 - view_y)

    def look_at(self, box_xyxy: Box) -> None:
        """Zoom so that a box of the image fills the middle of the view, with ground around it."""
        if self.viewport is not None:
            self._show(self.viewport.showing(box_xyxy), fitted=False)

    def viewport_changed(self) -> None:
        """The view shows another part of the image."""
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom to the cursor; trackpads zoom smoothly."""
        pixels, angle = event.pixelDelta().y(), event.angleDelta().y()
        notches = pixels / _PIXELS_PER_NOTCH if pixels else angle / _NOTCH
        self.zoom_at(self.scale * exp2(notches * _ZOOM_PER_NOTCH), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The middle button begins to pan."""
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan_from = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan while the middle button is down."""
        if self._pan_from is not None:
            moved = (event.position() - self._pan_from) * self.devicePixelRatioF()
            self._pan_from = event.position()
            self.pan(moved.x(), moved.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The middle button is up: the image stays."""
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan_from = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again, or keep the middle of the view."""
        super().resizeEvent(event)
        self._follow_size()

    def _follow_size(self) -> None:
        if self.viewport is not None:
            resized = self.viewport.resized(*self._device_size())
            self._show(resized.fitted() if self._fitted else resized, fitted=self._fitted)

    def event(self, event: QEvent) -> bool:
        """Also zoom by a pinch on a trackpad, and go to a screen of another density."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._follow_size()
        pinch = Qt.NativeGestureType.ZoomNativeGesture
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == pinch:
            self.zoom_at(self.scale * (1 + event.value()), event.position())
            return True
        return super().event(event)

    def _zoom_at_middle(self, scale: float) -> None:
        self.zoom_at(scale, QPointF(self.width() / 2, self.height() / 2))

    def _device_size(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return max(round(self.width() * ratio), 1), max(round(self.height() * ratio), 1)

    def _show(self, viewport: Viewport, *, fitted: bool) -> None:
        self._fitted = fitted
        before, self.viewport = self.scale, viewport
        if viewport.scale != before:
            self.zoom_changed.emit(viewport.scale)
        self.viewport_changed()
