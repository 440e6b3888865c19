"""Move instances with the mouse or the arrow keys."""

from collections.abc import Sequence

from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import Edit, PaintMask
from mrcnn_gui.project.reshaping import as_one
from mrcnn_gui.ui.canvas.boxes import Box, hull
from mrcnn_gui.ui.canvas.preview import Shape
from mrcnn_gui.ui.canvas.tools.context import ToolContext

_NUDGED = "Moved with the arrow keys. Page Up and Page Down change the image."


def bounded_shift(
    instances: Sequence[Instance], dx: int, dy: int, width: int, height: int
) -> tuple[int, int]:
    """How far instances go together: they stop at the image's border."""
    box = _box(instances)
    if box is None:
        return 0, 0
    left, top, right, bottom = box
    return min(max(dx, -left), width - right), min(max(dy, -top), height - bottom)


def move_edit(instances: Sequence[Instance], dx: int, dy: int) -> Edit | None:
    """Shift the masks of instances, as one step; None when nothing moves."""
    flipped = [(it.id, it.mask.xor(it.mask.shift(dx, dy))) for it in instances]
    edits = [PaintMask(key, xor) for key, xor in flipped if not xor.is_empty]
    return as_one(edits, "Move instance" if len(instances) == 1 else "Move instances")


def moved_shapes(instances: Sequence[Instance], dx: int, dy: int) -> tuple[Shape, ...]:
    """The instances as they look after a shift."""
    return tuple(
        Shape(it.mask.crop, it.mask.x + dx, it.mask.y + dy, it.id, it.category_id)
        for it in instances
    )


def nudge(context: ToolContext, dx: int, dy: int) -> bool:
    """Move the selected instances by image pixels; False when nothing is selected."""
    if not context.selection:
        return False
    instances = [it for it in context.selection if context.may_change(it)]
    edit = move_edit(instances, *bounded_shift(instances, dx, dy, context.width, context.height))
    if edit is not None:
        context.push(edit)
        context.hint(_NUDGED)
    return True


def _box(instances: Sequence[Instance]) -> Box | None:
    box: Box | None = None
    for instance in instances:
        if not instance.mask.is_empty:
            own = instance.mask.box_xyxy
            box = own if box is None else hull(box, own)
    return box
