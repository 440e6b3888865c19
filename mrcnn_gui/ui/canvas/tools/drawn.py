"""What tools that draw an area have in common: what becomes of the area."""

from collections.abc import Sequence
from enum import Enum

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance
from mrcnn_gui.project.edits import RemoveInstance
from mrcnn_gui.services.drafts import Draft
from mrcnn_gui.ui.canvas.preview import Point, Shape
from mrcnn_gui.ui.canvas.tools.context import DRAWN, DROPPED, Pointer, Tool


class Use(Enum):
    """What a drawn area is for."""

    NEW = "new"
    ADD = "add"
    TAKE = "take"


class DrawnTool(Tool):
    """Draws an area: a new instance, with Shift a part of the selected one, with Ctrl a cut-out."""

    _use = Use.NEW
    _target: Instance | None = None  # the instance that the area is added to or taken from
    _category_id = 0

    def begin(self, at: Pointer) -> bool:
        """Decide by the keys what the area is for; False, and a message, when that cannot be."""
        self._use = Use.TAKE if at.control else Use.ADD if at.shift else Use.NEW
        self._target = None if self._use is Use.NEW else self.context.selected
        if self._use is not Use.NEW:
            return self._has_target()
        category_id = self.context.category_for_new()
        self._category_id = category_id or 0
        return category_id is not None

    def document_changed(self) -> None:
        """A new instance does not depend on what else there is; a changed target does."""
        target, instances = self._target, self.context.document.instances
        stale = target is not None and instances.get(target.id) is not target
        if stale and self.cancel():
            self.context.message(DROPPED)

    def drafted(self, points: Sequence[Point]) -> Draft:
        """A draft of these points, with what the area will be for."""
        target_id = None if self._target is None else self._target.id
        return Draft(tuple(points), self._use.value, target_id, self._category_id)

    def resume(self, draft: Draft) -> None:
        """Remember what the area is for: a new instance where the one that it was for is gone."""
        self._target = self.context.document.instances.get(draft.target_id or 0)
        self._use = Use.NEW if self._target is None else Use(draft.use)
        self._category_id = draft.category_id

    def use(self, area: Mask, title: str, provenance: Provenance = DRAWN) -> None:
        """Push what the area is for; it is clipped to the image first."""
        context, target = self.context, self._target
        area = area.clip(context.width, context.height)
        if area.is_empty:
            context.message("The area holds no pixel.")
        elif target is None:
            context.add_instance(self._category_id, area, provenance)
        elif self._use is Use.ADD:
            context.paint(target, area.subtract(target.mask), title)
        elif target.mask.subtract(area).is_empty:
            context.push(RemoveInstance(target))
        else:
            context.paint(target, area.intersect(target.mask), title)

    def show_area(self, area: Mask) -> None:
        """Show what `use` would make of the area."""
        preview, target = self.context.preview, self._target
        mask = area.clip(self.context.width, self.context.height)
        if target is not None and self._use is Use.TAKE:
            mask = target.mask.subtract(mask)
        else:
            mask = self._with_room(mask)
        key = None if target is None else target.id
        shape = Shape(mask.crop, mask.x, mask.y, key, self._category_id)
        before = [it.box_xyxy for it in preview.shapes]
        if target is not None and not before:
            before = [target.mask.box_xyxy]
        preview.show_shape(shape, *before, shape.box_xyxy)

    def clear_area(self) -> None:
        """Show the document again."""
        preview = self.context.preview
        if preview.shape is not None:
            own = [] if self._target is None else [self._target.mask.box_xyxy]
            preview.clear_shape(preview.shape.box_xyxy, *own)

    def _with_room(self, area: Mask) -> Mask:
        target = self._target
        if target is None:
            return self.context.make_room(area)[0]
        added = area.subtract(target.mask)
        return target.mask.union(self.context.make_room(added, target)[0])

    def _has_target(self) -> bool:
        if self._target is None:
            self.context.message("Select the instance first: Shift adds to it, Ctrl takes away.")
            return False
        self._category_id = self._target.category_id
        return self.context.may_change(self._target)
