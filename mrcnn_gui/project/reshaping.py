"""Edits that give instances other masks, composed of the ones there are."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import reduce

import numpy as np

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import AddInstance, Batch, Edit, PaintMask, RemoveInstance


class Overlap(StrEnum):
    """What becomes of new paint where other instances are; locked ones keep all they have."""

    ALLOWED = "allowed"
    YIELDS = "yields"
    TAKES = "takes"


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


def apart(
    instance: Instance, pieces: Sequence[Mask], new_id: Callable[[], int]
) -> tuple[list[Edit], list[int]]:
    """Make an instance several: it keeps the first piece, the others become like it.

    Returns:
        The edits, and the ids of all pieces.
    """
    made = [replace(instance, id=new_id(), mask=mask, original="") for mask in pieces[1:]]
    edits = [*reshaped(instance, pieces[0]), *map(AddInstance, made)]
    return edits, [instance.id, *(it.id for it in made)]


def firm_among(others: Iterable[Instance], overlap: Overlap) -> list[Instance]:
    """The instances that new paint leaves alone."""
    if overlap is Overlap.ALLOWED:
        return []
    return [other for other in others if other.locked or overlap is Overlap.YIELDS]


def make_room(
    paint: Mask, others: Collection[Instance], overlap: Overlap
) -> tuple[Mask, dict[int, Mask]]:
    """New pixels beside other instances.

    Returns:
        The pixels that may be painted, and the masks of the instances that lose some to them.
    """
    if overlap is Overlap.ALLOWED or paint.is_empty:
        return paint, {}
    near = _near(paint, others)
    for other in firm_among(near, overlap):
        paint = paint.subtract(other.mask)
    if overlap is not Overlap.TAKES:
        return paint, {}
    losing = [it for it in near if not it.locked and not it.mask.intersect(paint).is_empty]
    return paint, {other.id: other.mask.subtract(paint) for other in losing}


def _near(mask: Mask, others: Iterable[Instance]) -> list[Instance]:
    """The instances whose boxes meet a mask's box; of thousands, few do."""
    left, top, right, bottom = mask.box_xyxy
    return [
        it
        for it in others
        if it.mask.x < right
        and it.mask.y < bottom
        and it.mask.x + it.mask.crop.shape[1] > left
        and it.mask.y + it.mask.crop.shape[0] > top
    ]


def make_room_for_all(
    paints: Sequence[Mask], others: Iterable[Instance], overlap: Overlap
) -> tuple[list[Mask], dict[int, Mask]]:
    """The same for masks that come together: they leave each other alone."""
    if overlap is Overlap.ALLOWED:
        return list(paints), {}
    now = list(others)
    boxes = np.array([other.mask.box_xyxy for other in now], dtype=np.int64).reshape(-1, 4)
    losing: dict[int, Mask] = {}
    rooms = []
    for paint in paints:
        left, top, right, bottom = paint.box_xyxy
        near = np.flatnonzero(
            (boxes[:, 0] < right)
            & (boxes[:, 1] < bottom)
            & (boxes[:, 2] > left)
            & (boxes[:, 3] > top)
        ).tolist()
        room, taken = make_room(paint, [now[place] for place in near], overlap)
        for place in near:
            if now[place].id in taken:
                now[place] = replace(now[place], mask=taken[now[place].id])
        losing |= taken
        rooms.append(room)
    return rooms, losing


def without_earlier(masks: Sequence[Mask]) -> list[Mask]:
    """Each mask without the pixels of those before it."""
    rests: list[Mask] = []
    for mask in masks:
        rests.append(reduce(Mask.subtract, rests, mask))
    return rests


def losses(instances: Mapping[int, Instance], losing: Mapping[int, Mask]) -> list[Edit]:
    """What takes from instances all but the masks that are left to them."""
    return [edit for key, left in losing.items() for edit in reshaped(instances[key], left)]


def transition(before: Mapping[int, Instance], after: Mapping[int, Instance]) -> list[Edit]:
    """What makes the masks of one state those of another; instances may come and go."""
    edits: list[Edit] = [RemoveInstance(it) for key, it in before.items() if key not in after]
    edits += [AddInstance(it) for key, it in after.items() if key not in before]
    for key, instance in before.items():
        if key in after and after[key].mask is not instance.mask:
            edits += reshaped(instance, after[key].mask)
    return edits


def reshape_all(
    instances: Mapping[int, Instance], wanted: Mapping[int, Mask], overlap: Overlap
) -> list[Edit]:
    """Give instances other masks, one after the other; what they gain is new paint.

    Args:
        instances: All of the image.
        wanted: The masks by instance id.
        overlap: What becomes of the pixels that an instance gains where others are.
    """
    now = dict(instances)
    for key, mask in wanted.items():
        others = [it for it in now.values() if it.id != key]
        gained, taken = make_room(mask.subtract(now[key].mask), others, overlap)
        taken[key] = now[key].mask.intersect(mask).union(gained)
        now |= {other: replace(now[other], mask=left) for other, left in taken.items()}
    return [
        edit
        for key, instance in instances.items()
        if now[key] is not instance
        for edit in reshaped(instance, now[key].mask)
    ]
