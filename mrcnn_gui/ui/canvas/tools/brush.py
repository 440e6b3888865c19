"""Brush and eraser."""

from PySide6.QtCore import Qt

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import PaintMask, RemoveInstance
from mrcnn_gui.ui.canvas.preview import Shape
from mrcnn_gui.ui.canvas.tools.context import Pointer, Tool
from mrcnn_gui.ui.canvas.tools.stroke import Stroke


class BrushTool(Tool):
    """Paints into the selected instance, or starts a new one; one edit on release."""

    cursor = Qt.CursorShape.CrossCursor
    shows_brush = True
    erases = False

    _stroke: Stroke | None = None
    _target: Instance | None = None  # None while a new instance is painted
    _category_id = 0
    _last = (0.0, 0.0)

    @property
    def active(self) -> bool:
        """Whether a stroke is in progress."""
        return self._stroke is not None

    def press(self, at: Pointer) -> None:
        """Start a stroke, if there is something to paint into."""
        context = self.context
        self._target = context.selected
        category_id = self._category()
        if category_id is None:
            return
        self._category_id = category_id
        before = self._target.mask if self._target is not None else Mask.empty()
        self._stroke = Stroke(before, erase=self.erases, width=context.width, height=context.height)
        self._last = (at.x, at.y)
        self.drag(at)

    def drag(self, at: Pointer) -> None:
        """Paint from the last point to this one."""
        stroke = self._stroke
        if stroke is None:
            return
        dirty = stroke.add(self._last, (at.x, at.y), self.context.view_state.brush_radius)
        self._last = (at.x, at.y)
        if dirty is not None:
            target_id = None if self._target is None else self._target.id
            shape = Shape(stroke.bitmap, stroke.x, stroke.y, target_id, self._category_id)
            self.context.preview.show_shape(shape, dirty)

    def release(self, at: Pointer) -> None:
        """Push what the stroke changed."""
        stroke, self._stroke = self._stroke, None
        if stroke is None:
            return
        self._clear_preview()
        if self._target is None:
            if not stroke.is_empty:
                self.context.add_instance(self._category_id, stroke.mask)
        elif stroke.is_empty:
            self.context.push(RemoveInstance(self._target))
        elif not (flipped := stroke.flipped).is_empty:
            self.context.push(PaintMask(self._target.id, flipped))

    def cancel(self) -> bool:
        """Drop the stroke."""
        stroke, self._stroke = self._stroke, None
        self._clear_preview()
        return stroke is not None

    def _category(self) -> int | None:
        if self._target is not None:
            return self._target.category_id
        return self.context.category_for_new()

    def _clear_preview(self) -> None:
        preview = self.context.preview
        if preview.shape is not None:
            preview.clear_shape(preview.shape.box_xyxy)


class EraserTool(BrushTool):
    """Takes pixels from the selected instance; an instance without pixels goes."""

    erases = True

    def _category(self) -> int | None:
        if self._target is None:
            self.context.message("Select the instance to erase from first.")
            return None
        return self._target.category_id
