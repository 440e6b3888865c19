"""Select one or several, move them, accept with a double click; pan on empty ground."""

from dataclasses import dataclass
from math import ceil, floor, hypot

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Suggestion
from mrcnn_gui.ui.canvas.boxes import overlap
from mrcnn_gui.ui.canvas.drawings import Frame
from mrcnn_gui.ui.canvas.preview import Shape
from mrcnn_gui.ui.canvas.tools.context import Pointer, Tool
from mrcnn_gui.ui.canvas.tools.hits import instance_at, outline_distance, suggestion_at
from mrcnn_gui.ui.canvas.tools.moving import Moving, bounded_shift

DRAG_THRESHOLD = 4.0  # device pixels; a smaller movement is a click


@dataclass
class _Gesture:
    start: Pointer
    last: Pointer
    moving: Moving | None  # of the selected instances, when the press was on one of them
    selected: tuple[int, ...]  # before the gesture
    dragging: bool = False


class SelectTool(Tool):
    """Click selects, a drag on what is selected moves it, any other drag pans.

    With Shift a click adds to the selection or takes from it, and a drag selects all in a frame.
    """

    _gesture: _Gesture | None = None

    @property
    def active(self) -> bool:
        """Whether the button is down."""
        return self._gesture is not None

    def press(self, at: Pointer) -> None:
        """Start a click or a drag."""
        selection = [it for it in self.context.selection if not it.locked]
        on_selected = any(it.mask.contains(*at.pixel) for it in selection)
        moving = None
        if on_selected and not at.shift:
            moving = Moving(dict(self.context.document.instances), tuple(selection))
        self._gesture = _Gesture(at, at, moving, self.context.view_state.selected_instances)

    def drag(self, at: Pointer) -> None:
        """Move what is selected, draw the frame, or pan."""
        gesture = self._gesture
        if gesture is None:
            return
        start = gesture.start
        distance = hypot(at.view_x - start.view_x, at.view_y - start.view_y)
        gesture.dragging = gesture.dragging or distance >= DRAG_THRESHOLD
        if not gesture.dragging:
            return
        if start.shift:
            self._frame(gesture, at)
        elif gesture.moving is not None:
            self._show_moved(gesture.moving, start, at)
        else:
            self.context.pan(at.view_x - gesture.last.view_x, at.view_y - gesture.last.view_y)
        gesture.last = at

    def release(self, at: Pointer) -> None:
        """Select what was clicked, or push the move."""
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return
        if not gesture.dragging:
            self._select(at)
        elif gesture.start.shift:
            self.context.preview.show_drawings()
        elif gesture.moving is not None:
            self._put_back()
            gesture.moving.push(self.context, *self._shift(gesture.moving, gesture.start, at))

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
        """Put moved instances back, and select what was selected before the frame."""
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return False
        if gesture.moving is not None:
            self._put_back()
        if gesture.dragging and gesture.start.shift:
            self.context.preview.show_drawings()
            self.context.view_state.selected_instances = gesture.selected
        return True

    def _hit(self, at: Pointer) -> Instance | Suggestion | None:
        """The instance or suggestion under the cursor; of both, the one whose outline is nearer."""
        context = self.context
        instance = instance_at(context.touchable(*at.pixel), *at.pixel)
        suggestion = suggestion_at(context.suggestions(), *at.pixel)
        if instance is None or suggestion is None:
            return instance or suggestion
        reach = context.reach()
        to_suggestion = outline_distance(suggestion.mask, at.x, at.y, reach)
        to_instance = outline_distance(instance.mask, at.x, at.y, reach)
        return suggestion if to_suggestion < to_instance else instance

    def _select(self, at: Pointer) -> None:
        state = self.context.view_state
        if at.shift:
            instance = instance_at(self.context.touchable(*at.pixel), *at.pixel)
            if instance is not None:
                rest = tuple(key for key in state.selected_instances if key != instance.id)
                added = len(rest) == len(state.selected_instances)
                state.selected_instances = (*rest, instance.id) if added else rest
            return
        hit = self._hit(at)
        state.selected_instance = hit.id if isinstance(hit, Instance) else None
        state.selected_suggestion = hit.key if isinstance(hit, Suggestion) else None

    def _frame(self, gesture: _Gesture, at: Pointer) -> None:
        frame = Frame.around((gesture.start.x, gesture.start.y), (at.x, at.y), dashed=True)
        self.context.preview.show_drawings(frame)
        inside = [it.id for it in self.context.within_reach() if mostly_in(it.mask, frame)]
        before = tuple(key for key in gesture.selected if key not in inside)
        self.context.view_state.selected_instances = (*before, *inside)

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

    def _show_moved(self, moving: Moving, start: Pointer, at: Pointer) -> None:
        shift = self._shift(moving, start, at)
        shapes = moving.shapes(*shift, self.context.view_state.overlap)
        self._show(shapes)

    def _show(self, shapes: tuple[Shape, ...]) -> None:
        """Show shapes, or none, in place of those before; all that either covers is stale."""
        preview, instances = self.context.preview, self.context.document.instances
        boxes = [shape.box_xyxy for shape in (*preview.shapes, *shapes)]
        keys = {shape.instance_id for shape in (*preview.shapes, *shapes)}
        boxes += [
            it.mask.box_xyxy for key in keys if key is not None and (it := instances.get(key))
        ]
        preview.show_shapes(shapes, *boxes)

    def _shift(self, moving: Moving, start: Pointer, at: Pointer) -> tuple[int, int]:
        dx, dy = round(at.x - start.x), round(at.y - start.y)
        return bounded_shift(moving.moved, dx, dy, self.context.width, self.context.height)

    def _put_back(self) -> None:
        if self.context.preview.shapes:
            self._show(())


def mostly_in(mask: Mask, frame: Frame) -> bool:
    """Whether at least half of a mask's pixels lie in a frame."""
    box = floor(frame.left), floor(frame.top), ceil(frame.right), ceil(frame.bottom)
    seen = overlap(box, mask.box_xyxy)
    if seen is None or seen == mask.box_xyxy:
        return seen is not None
    return 2 * int(mask.window(seen).sum()) >= mask.area
