import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.masks import Mask
from core.masks.cutting import cut_mask
from core.masks.parts import split_parts
from tests.core.masks.strategies import masks, quick

points = st.lists(st.tuples(st.floats(-10, 22), st.floats(-10, 22)), min_size=1, max_size=5)


@quick
@given(masks(), points, st.integers(1, 4))
def test_the_pieces_are_the_mask_and_lie_apart(
    mask: Mask, line: list[tuple[float, float]], min_area: int
) -> None:
    pieces = cut_mask(mask, line, min_area)
    if not pieces:
        return
    assert len(pieces) >= 2
    union = Mask.empty()
    for piece in pieces:
        assert union.intersect(piece).is_empty
        union = union.union(piece)
    assert union == mask
    assert [len(split_parts(piece)) for piece in pieces[1:]] == [1] * (len(pieces) - 1)
    assert all(piece.area >= min_area for piece in pieces)


@quick
@given(masks(), points)
def test_nothing_is_cut_that_hangs_together_beside_the_line(
    mask: Mask, line: list[tuple[float, float]]
) -> None:
    x0, y0 = (int(np.floor(min(axis))) for axis in zip(*line, strict=True))
    x1, y1 = (int(np.floor(max(axis))) + 1 for axis in zip(*line, strict=True))
    pieces = cut_mask(mask, line)
    for part in split_parts(mask):
        left, top, right, bottom = part.box_xyxy
        if right <= x0 or left >= x1 or bottom <= y0 or top >= y1:
            assert not pieces or any(piece.intersect(part) == part for piece in pieces)


def test_a_zigzag_cuts_into_many() -> None:
    bar = Mask.from_bitmap(np.ones((10, 60), dtype=np.bool_), 100, 50)
    zigzag = [(110.5 + 10 * step, 45.0 if step % 2 else 65.0) for step in range(4)]
    pieces = cut_mask(bar, zigzag)
    assert len(pieces) == 4
    assert sum(piece.area for piece in pieces) == 600


def test_a_line_that_ends_inside_cuts_nothing() -> None:
    bar = Mask.from_bitmap(np.ones((10, 60), dtype=np.bool_), 100, 50)
    assert cut_mask(bar, [(120, 40), (120, 55)]) == []
    assert cut_mask(bar, [(0, 0), (20, 20)]) == []


def test_crumbs_stay_with_their_neighbours() -> None:
    bar = Mask.from_bitmap(np.ones((10, 60), dtype=np.bool_))
    loop = [(30, -2), (30, 4), (32, 4), (32, 6), (30, 6), (30, 4), (30, 12)]
    assert len(cut_mask(bar, loop)) == 3  # the loop encloses one pixel
    assert len(cut_mask(bar, loop, min_area=4)) == 2


def test_a_part_that_the_line_does_not_touch_stays_with_the_largest_piece() -> None:
    bitmap = np.zeros((10, 60), dtype=np.bool_)
    bitmap[:, :40] = True
    bitmap[:, 50:] = True
    pieces = cut_mask(Mask.from_bitmap(bitmap), [(10, -1), (10, 11)])
    assert [piece.area for piece in pieces] == [290 + 100, 110]  # the line itself goes left
    assert pieces[0].contains(55, 5)
