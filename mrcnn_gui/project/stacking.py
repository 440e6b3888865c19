"""What is drawn over what: an explicit order first, then small instances over large ones."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import SetOrder

Height: TypeAlias = tuple[int, int, int]


def height(instance: Instance) -> Height:
    """Sorts instances from the lowest to the topmost."""
    return instance.z_order, -instance.mask.crop.size, instance.id


def to_front(instances: Mapping[int, Instance], chosen: Collection[int]) -> list[SetOrder]:
    """The edits that lift instances over all others; among themselves they stay as they are."""
    return _beyond_all(instances, chosen, 1)


def to_back(instances: Mapping[int, Instance], chosen: Collection[int]) -> list[SetOrder]:
    """The edits that put instances under all others."""
    return _beyond_all(instances, chosen, -1)


def one_up(instances: Mapping[int, Instance], chosen: int) -> list[SetOrder]:
    """The edits that lift an instance over the next one that it touches, and over no other."""
    return _one_further(list(instances.values()), instances[chosen], 1)


def one_down(instances: Mapping[int, Instance], chosen: int) -> list[SetOrder]:
    """The edits that put an instance under the next one that it touches, and under no other."""
    return _one_further(list(instances.values()), instances[chosen], -1)


def _beyond_all(
    instances: Mapping[int, Instance], chosen: Collection[int], sign: int
) -> list[SetOrder]:
    moved = [instances[key] for key in chosen]
    others = [sign * it.z_order for key, it in instances.items() if key not in chosen]
    if not moved or not others:
        return []
    lowest = min(sign * it.z_order for it in moved)
    step = max(others) + 1 - lowest
    return _edits((it, it.z_order + sign * step) for it in moved)


def _one_further(instances: list[Instance], chosen: Instance, sign: int) -> list[SetOrder]:
    """Only what overlaps is seen to lie over another: whatever lay over those moved, stays so."""
    beyond = [it for it in instances if _signed(it, sign) > _signed(chosen, sign)]
    beyond.sort(key=lambda it: _signed(it, sign))
    target = next((it for it in beyond if _touch(it, chosen)), None)
    if target is None:
        return []
    moved = [_past(chosen, _signed(target, sign), sign)]
    for it in beyond[beyond.index(target) + 1 :]:
        under = [_signed(other, sign) for other in moved if _touch(it, other)]
        if under and max(under) > _signed(it, sign):
            moved.append(_past(it, max(under), sign))
    by_id = {it.id: it for it in instances}
    return _edits((by_id[it.id], it.z_order) for it in moved)


def _signed(instance: Instance, sign: int) -> Height:
    """The height, or with -1 the depth."""
    order, size, number = height(instance)
    return sign * order, sign * size, sign * number


def _past(instance: Instance, limit: Height, sign: int) -> Instance:
    """The instance with the nearest order that brings it past a height."""
    level = replace(instance, z_order=sign * limit[0])
    return level if _signed(level, sign) > limit else replace(level, z_order=level.z_order + sign)


def _touch(a: Instance, b: Instance) -> bool:
    (left, top, right, bottom), other = a.mask.box_xyxy, b.mask.box_xyxy
    return left < other[2] and other[0] < right and top < other[3] and other[1] < bottom


def _edits(orders: Iterable[tuple[Instance, int]]) -> list[SetOrder]:
    return [SetOrder(it.id, it.z_order, order) for it, order in orders if it.z_order != order]
