import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from core.masks import Mask
from core.masks.flood import flood
from tests.core.masks.strategies import quick
from tests.core.masks.test_parts import FOUR, spread

images = arrays(np.uint8, (7, 9, 3), elements=st.sampled_from([0, 10, 20, 100, 250, 255]))


@quick
@given(images, st.integers(0, 8), st.integers(0, 6), st.sampled_from([0, 5, 10, 150, 255]))
def test_it_takes_what_is_alike_and_hangs_together(
    pixels: NDArray[np.uint8], x: int, y: int, tolerance: int
) -> None:
    before = pixels.copy()
    apart = np.abs(pixels.astype(int) - pixels[y, x].astype(int)).max(axis=2)
    expected = spread((y, x), apart <= tolerance, FOUR)
    assert flood(pixels, x, y, tolerance) == Mask.from_bitmap(expected)
    np.testing.assert_array_equal(pixels, before)


def test_it_says_what_it_expects() -> None:
    with pytest.raises(ValueError, match="expected a pixel of the 4 x 3 image"):
        flood(np.zeros((3, 4, 3), np.uint8), 4, 0, 10)
    with pytest.raises(ValueError, match="expected RGB uint8"):
        flood(np.zeros((3, 4), np.uint8), 0, 0, 10)
