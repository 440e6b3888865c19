"""Brush and eraser."""

from PySide6.QtCore import Qt

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import RemoveInstance
from mrcnn_gui.ui.canvas.boxes import Box, hull
from mrcnn_gui.ui.canvas.drawings import Line
from mrcnn_gui.ui.canvas.preview import Point, Shape
from mrcnn_gui.ui.canvas.tools.context import DROPPED, Pointer, Tool
from mrcnn_gui.ui.canvas.tools.hits import instance_at
from mrcnn_gui.ui.canvas.tools.stroke import Stroke

_LIGHTEST = 0.1  # of the radius: a pen that hardly touches still draws


class BrushTool(Tool):
    """Paints into the selected instance, or starts a new one; one edit on release.

    With Shift the stroke is a straight line, from where the last stroke ended. A pen's pressure
    makes the brush smaller.
    """

    cursor = Qt.CursorShape.CrossCursor
    shows_brush = True
    erases = False

    _stroke: Stroke | None = None
    _target: Instance | None = None  # None while a new instance is painted
    _category_id = 0
    _last: Point = (0.0, 0.0)
    _end: Point | None = None  # of the stroke before
    _straight = False
    _dirty: Box | None = None  # of the straight line that is shown

    @property
    def active(self) -> bool:
        """Whether a stroke is in progress."""
        return self._stroke is not None

    def press(self, at: Pointer) -> None:
        """Start a stroke, if there is something to paint into."""
        self._target = self.context.selected
        category_id = self._category()
        if category_id is None:
            return
        self._category_id = category_id
        self._stroke = self._new_stroke()
        self._straight, self._dirty = at.shift, None
        self._last = self._end if at.shift and self._end is not None else (at.x, at.y)
        self.context.preview.show_drawings()
        self.drag(at)

    def drag(self, at: Pointer) -> None:
        """Paint from the last point to this one."""
        stroke = self._stroke
        if stroke is None:
            return
        if self._straight:
            stroke = self._stroke = self._new_stroke()
        radius = self.context.view_state.brush_radius * max(at.pressure, _LIGHTEST)
        dirty = stroke.add(self._last, (at.x, at.y), radius)
        if self._straight:
            self._dirty, dirty = dirty, _both(self._dirty, dirty)
            self._end = (at.x, at.y)
        else:
            self._last = self._end = (at.x, at.y)
        if dirty is not None:
            target_id = None if self._target is None else self._target.id
            before = stroke.before
            shape = Shape(
                before.crop, before.x, before.y, target_id, self._category_id, stroke.patch
            )
            self.context.preview.show_shape(shape, dirty)

    def hover(self, at: Pointer) -> None:
        """With Shift, show the line that a click would paint."""
        line = () if self._end is None or not at.shift else (self._end, (at.x, at.y))
        self.context.preview.show_drawings(*([Line(line)] if line else []))

    def leave(self) -> None:
        """No line is shown any more."""
        self.context.preview.show_drawings()

    def document_changed(self) -> None:
        """A stroke depends on its instance alone."""
        target, instances = self._target, self.context.document.instances
        stale = target is not None and instances.get(target.id) is not target
        if stale and self.cancel():
            self.context.message(DROPPED)

    def release(self, at: Pointer) -> None:
        """Push what the stroke changed."""
        stroke, self._stroke = self._stroke, None
        if stroke is None:
            return
        self._clear_preview(stroke)
        if self._target is None:
            if not stroke.is_empty:
                self.context.add_instance(self._category_id, stroke.mask)
        elif stroke.is_empty:
            self.context.push(RemoveInstance(self._target))
        else:
            self.context.paint(self._target, stroke.flipped)

    def cancel(self) -> bool:
        """Drop the stroke."""
        stroke, self._stroke = self._stroke, None
        if stroke is not None:
            self._end = None
            self._clear_preview(stroke)
        return stroke is not None

    def _new_stroke(self) -> Stroke:
        context, target = self.context, self._target
        return Stroke(
            target.mask if target is not None else Mask.empty(),
            erase=self.erases,
            width=context.width,
            height=context.height,
            closed=[other.mask for other in context.firm(target)],
        )

    def _category(self) -> int | None:
        if self._target is None:
            return self.context.category_for_new()
        return self._target.category_id if self.context.may_change(self._target) else None

    def _clear_preview(self, stroke: Stroke) -> None:
        """Show the document again: it differs from the stroke's mask where the brush has been."""
        preview = self.context.preview
        if preview.shape is not None:
            preview.clear_shape(*([] if stroke.touched is None else [stroke.touched]))


class EraserTool(BrushTool):
    """Takes pixels from the selected instance or the one under it; without pixels, it goes."""

    erases = True

    def press(self, at: Pointer) -> None:
        """With nothing selected, the instance under the cursor is."""
        if self.context.selected is None:
            hit = instance_at(self.context.touchable(*at.pixel), *at.pixel)
            if hit is not None:
                self.context.view_state.selected_instance = hit.id
        super().press(at)

    def _category(self) -> int | None:
        if self._target is None:
            self.context.message("Press on the instance to erase from, or select it first.")
            return None
        return super()._category()


def _both(a: Box | None, b: Box | None) -> Box | None:
    if a is None or b is None:
        return b if a is None else a
    return hull(a, b)
