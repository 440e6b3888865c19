"""Edits that give instances other masks, composed of the ones there are."""

from collections.abc import Iterable, Sequence

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import Batch, Edit, PaintMask, RemoveInstance


def reshaped(instance: Instance, mask: Mask) -> list[Edit]:
    """What makes an instance's mask another one: nothing where they are equal.

    An instance that would have no pixel left is removed.
    """
    if mask.is_empty:
        return [RemoveInstance(instance)]
    xor = instance.mask.xor(mask)
    return [] if xor.is_empty else [PaintMask(instance.id, xor)]


def as_one(edits: Sequence[Edit], title: str) -> Edit | None:
    """Several edits as one step of the history; None when there are none."""
    if len(edits) == 1 and edits[0].title == title:
        return edits[0]
    return Batch(tuple(edits), title) if edits else None


def without_others(paint: Mask, others: Iterable[Instance]) -> Mask:
    """The pixels that no other instance has."""
    for other in others:
        paint = paint.subtract(other.mask)
    return paint


def taken_from(others: Iterable[Instance], paint: Mask) -> list[Edit]:
    """What takes pixels from all other instances that have them."""
    edits: list[Edit] = []
    for other in others:
        if not other.mask.intersect(paint).is_empty:
            edits += reshaped(other, other.mask.subtract(paint))
    return edits
