import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.masks import Mask
from core.masks.morphology import grow, shrink, smooth
from tests.core.masks.strategies import bitmaps, quick

Bitmap = NDArray[np.bool_]
SIZE = 24
radii = st.integers(0, 6)
places = st.integers(0, 12)


@st.composite
def images(draw: st.DrawFn) -> Bitmap:
    """An image of SIZE x SIZE with a drawn bitmap somewhere in it, often at its border."""
    image = np.zeros((SIZE, SIZE), dtype=np.bool_)
    bitmap = draw(bitmaps())
    top = draw(st.integers(0, SIZE - bitmap.shape[0]))
    left = draw(st.integers(0, SIZE - bitmap.shape[1]))
    image[top : top + bitmap.shape[0], left : left + bitmap.shape[1]] = bitmap
    return image


def disc_around(row: int, column: int, radius: int) -> Bitmap:
    rows, columns = np.ogrid[:SIZE, :SIZE]
    disc: Bitmap = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return disc


def near(image: Bitmap, radius: int) -> Bitmap:
    found = np.zeros_like(image)
    for row, column in np.argwhere(image):
        found |= disc_around(row, column, radius)
    return found


@quick
@given(images(), radii)
def test_grow_takes_all_within_the_distance(image: Bitmap, radius: int) -> None:
    grown = grow(Mask.from_bitmap(image), radius, SIZE, SIZE)
    assert grown == Mask.from_bitmap(near(image, radius))


@quick
@given(images(), radii)
def test_shrink_leaves_what_is_far_from_the_outside(image: Bitmap, radius: int) -> None:
    shrunk = shrink(Mask.from_bitmap(image), radius, SIZE, SIZE)
    assert shrunk == Mask.from_bitmap(image & ~near(~image, radius) if radius else image)


@quick
@given(images(), st.integers(0, 3))
def test_smooth_takes_the_vote_of_the_neighbours(image: Bitmap, radius: int) -> None:
    expected = image.copy()
    for row, column in np.ndindex(image.shape):
        votes = image[disc_around(row, column, radius)]
        inside = 2 * int(np.count_nonzero(votes))
        expected[row, column] = inside > votes.size or (inside == votes.size and image[row, column])
    smoothed = smooth(Mask.from_bitmap(image), radius, SIZE, SIZE)
    assert smoothed == Mask.from_bitmap(expected)


@pytest.mark.parametrize("radius", [1, 3, 4, 9])
def test_a_mask_at_the_border_is_not_taken_away_from_there(radius: int) -> None:
    image = Mask.from_bitmap(np.ones((20, 40), dtype=np.bool_))
    assert shrink(image, radius, 60, 20).box_xyxy == (0, 0, 40 - radius, 20)
