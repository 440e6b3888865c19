"""Boxes of whole pixels, of an image or of a view."""

from collections.abc import Iterable
from typing import TypeAlias

Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom; the last two exclusive


def overlap(a: Box, b: Box) -> Box | None:
    """The box that both share; None when there is none."""
    left, top, right, bottom = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (left, top, right, bottom) if left < right and top < bottom else None


def hull(a: Box, b: Box) -> Box:
    """The smallest box that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def grown(box: Box, by: int) -> Box:
    """The box with a margin around it."""
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def moved(box: Box, dx: int, dy: int) -> Box:
    """The box somewhere else."""
    return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy


def area(box: Box) -> int:
    """Number of pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])


def merged(boxes: Iterable[Box]) -> list[Box]:
    """The boxes, with those that overlap joined to their hull."""
    joined: list[Box] = []
    for box in boxes:
        whole = box
        while (hit := next((other for other in joined if overlap(whole, other)), None)) is not None:
            joined.remove(hit)
            whole = hull(whole, hit)
        joined.append(whole)
    return joined
