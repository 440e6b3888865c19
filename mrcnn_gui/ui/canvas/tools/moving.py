"""Move instances with the mouse or the arrow keys."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.reshaping import Overlap, as_one, make_room_for_all, transition
from mrcnn_gui.ui.canvas.boxes import Box, hull
from mrcnn_gui.ui.canvas.preview import Shape
from mrcnn_gui.ui.canvas.tools.context import ToolContext

NO_ROOM = "Other instances are there already: nothing would be left of it."
_NUDGED = "Moved with the arrow keys. Page Up and Page Down change the image."


def hull_of(instances: Iterable[Instance]) -> Box | None:
    """The box around all masks; None when there is no pixel."""
    box: Box | None = None
    for instance in instances:
        if not instance.mask.is_empty:
            own = instance.mask.box_xyxy
            box = own if box is None else hull(box, own)
    return box


def bounded_shift(
    instances: Sequence[Instance], dx: int, dy: int, width: int, height: int
) -> tuple[int, int]:
    """How far instances go together: they stop at the image's border."""
    box = hull_of(instances)
    if box is None:
        return 0, 0
    left, top, right, bottom = box
    return min(max(dx, -left), width - right), min(max(dy, -top), height - bottom)


@dataclass(frozen=True, eq=False)
class Moving:
    """Instances under way from where they were when the movement began.

    What they have covered since and left again is as it was: others lose, or make them lose, only
    the pixels of the place where they stop.

    Attributes:
        instances: All of the image when it began.
        moved: Those of them that move; they keep what they share with each other.
    """

    instances: Mapping[int, Instance]
    moved: tuple[Instance, ...]

    def after(self, dx: int, dy: int, overlap: Overlap) -> dict[int, Instance] | None:
        """All instances after a shift; None when of one that moves no pixel would be left."""
        if dx == dy == 0:
            return dict(self.instances)
        keys = {it.id for it in self.moved}
        others = [it for it in self.instances.values() if it.id not in keys]
        placed = [it.mask.shift(dx, dy) for it in self.moved]
        rooms, masks = make_room_for_all(placed, others, overlap)
        if any(room.is_empty for room in rooms):
            return None
        masks |= {it.id: room for it, room in zip(self.moved, rooms, strict=True)}
        return {
            key: replace(it, mask=masks[key]) if key in masks else it
            for key, it in self.instances.items()
            if key not in masks or not masks[key].is_empty
        }

    def shapes(self, dx: int, dy: int, overlap: Overlap) -> tuple[Shape, ...]:
        """What looks different after a shift, as it would look."""
        if overlap is Overlap.ALLOWED:  # only what moves
            return tuple(
                Shape(it.mask.crop, it.mask.x + dx, it.mask.y + dy, it.id, it.category_id)
                for it in self.moved
            )
        after = self.after(dx, dy, overlap)
        if after is None:  # letting go here will say so
            moved = {it.id: replace(it, mask=it.mask.shift(dx, dy)) for it in self.moved}
            after = {**self.instances, **moved}
        gone = Mask.empty()
        return tuple(
            _shape(it, after[key].mask if key in after else gone)
            for key, it in self.instances.items()
            if after.get(key) is not it
        )

    def push(self, context: ToolContext, dx: int, dy: int) -> bool:
        """Make the shift one step of the history; False, and a message, where it cannot be."""
        after = self.after(dx, dy, context.view_state.overlap)
        if after is None:
            context.message(NO_ROOM)
            return False
        title = "Move instance" if len(self.moved) == 1 else "Move instances"
        edit = as_one(transition(context.document.instances, after), title)
        if edit is not None:
            context.push(edit)
        return True


class Nudging:
    """Moves the selected instances by arrow keys; one run of keys is one movement."""

    def __init__(self) -> None:
        self._moving = Moving({}, ())
        self._shift = (0, 0)
        self._left: Mapping[int, Instance] = {}  # the instances as the last key left them

    def nudge(self, context: ToolContext, dx: int, dy: int) -> bool:
        """Move what is selected by image pixels; False when nothing is selected."""
        if not context.selection:
            return False
        chosen = [it for it in context.selection if context.may_change(it)]
        if not chosen:
            return True
        self._go_on(context, chosen)
        wanted = self._shift[0] + dx, self._shift[1] + dy
        shift = bounded_shift(self._moving.moved, *wanted, context.width, context.height)
        if self._moving.push(context, *shift):
            self._shift, self._left = shift, dict(context.document.instances)
            context.hint(_NUDGED)
        return True

    def _go_on(self, context: ToolContext, chosen: Sequence[Instance]) -> None:
        """Begin a new movement, unless nothing else has happened since the last key."""
        instances = context.document.instances
        same = [it.id for it in chosen] == [it.id for it in self._moving.moved]
        if not same or instances != self._left:
            self._moving, self._shift = Moving(dict(instances), tuple(chosen)), (0, 0)


def _shape(instance: Instance, mask: Mask) -> Shape:
    """How an instance looks with another mask; without a pixel it is dark where it was."""
    if mask.is_empty:
        dark, there = np.zeros_like(instance.mask.crop), instance.mask
        return Shape(dark, there.x, there.y, instance.id, instance.category_id)
    return Shape(mask.crop, mask.x, mask.y, instance.id, instance.category_id)
