"""Edit the outline of an instance by its vertices."""

from dataclasses import dataclass
from math import hypot

from core.masks import Mask
from core.masks.outline import Outline, Point, Vertex
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.ui.canvas.drawings import Drawing, Frame, Vertices
from mrcnn_gui.ui.canvas.preview import Shape
from mrcnn_gui.ui.canvas.tools.context import Pointer, Tool, ToolContext
from mrcnn_gui.ui.canvas.tools.hits import instance_at
from mrcnn_gui.ui.canvas.tools.vertex_hits import edge_near, vertex_near, vertices_in

_DRAG_THRESHOLD = 3.0  # device pixels; a smaller movement is a click
_TOLERANCE_SHARE = 1 / 4  # of the reach: two pixels of the screen, so that vertices are few
_FINEST = 1.0  # image pixels: slanted edges are stairs, and not every step is a vertex
_COARSER = 1.5  # another zoom than this and the outline is made anew


@dataclass
class _Gesture:
    start: Pointer
    before: Outline
    outline: Outline  # with the vertex that the gesture inserted
    frames: bool  # draws a frame; moves the chosen vertices otherwise
    chosen: frozenset[Vertex]  # before the gesture
    hit: Vertex | None = None
    dragging: bool = False


class VertexTool(Tool):
    """Drag a vertex to move it, a line to insert one; Delete removes those that are chosen.

    A drag beside the outline chooses the vertices in a frame; a click chooses an instance.
    """

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._target: Instance | None = None
        self._outline = Outline(())
        self._tolerance = _FINEST
        self._chosen: frozenset[Vertex] = frozenset()
        self._gesture: _Gesture | None = None
        self._kept: Mask | None = None  # the mask of the outline at hand, while it is pushed
        self.selection_changed()

    @property
    def active(self) -> bool:
        """Whether the button is down, or vertices are chosen."""
        return self._gesture is not None or bool(self._chosen)

    def selection_changed(self) -> None:
        """Show the outline of the instance that is selected now."""
        if self.context.selected is not self._target:
            self._derive()

    def document_changed(self) -> None:
        """Show the outline as it is now; after an edit of this tool it is there already."""
        selected = self.context.selected
        if selected is self._target:
            return
        if selected is not None and self._kept is not None and selected.mask == self._kept:
            self._target = selected
        else:
            self._derive()

    def press(self, at: Pointer) -> None:
        """Take a vertex, insert one, or begin a frame."""
        if self._target is not None and not self.context.may_change(self._target):
            return
        outline, before = self._outline, self._chosen
        place, reach = (at.x, at.y), self.context.reach()
        hit = vertex_near(self._outline, place, reach)
        edge = None if hit is not None else edge_near(self._outline, place, reach / 2)
        if edge is not None:
            after, where = edge
            self._outline = self._outline.inserted(after, where)
            hit = (after[0], after[1] + 1)
            self._chosen = frozenset()
        if hit is not None and at.shift:
            self._chosen ^= {hit}
        elif hit is not None and hit not in self._chosen:
            self._chosen = frozenset({hit})
        self._gesture = _Gesture(at, outline, self._outline, hit is None, before, hit)
        self._draw()

    def drag(self, at: Pointer) -> None:
        """Move the chosen vertices, or draw the frame."""
        gesture = self._gesture
        if gesture is None:
            return
        start = gesture.start
        far = hypot(at.view_x - start.view_x, at.view_y - start.view_y) >= _DRAG_THRESHOLD
        gesture.dragging = gesture.dragging or far
        if not gesture.dragging:
            return
        if gesture.frames:
            frame = Frame.around((start.x, start.y), (at.x, at.y), dashed=True)
            inside = vertices_in(self._outline, frame.left, frame.top, frame.right, frame.bottom)
            self._chosen = frozenset(inside) | (gesture.chosen if start.shift else frozenset())
            self._draw(frame)
        else:
            self._outline = gesture.outline.moved(self._places(gesture, at))
            self._show_reshaped(gesture)
            self._draw()

    def release(self, at: Pointer) -> None:
        """Push what moved."""
        gesture = self._gesture
        if gesture is None:
            return
        self._gesture = None
        if gesture.dragging and not gesture.frames:
            self._clear_shape()
            self._push(gesture.before, "Move vertices")
        elif not gesture.dragging:
            self._click(gesture, at)
        self._draw()

    def double_click(self, at: Pointer) -> None:
        """Remove the vertex under the cursor."""
        hit = vertex_near(self._outline, (at.x, at.y), self.context.reach())
        if hit is None:
            self.press(at)
        else:
            self._chosen = frozenset({hit})
            self.delete()

    def hover(self, at: Pointer) -> None:
        """Show what a press would take or insert."""
        if self._chosen:
            self._draw(hovered=vertex_near(self._outline, (at.x, at.y), self.context.reach()))
            return
        wanted = self._wanted_tolerance()
        if max(wanted, self._tolerance) > _COARSER * min(wanted, self._tolerance):
            self._derive()
        place, reach = (at.x, at.y), self.context.reach()
        hovered = vertex_near(self._outline, place, reach)
        edge = None if hovered is not None else edge_near(self._outline, place, reach / 2)
        self._draw(hovered=hovered, insertion=None if edge is None else edge[1])

    def leave(self) -> None:
        """Nothing is under the cursor."""
        self._draw()

    def delete(self) -> bool:
        """Remove the chosen vertices; what is left of a ring closes over them."""
        if not self._chosen or self._gesture is not None or self._target is None:
            return False
        before, self._outline = self._outline, self._outline.without(self._chosen)
        self._chosen = frozenset()
        if self._target.mask.xor(before.changed_pixels(self._outline)).is_empty:
            self._outline = before
            self.context.message("An outline needs three vertices: delete the instance instead.")
        else:
            self._push(before, "Delete vertices")
        self._draw()
        return True

    def step_back(self) -> bool:
        """Remove the chosen vertices."""
        return self.delete()

    @property
    def comes_before_edits(self) -> bool:
        """Whether the button is down: chosen vertices are no reason not to undo an edit."""
        return self._gesture is not None

    def accept(self) -> bool:
        """Let the chosen vertices go."""
        return self._gesture is None and self.cancel()

    def cancel(self) -> bool:
        """Put back what is being moved; without that, let the chosen vertices go."""
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            self._outline, self._chosen = gesture.before, gesture.chosen
            self._clear_shape()
            self._draw()
        elif self._chosen:
            self._chosen = frozenset()
            self._draw()
        else:
            return False
        return True

    def _click(self, gesture: _Gesture, at: Pointer) -> None:
        if gesture.hit is not None:
            if not at.shift:
                self._chosen = frozenset({gesture.hit})
            return
        self._chosen = frozenset()
        hit = instance_at(self.context.touchable(*at.pixel), *at.pixel)
        if hit is not None and not gesture.chosen:
            self.context.view_state.selected_instance = hit.id

    def _places(self, gesture: _Gesture, at: Pointer) -> dict[Vertex, Point]:
        """Where the chosen vertices go: by whole pixels, and not out of the image."""
        dx, dy = round(at.x - gesture.start.x), round(at.y - gesture.start.y)
        places: dict[Vertex, Point] = {}
        for vertex in self._chosen:
            x, y = gesture.outline.position(vertex)
            moved = min(max(x + dx, 0.0), float(self.context.width))
            places[vertex] = moved, min(max(y + dy, 0.0), float(self.context.height))
        return places

    def _push(self, before: Outline, title: str) -> None:
        """Flip the pixels in which the outline differs from the one before."""
        target = self._target
        if target is None:
            return
        changed = before.changed_pixels(self._outline)
        self._kept = target.mask.xor(changed)
        if self._kept.is_empty:
            self._outline = before
            self.context.message("No pixel would be left inside.")
        else:
            self.context.paint(target, changed, title)
        self._kept = None
        if self._target is target and not changed.is_empty:
            self._outline = before  # the edit was not made, or not wholly

    def _show_reshaped(self, gesture: _Gesture) -> None:
        target, preview = self._target, self.context.preview
        if target is None:
            return
        changed = gesture.before.changed_pixels(self._outline)
        mask = target.mask.xor(self.context.limited(target, changed)[0])
        shape = Shape(mask.crop, mask.x, mask.y, target.id, target.category_id)
        before = target.mask if preview.shape is None else preview.shape
        preview.show_shape(shape, before.box_xyxy, shape.box_xyxy)

    def _clear_shape(self) -> None:
        preview = self.context.preview
        if preview.shape is not None and self._target is not None:
            preview.clear_shape(preview.shape.box_xyxy, self._target.mask.box_xyxy)

    def _derive(self) -> None:
        """Make the outline of the selected instance anew."""
        self._clear_shape()
        self._target, self._gesture, self._chosen = self.context.selected, None, frozenset()
        self._tolerance = self._wanted_tolerance()
        mask = Mask.empty() if self._target is None else self._target.mask
        self._outline = Outline.of(mask, self._tolerance)
        self._draw()

    def _wanted_tolerance(self) -> float:
        return max(_FINEST, self.context.reach() * _TOLERANCE_SHARE)

    def _draw(
        self, *more: Drawing, hovered: Vertex | None = None, insertion: Point | None = None
    ) -> None:
        rings = tuple(ring.vertices for ring in self._outline.rings)
        vertices = Vertices(rings, self._chosen, hovered, insertion)
        self.context.preview.show_drawings(vertices, *more)
