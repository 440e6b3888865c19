"""The canvas: shows one image with its masks and hands the mouse to the active tool."""

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QSinglePointEvent,
    QTabletEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas import marks
from mrcnn_gui.ui.canvas.drawings import paint_drawing
from mrcnn_gui.ui.canvas.guides import crosshair_rects, paint_crosshair
from mrcnn_gui.ui.canvas.tool_view import ToolView
from mrcnn_gui.ui.canvas.tools.context import Pointer
from mrcnn_gui.ui.canvas.tools.moving import Nudging

_RADIUS_STEP = 1.15  # per notch of the wheel


class CanvasView(ToolView):
    """Shows the session's open image, and follows mouse, pen and keyboard.

    Signals:
        position_changed: Column and row of the pixel under the cursor, or None twice.
        zoom_changed: The scale; 1.0 is one image pixel on one screen pixel.
    """

    position_changed = Signal(object, object)

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        images: Images,
        segmenter: Segmenter,
        jobs: JobRunner,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(session, view_state, images, segmenter, jobs, parent)
        self._nudging = Nudging()
        self._cursor_at: QPointF | None = None
        self.setAccessibleName("Canvas")
        self.setAccessibleDescription("The open image with its instances and suggestions")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 120)
        session.image_opened.connect(self.open_image)
        view_state.brush_radius_changed.connect(self.update)
        self.open_image(0 if session.document is None else session.document.image_id)

    def open_image(self, image_id: int) -> None:
        """Show another image."""
        super().open_image(image_id)
        self._tell_position()

    def viewport_changed(self) -> None:
        """The cursor is over another pixel."""
        super().viewport_changed()
        self._tell_position()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The left button is the tool's."""
        if event.button() == Qt.MouseButton.LeftButton and self._tool is not None:
            self._let_go()  # its release went to a dialog that came up meanwhile
            self._held = self._pointer(event.position(), event)
            self._tool.press(self._held)
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second press of a double click."""
        if event.button() == Qt.MouseButton.LeftButton and self._tool is not None:
            self._held = self._pointer(event.position(), event)
            self._tool.double_click(self._held)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw with the button down, highlight without."""
        super().mouseMoveEvent(event)
        self._move_tool(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The gesture is complete."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self._tool is not None:
            self._held = self._pointer(event.position(), event)
            self._let_go()

    def tabletEvent(self, event: QTabletEvent) -> None:
        """A pen draws with its pressure; whatever else it does comes as a mouse, from Qt."""
        tip = event.button() == Qt.MouseButton.LeftButton
        if self._tool is None or not self._tool.shows_brush:
            event.ignore()
        elif event.type() == QEvent.Type.TabletMove:
            self._move_tool(event)
        elif tip and event.type() == QEvent.Type.TabletPress:
            self._held = self._pointer(event.position(), event)
            self._tool.press(self._held)
        elif tip and event.type() == QEvent.Type.TabletRelease:
            self._held = self._pointer(event.position(), event)
            self._let_go()
        else:
            event.ignore()

    def _pointer(self, position: QPointF, event: QSinglePointEvent | None = None) -> Pointer:
        assert self.viewport is not None
        ratio = self.devicePixelRatioF()
        x, y = position.x() * ratio, position.y() * ratio
        keys = Qt.KeyboardModifier.NoModifier if event is None else event.modifiers()
        return Pointer(
            *self.viewport.to_image(x, y),
            x,
            y,
            shift=bool(keys & Qt.KeyboardModifier.ShiftModifier),
            control=bool(keys & Qt.KeyboardModifier.ControlModifier),
            pressure=event.pressure() if isinstance(event, QTabletEvent) else 1.0,
        )

    def _move_tool(self, event: QSinglePointEvent) -> None:
        self._move_cursor(event.position())
        if self._tool is None:
            return
        at = self._pointer(event.position(), event)
        if event.buttons() & Qt.MouseButton.LeftButton:
            if self._held is not None:
                self._held = at
            self._tool.drag(at)
        elif not event.buttons():
            self._let_go()
            self._tool.hover(at)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the cursor any more."""
        super().leaveEvent(event)
        self._move_cursor(None)
        if self._tool is not None:
            self._tool.leave()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The tool may want the wheel; Shift and the wheel change the brush, the wheel zooms."""
        if self._tool is not None and self._tool.wheel(event.angleDelta().y() / 120):
            event.accept()
            return
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if shift and self._tool is not None and self._tool.shows_brush:
            delta = event.angleDelta()  # some platforms turn it sideways with Shift
            notches = (delta.y() or delta.x()) / 120
            self._view_state.brush_radius *= _RADIUS_STEP**notches
            event.accept()
        else:
            super().wheelEvent(event)

    def event(self, event: QEvent) -> bool:
        """A gesture in progress comes before the window's shortcuts of the same keys."""
        if event.type() == QEvent.Type.ShortcutOverride and self._drawing_wants(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter, Backspace, Delete and Esc act on the gesture in progress, arrows nudge."""
        key = Qt.Key(event.key())
        act = _GESTURE_KEYS.get(key)
        done = self._nudge(key, event.modifiers()) if act is None else act(self)
        if not done and event.matches(QKeySequence.StandardKey.Undo):
            done = self._tool is not None and self._tool.take_back()
        if not done:
            super().keyPressEvent(event)

    def _drawing_wants(self, event: QEvent) -> bool:
        if self._tool is None or not isinstance(event, QKeyEvent):
            return False
        if event.matches(QKeySequence.StandardKey.Undo):
            return self._tool.comes_before_edits
        nudges = event.key() in _ARROWS and not event.modifiers() & ~_NUDGE_MODIFIERS
        if self._tool.active or not nudges:
            return self._tool.active and event.key() in _GESTURE_KEYS
        return self._may_nudge and bool(self._tool.context.selection)

    def _nudge(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        """Move what is selected by a pixel, with Shift by ten."""
        if key not in _ARROWS or self._tool is None or self._tool.active or not self._may_nudge:
            return False
        step = _FAR_NUDGE if modifiers & Qt.KeyboardModifier.ShiftModifier else 1
        dx, dy = _ARROWS[key]
        return self._nudging.nudge(self._tool.context, step * dx, step * dy)

    @property
    def _may_nudge(self) -> bool:
        return not self._session.no_writing

    def _move_cursor(self, position: QPointF | None) -> None:
        if self._tool is not None and self._tool.shows_brush:
            for centre in (self._cursor_at, position):
                if centre is not None:
                    rect = marks.circle_rect(centre, self._brush_radius())
                    self.update(rect.toAlignedRect())
        if self._view_state.guides.crosshair:
            for centre in (self._cursor_at, position):
                if centre is not None:
                    for line in crosshair_rects(centre, self.rect()):
                        self.update(line)
        self._cursor_at = position
        self._tell_position()

    def _tell_position(self) -> None:
        column = row = None
        if self._cursor_at is not None and self.viewport is not None:
            at = self._pointer(self._cursor_at).pixel
            if self.viewport.holds(*at):
                column, row = at
        self.position_changed.emit(column, row)

    def paint_marks(self, painter: QPainter, stale: QRectF) -> None:
        """Also paint the open polygon and the brush."""
        super().paint_marks(painter, stale)
        if self.preview.outline:
            marks.paint_outline(painter, [self.to_view(*point) for point in self.preview.outline])
        for drawing in self.preview.drawings if self.viewport is not None else ():
            paint_drawing(painter, drawing, self._image_transform(), QRectF(self.rect()))
        if self._view_state.guides.crosshair and self._cursor_at is not None:
            paint_crosshair(painter, self._cursor_at, self.rect())
        shows_brush = self._tool is not None and self._tool.shows_brush
        if shows_brush and self._cursor_at is not None:
            marks.paint_circle(painter, self._cursor_at, self._brush_radius())

    def _image_transform(self) -> QTransform:
        """From image coordinates to logical pixels of the widget."""
        origin, scale = self.to_view(0, 0), self.scale / self.devicePixelRatioF()
        return QTransform(scale, 0, 0, scale, origin.x(), origin.y())

    def _brush_radius(self) -> float:
        """In logical view pixels."""
        return self._view_state.brush_radius * self.scale / self.devicePixelRatioF()


_GESTURE_KEYS = {
    Qt.Key.Key_Return: CanvasView.accept_gesture,
    Qt.Key.Key_Enter: CanvasView.accept_gesture,
    Qt.Key.Key_Backspace: CanvasView.step_back,
    Qt.Key.Key_Delete: CanvasView.delete_in_gesture,
    Qt.Key.Key_Escape: CanvasView.cancel_gesture,
}
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_NUDGE_MODIFIERS = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
_FAR_NUDGE = 10  # image pixels
