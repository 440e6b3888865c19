"""Where copies of instances go."""

from collections.abc import Collection, Iterator, Sequence
from itertools import product

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.ui.canvas.tools.moving import bounded_shift, hull_of

_OFFSET_SHARE = 50  # a copy lies this part of the image's shorter side beside its original
_GAP = 2  # pixels, between a copy and what it must not touch
_FARTHEST = 4  # that a place beside the original is looked for, in sizes of the original

Shift = tuple[int, int]


def copy_shift(document: ImageDocument, instances: Sequence[Instance], overlap: Overlap) -> Shift:
    """How far copies go: not at all, unless the first lies there already.

    Then they go some steps beside; where instances must not overlap, to the nearest place that is
    free, if there is one.
    """
    there = {it.mask for it in document.instances.values() if _same_size(it, instances[0])}
    if instances[0].mask not in there:
        return 0, 0
    if overlap is not Overlap.ALLOWED:
        for shift in _beside(document, instances):
            if _is_free(document.instances.values(), instances, shift):
                return shift
    return _stepped(document, instances, there)


def _stepped(
    document: ImageDocument, instances: Sequence[Instance], there: Collection[Mask]
) -> Shift:
    """As few small steps as show that there is another."""
    step = max(min(document.width, document.height) // _OFFSET_SHARE, 4)
    for sign in (1, -1):
        for count in range(1, len(there) + 1):
            far = sign * count * step
            shift = bounded_shift(instances, far, far, document.width, document.height)
            if instances[0].mask.shift(*shift) not in there:
                return shift
    return 0, 0


def _beside(document: ImageDocument, instances: Sequence[Instance]) -> Iterator[Shift]:
    """The places around the originals that lie in the image, the nearest first."""
    left, top, right, bottom = hull_of(instances) or (0, 0, 0, 0)
    width, height = right - left + _GAP, bottom - top + _GAP
    counts = range(-_FARTHEST, _FARTHEST + 1)
    shifts = [(across * width, down * height) for across, down in product(counts, counts)]
    for dx, dy in sorted(shifts, key=lambda it: (abs(it[0]) + abs(it[1]), -it[0], -it[1])):
        bounded = bounded_shift(instances, dx, dy, document.width, document.height)
        if (dx, dy) != (0, 0) and bounded == (dx, dy):
            yield dx, dy


def _is_free(others: Collection[Instance], instances: Sequence[Instance], shift: Shift) -> bool:
    moved = [it.mask.shift(*shift) for it in instances]
    return all(mask.intersect(other.mask).is_empty for mask in moved for other in others)


def _same_size(a: Instance, b: Instance) -> bool:
    return a.mask.crop.shape == b.mask.crop.shape and a.mask.area == b.mask.area
