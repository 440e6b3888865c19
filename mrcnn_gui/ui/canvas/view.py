"""The canvas: shows one image with its masks and hands the mouse to the active tool."""

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QWidget

from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas import marks
from mrcnn_gui.ui.canvas.image_view import ImageView
from mrcnn_gui.ui.canvas.tools.brush import BrushTool, EraserTool
from mrcnn_gui.ui.canvas.tools.context import Pointer, Tool, ToolContext
from mrcnn_gui.ui.canvas.tools.polygon import PolygonTool
from mrcnn_gui.ui.canvas.tools.select import SelectTool

TOOLS: dict[str, type[Tool]] = {
    "select": SelectTool,
    "brush": BrushTool,
    "eraser": EraserTool,
    "polygon": PolygonTool,
}
"""The tools by name."""

_REACH = 8.0  # logical pixels that a click may miss a point by
_RADIUS_STEP = 1.15  # per notch of the wheel


class CanvasView(ImageView):
    """Shows the session's open image; every gesture becomes at most one edit.

    Signals:
        position_changed: Column and row of the pixel under the cursor, or None twice.
        zoom_changed: The scale; 1.0 is one image pixel on one screen pixel.
        message: Why a gesture does nothing, for the person.
    """

    position_changed = Signal(object, object)
    message = Signal(str)

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
        self._tool: Tool | None = None
        self._cursor_at: QPointF | None = None
        self.setAccessibleName("Canvas")
        self.setAccessibleDescription("The open image with its instances and suggestions")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 120)
        session.image_opened.connect(self.open_image)
        session.document_changed.connect(self._warn_tool)
        view_state.tool_changed.connect(self._renew_tool)
        view_state.brush_radius_changed.connect(self.update)
        self.open_image(0 if session.document is None else session.document.image_id)

    # What other parts call

    def set_tool(self, name: str) -> None:
        """Choose the tool: one of `TOOLS`."""
        self._view_state.tool = name

    def accept_gesture(self) -> bool:
        """Finish what is being drawn; False when nothing is."""
        return self._tool is not None and self._tool.accept()

    def step_back(self) -> bool:
        """Take back the last vertex; False when there is none."""
        return self._tool is not None and self._tool.step_back()

    def cancel_gesture(self) -> bool:
        """Drop what is being drawn without an edit; False when nothing is."""
        return self._tool is not None and self._tool.cancel()

    # The tool

    def open_image(self, image_id: int) -> None:
        """Show another image; a gesture in progress is dropped."""
        self._drop_tool()
        super().open_image(image_id)
        self._tell_position()

    def image_shown(self) -> None:
        """Now there is something to work on."""
        self._renew_tool()

    def viewport_changed(self) -> None:
        """The cursor is over another pixel."""
        super().viewport_changed()
        self._tell_position()

    def _renew_tool(self) -> None:
        self._drop_tool()
        if self.shows_image:
            self._tool = TOOLS[self._view_state.tool](self._tool_context())
            self.setCursor(self._tool.cursor)
        self.update()

    def _warn_tool(self) -> None:
        if self._tool is not None:
            self._tool.document_changed()

    def _drop_tool(self) -> None:
        if self._tool is not None:
            self._tool.cancel()
            self._tool.leave()
        self._tool = None
        self.unsetCursor()

    def _tool_context(self) -> ToolContext:
        document, viewport = self._session.document, self.viewport
        assert document is not None
        assert viewport is not None
        return ToolContext(
            document=document,
            instances_near=self.instances_near,
            width=viewport.image_width,
            height=viewport.image_height,
            preview=self.preview,
            view_state=self._view_state,
            push=self._session.push,
            new_instance_id=self._session.new_instance_id,
            suggestions=lambda: self.suggestions,
            accept=self._segmenter.accept,
            pan=self.pan,
            reach=lambda: _REACH * self.devicePixelRatioF() / self.scale,
            message=self.message.emit,
        )

    def _pointer(self, position: QPointF) -> Pointer:
        assert self.viewport is not None
        ratio = self.devicePixelRatioF()
        x, y = position.x() * ratio, position.y() * ratio
        return Pointer(*self.viewport.to_image(x, y), x, y)

    # Mouse and keyboard

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The left button is the tool's."""
        if event.button() == Qt.MouseButton.LeftButton and self._tool is not None:
            self._tool.press(self._pointer(event.position()))
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second press of a double click."""
        if event.button() == Qt.MouseButton.LeftButton and self._tool is not None:
            self._tool.double_click(self._pointer(event.position()))
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw with the button down, highlight without."""
        super().mouseMoveEvent(event)
        self._move_cursor(event.position())
        if self._tool is None:
            return
        at = self._pointer(event.position())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._tool.drag(at)
        elif not event.buttons():
            self._tool.hover(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The gesture is complete."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self._tool is not None:
            self._tool.release(self._pointer(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the cursor any more."""
        super().leaveEvent(event)
        self._move_cursor(None)
        if self._tool is not None:
            self._tool.leave()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Shift and the wheel change the brush, the wheel alone zooms."""
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
        """Enter, Backspace and Esc act on the gesture in progress."""
        act = _GESTURE_KEYS.get(Qt.Key(event.key()))
        if act is None or not act(self):
            super().keyPressEvent(event)

    def _drawing_wants(self, event: QEvent) -> bool:
        drawing = self._tool is not None and self._tool.active
        return drawing and isinstance(event, QKeyEvent) and event.key() in _GESTURE_KEYS

    def _move_cursor(self, position: QPointF | None) -> None:
        if self._tool is not None and self._tool.shows_brush:
            for centre in (self._cursor_at, position):
                if centre is not None:
                    rect = marks.circle_rect(centre, self._brush_radius())
                    self.update(rect.toAlignedRect())
        self._cursor_at = position
        self._tell_position()

    def _tell_position(self) -> None:
        column = row = None
        if self._cursor_at is not None and self.viewport is not None:
            at = self._pointer(self._cursor_at).pixel
            if self.viewport.holds(*at):
                column, row = at
        self.position_changed.emit(column, row)

    def paint_marks(self, painter: QPainter) -> None:
        """Also paint the open polygon and the brush."""
        super().paint_marks(painter)
        if self.preview.outline:
            marks.paint_outline(painter, [self.to_view(*point) for point in self.preview.outline])
        shows_brush = self._tool is not None and self._tool.shows_brush
        if shows_brush and self._cursor_at is not None:
            marks.paint_circle(painter, self._cursor_at, self._brush_radius())

    def _brush_radius(self) -> float:
        """In logical view pixels."""
        return self._view_state.brush_radius * self.scale / self.devicePixelRatioF()


_GESTURE_KEYS = {
    Qt.Key.Key_Return: CanvasView.accept_gesture,
    Qt.Key.Key_Enter: CanvasView.accept_gesture,
    Qt.Key.Key_Backspace: CanvasView.step_back,
    Qt.Key.Key_Escape: CanvasView.cancel_gesture,
}
