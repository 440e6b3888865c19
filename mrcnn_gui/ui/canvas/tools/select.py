"""Select, move, accept with a double click; pan on empty ground."""

from dataclasses import dataclass
from math import hypot

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Suggestion
from mrcnn_gui.project.edits import PaintMask
from mrcnn_gui.ui.canvas.preview import Shape
from mrcnn_gui.ui.canvas.tools.context import Pointer, Tool
from mrcnn_gui.ui.canvas.tools.hits import instance_at, outline_distance, suggestion_at

DRAG_THRESHOLD = 4.0  # device pixels; a smaller movement is a click


@dataclass
class _Gesture:
    start: Pointer
    last: Pointer
    target: Instance | None  # the selected instance, when the press was on it
    dragging: bool = False


class SelectTool(Tool):
    """Click selects, a drag on the selected instance moves it, any other drag pans."""

    _gesture: _Gesture | None = None

    @property
    def active(self) -> bool:
        """Whether the button is down."""
        return self._gesture is not None

    def press(self, at: Pointer) -> None:
        """Start a click or a drag."""
        selected = self.context.selected
        on_selected = selected is not None and selected.mask.contains(*at.pixel)
        self._gesture = _Gesture(at, at, selected if on_selected else None)

    def drag(self, at: Pointer) -> None:
        """Move the selected instance, or pan."""
        gesture = self._gesture
        if gesture is None:
            return
        start = gesture.start
        distance = hypot(at.view_x - start.view_x, at.view_y - start.view_y)
        gesture.dragging = gesture.dragging or distance >= DRAG_THRESHOLD
        if not gesture.dragging:
            return
        if gesture.target is None:
            self.context.pan(at.view_x - gesture.last.view_x, at.view_y - gesture.last.view_y)
        else:
            self._show_moved(gesture.target, at)
        gesture.last = at

    def release(self, at: Pointer) -> None:
        """Select what was clicked, or push the move."""
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return
        if not gesture.dragging:
            self._select(at)
        elif gesture.target is not None:
            moved = self._moved(gesture.target, gesture.start, at)
            self._put_back(gesture.target)
            xor = gesture.target.mask.xor(moved)
            if not xor.is_empty:
                self.context.push(PaintMask(gesture.target.id, xor))

    def double_click(self, at: Pointer) -> None:
        """Accept the suggestion under the cursor."""
        hit = self._hit(at)
        if isinstance(hit, Suggestion):
            self.context.accept(hit.key)
        else:
            self.press(at)

    def hover(self, at: Pointer) -> None:
        """Highlight what a click would select."""
        self._highlight(self._hit(at))

    def leave(self) -> None:
        """Highlight nothing."""
        self._highlight(None)

    def cancel(self) -> bool:
        """Put a moved instance back."""
        gesture, self._gesture = self._gesture, None
        if gesture is not None and gesture.target is not None:
            self._put_back(gesture.target)
        return gesture is not None

    def _hit(self, at: Pointer) -> Instance | Suggestion | None:
        """The instance or suggestion under the cursor; of both, the one whose outline is nearer."""
        context = self.context
        instance = instance_at(context.instances_near(*at.pixel), *at.pixel)
        suggestion = suggestion_at(context.suggestions(), *at.pixel)
        if instance is None or suggestion is None:
            return instance or suggestion
        reach = context.reach()
        to_suggestion = outline_distance(suggestion.mask, at.x, at.y, reach)
        to_instance = outline_distance(instance.mask, at.x, at.y, reach)
        return suggestion if to_suggestion < to_instance else instance

    def _select(self, at: Pointer) -> None:
        hit = self._hit(at)
        state = self.context.view_state
        state.selected_instance = hit.id if isinstance(hit, Instance) else None
        state.selected_suggestion = hit.key if isinstance(hit, Suggestion) else None

    def _highlight(self, hit: Instance | Suggestion | None) -> None:
        instance = hit if isinstance(hit, Instance) else None
        suggestion_key = hit.key if isinstance(hit, Suggestion) else None
        self.context.view_state.hovered_suggestion = suggestion_key
        preview = self.context.preview
        before = preview.hovered_instance
        after = None if instance is None else instance.id
        if before != after:
            previous = None if before is None else self.context.document.instances.get(before)
            stale = [item.mask.box_xyxy for item in (previous, instance) if item is not None]
            preview.hover(after, *stale)

    def _show_moved(self, target: Instance, at: Pointer) -> None:
        gesture, preview = self._gesture, self.context.preview
        if gesture is None:
            return
        moved = self._moved(target, gesture.start, at)
        shape = Shape(moved.crop, moved.x, moved.y, target.id, target.category_id)
        before = target.mask.box_xyxy if preview.shape is None else preview.shape.box_xyxy
        preview.show_shape(shape, before, shape.box_xyxy)

    def _moved(self, target: Instance, start: Pointer, at: Pointer) -> Mask:
        """The mask shifted by whole pixels; it stops at the image's border."""
        left, top, right, bottom = target.mask.box_xyxy
        dx = min(max(round(at.x - start.x), -left), self.context.width - right)
        dy = min(max(round(at.y - start.y), -top), self.context.height - bottom)
        return target.mask.shift(dx, dy)

    def _put_back(self, target: Instance) -> None:
        preview = self.context.preview
        if preview.shape is not None:
            preview.clear_shape(preview.shape.box_xyxy, target.mask.box_xyxy)
