import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.masks import Mask
from tests.core.masks.strategies import bitmaps, masks, quick

ORIGIN, SIDE = 10, 40  # a canvas that holds every drawn mask


def canvas(mask: Mask) -> NDArray[np.bool_]:
    return mask.shift(ORIGIN, ORIGIN).to_bitmap(SIDE, SIDE)


@quick
@given(masks(), masks())
def test_set_operations_are_those_of_the_bitmaps(a: Mask, b: Mask) -> None:
    assert np.array_equal(canvas(a.union(b)), canvas(a) | canvas(b))
    assert np.array_equal(canvas(a.intersect(b)), canvas(a) & canvas(b))
    assert np.array_equal(canvas(a.subtract(b)), canvas(a) & ~canvas(b))
    assert np.array_equal(canvas(a.xor(b)), canvas(a) ^ canvas(b))


@quick
@given(masks(), masks())
def test_iou_is_that_of_the_bitmaps(a: Mask, b: Mask) -> None:
    shared, either = (canvas(a) & canvas(b)).sum(), (canvas(a) | canvas(b)).sum()
    assert a.iou(b) == pytest.approx(shared / either if either else 0.0)


@quick
@given(masks(), masks())
def test_xor_undoes_itself_and_equal_masks_are_equal_values(a: Mask, b: Mask) -> None:
    again = a.xor(b).xor(b)
    assert again == a
    assert hash(again) == hash(a)
    assert a.union(b) == b.union(a)
    assert (a == b) == np.array_equal(canvas(a), canvas(b))


@quick
@given(bitmaps(), st.integers(-9, 9), st.integers(-9, 9))
def test_area_box_and_crop_are_tight(bitmap: NDArray[np.bool_], x: int, y: int) -> None:
    mask = Mask.from_bitmap(bitmap, x, y)
    assert mask.area == bitmap.sum()
    if mask.is_empty:
        assert mask == Mask.empty()
        assert mask.bbox_xywh == (0, 0, 0, 0)
        return
    rows, columns = np.nonzero(bitmap)
    left, top, right, bottom = mask.box_xyxy
    assert (left, top) == (columns.min() + x, rows.min() + y)
    assert (right, bottom) == (columns.max() + 1 + x, rows.max() + 1 + y)
    assert mask.bbox_xywh == (left, top, right - left, bottom - top)


@quick
@given(masks(), st.integers(1, 9), st.integers(1, 9))
def test_clip_leaves_what_lies_in_the_image(mask: Mask, width: int, height: int) -> None:
    inside = canvas(mask)[ORIGIN : ORIGIN + height, ORIGIN : ORIGIN + width]
    assert np.array_equal(mask.to_bitmap(height, width), inside)
    assert mask.clip(width, height) == Mask.from_bitmap(inside)


@quick
@given(masks(), st.integers(-10, 25), st.integers(-10, 25))
def test_contains_asks_one_pixel(mask: Mask, x: int, y: int) -> None:
    assert mask.contains(x, y) == canvas(mask)[y + ORIGIN, x + ORIGIN]


def test_from_bitmap_copies_and_the_crop_is_read_only() -> None:
    bitmap = np.ones((3, 4), dtype=np.bool_)
    mask = Mask.from_bitmap(bitmap)
    bitmap[:] = False
    assert mask.area == 12
    with pytest.raises(ValueError, match="read-only"):
        mask.crop[0, 0] = False


def test_any_non_zero_value_is_inside() -> None:
    assert Mask.from_bitmap(np.array([[0, 2], [255, 0]], dtype=np.uint8)).area == 2


def test_the_caller_s_own_array_stays_writable() -> None:
    crop = np.ones((2, 2), dtype=np.bool_)
    Mask(crop, 0, 0)
    crop[0, 0] = False


@pytest.mark.parametrize(
    ("crop", "x"),
    [
        (np.array([[False, True]]), 0),
        (np.zeros((2, 2), dtype=np.bool_), 0),
        (np.zeros((0, 3), dtype=np.bool_), 0),
        (np.zeros((0, 0), dtype=np.bool_), 5),
        (np.ones((2, 2), dtype=np.uint8), 0),
        (np.ones(2, dtype=np.bool_), 0),
    ],
)
def test_a_crop_that_breaks_the_rules_is_refused(crop: NDArray[np.bool_], x: int) -> None:
    with pytest.raises(ValueError, match="crop"):
        Mask(crop, x, 0)


def test_a_bitmap_of_three_dimensions_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2, 3\)"):
        Mask.from_bitmap(np.zeros((2, 2, 3), dtype=np.uint8))


def test_cost_does_not_follow_the_distance_from_the_origin() -> None:
    far = Mask.from_bitmap(np.ones((2, 2), dtype=np.bool_), 10**9, 10**9)
    assert far.union(far.shift(1, 0)).area == 6
    assert far.xor(far).is_empty
    assert far != Mask.from_bitmap(np.ones((2, 2), dtype=np.bool_))
    assert far != "mask"
    assert repr(far) == "Mask(x=1000000000, y=1000000000, width=2, height=2, area=4)"


@quick
@given(masks(), masks())
def test_the_area_of_an_xor_needs_no_count(a: Mask, b: Mask) -> None:
    """One is told its area first; both shapes of xor must agree with the pixels."""
    assert a.area >= 0
    for both in (a.xor(b), b.xor(a)):
        assert both.area == np.count_nonzero(both.crop)
        assert both == Mask.from_bitmap(canvas(a) ^ canvas(b), -ORIGIN, -ORIGIN)
