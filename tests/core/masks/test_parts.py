import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.masks import Mask
from core.masks.parts import fill_holes, largest_part, split_parts
from tests.core.masks.strategies import masks, quick

Bitmap = NDArray[np.bool_]
FOUR = ((0, 1), (1, 0), (0, -1), (-1, 0))
EIGHT = (*FOUR, (1, 1), (1, -1), (-1, 1), (-1, -1))


def spread(start: tuple[int, int], inside: Bitmap, steps: tuple[tuple[int, int], ...]) -> Bitmap:
    """What a pixel is connected with, one step after the other."""
    found = np.zeros_like(inside)
    waiting = [start]
    while waiting:
        row, column = waiting.pop()
        there = 0 <= row < inside.shape[0] and 0 <= column < inside.shape[1]
        if there and inside[row, column] and not found[row, column]:
            found[row, column] = True
            waiting += [(row + down, column + right) for down, right in steps]
    return found


@quick
@given(masks())
def test_parts_are_what_hangs_together(mask: Mask) -> None:
    parts = split_parts(mask)
    left = mask.crop.copy()
    expected = []
    while left.any():
        rows, columns = np.nonzero(left)
        part = spread((int(rows[0]), int(columns[0])), left, FOUR)
        expected.append(Mask.from_bitmap(part, mask.x, mask.y))
        left &= ~part
    expected.sort(key=lambda part: -part.area)
    assert sorted(parts, key=repr) == sorted(expected, key=repr)
    assert [part.area for part in parts] == [part.area for part in expected]
    assert largest_part(mask).area == max((part.area for part in expected), default=0)


@quick
@given(masks())
def test_filled_is_all_that_cannot_get_out(mask: Mask) -> None:
    outside = np.pad(~mask.crop, 1, constant_values=True)
    open_ground = spread((0, 0), outside, EIGHT)[1:-1, 1:-1]
    assert fill_holes(mask) == Mask.from_bitmap(~open_ground, mask.x, mask.y)


@quick
@given(masks(), st.integers(0, 9))
def test_only_holes_up_to_a_size_are_filled(mask: Mask, up_to: int) -> None:
    holes = fill_holes(mask).subtract(mask)
    left = holes.to_bitmap(30, 30) if holes.x >= 0 and holes.y >= 0 else None
    if left is None:
        return
    filled = np.zeros_like(left)
    while left.any():
        rows, columns = np.nonzero(left)
        hole = spread((int(rows[0]), int(columns[0])), left, EIGHT)
        filled |= hole if np.count_nonzero(hole) <= up_to else False
        left &= ~hole
    assert fill_holes(mask, up_to) == mask.union(Mask.from_bitmap(filled))
