import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.learning.transforms import (
    Sample,
    augment,
    flip,
    jitter_colour,
    resize_image,
    resize_mask,
)
from core.masks import Mask


def disc(x: float, y: float, radius: float, height: int = 60, width: int = 80) -> Mask:
    rows, columns = np.mgrid[:height, :width] + 0.5
    return Mask.from_bitmap((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)


def photo_of(mask: Mask, height: int = 60, width: int = 80) -> NDArray[np.uint8]:
    bitmap = mask.to_bitmap(height, width)
    return np.repeat(bitmap[..., None], 3, axis=2).astype(np.uint8) * 255


def bilinear(mask: Mask, x: float, y: float) -> float:
    """Slow reference: the value at a point, pixel centres at i + 0.5, 0 outside the mask."""
    left, top = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
    value = 0.0
    for column in (left, left + 1):
        for row in (top, top + 1):
            weight = (1 - abs(x - 0.5 - column)) * (1 - abs(y - 0.5 - row))
            value += weight * mask.contains(column, row)
    return value


@pytest.mark.parametrize("factors", [(1.0, 1.0), (2.0, 2.0), (1.37, 0.81), (0.6, 0.6)])
def test_resized_mask_is_the_bilinear_sample_at_the_new_pixel_centres(
    factors: tuple[float, float],
) -> None:
    mask = disc(31.3, 22.8, 11.4)
    resized = resize_mask(mask, factors)
    width, height = int(80 * factors[0]) + 2, int(60 * factors[1]) + 2
    for row in range(height):
        for column in range(width):
            value = bilinear(mask, (column + 0.5) / factors[0], (row + 0.5) / factors[1])
            if abs(value - 0.5) > 0.04:  # OpenCV rounds coordinates to 1/32 pixel
                assert resized.contains(column, row) == (value > 0.5), (column, row, value)


@given(scale=st.floats(0.2, 3.0), x=st.floats(12, 66), y=st.floats(12, 46))
def test_a_resized_disc_stays_a_disc_in_its_place(scale: float, x: float, y: float) -> None:
    resized = resize_mask(disc(x, y, 12), (scale, scale))
    expected = disc(x * scale, y * scale, 12 * scale, int(200 * scale), int(200 * scale))
    # Both outlines are jagged: the expected one by the new pixels, the other by the old ones.
    assert resized.iou(expected) > 1 - (0.8 + 0.4 * scale) / (12 * scale)


def test_mask_and_photo_stay_aligned_when_resized() -> None:
    mask = disc(30, 30, 17)
    for long_side in (56, 80, 131):
        image = resize_image(photo_of(mask), long_side)
        factors = (image.shape[1] / 80, image.shape[0] / 60)
        seen = Mask.from_bitmap(image[..., 0] >= 128)
        assert resize_mask(mask, factors).iou(seen) > 0.97


def test_a_thin_line_survives_halving_and_vanishes_when_less_than_half_a_pixel() -> None:
    line = Mask.from_bitmap(np.ones((40, 2), dtype=np.bool_), 10, 6)
    assert resize_mask(line, (0.5, 0.5)).area == 20
    assert resize_mask(line, (0.15, 0.15)).is_empty


def test_the_empty_mask_stays_empty() -> None:
    assert resize_mask(Mask.empty(), (0.5, 2.0)).is_empty


def test_resizing_keeps_the_shape() -> None:
    image = np.zeros((30, 100, 3), dtype=np.uint8)
    assert resize_image(image, 50).shape == (15, 50, 3)
    assert resize_image(image, 100) is image
    assert resize_image(np.zeros((1, 900, 3), dtype=np.uint8), 90).shape == (1, 90, 3)


def test_flipping_moves_masks_with_the_photo_and_twice_changes_nothing() -> None:
    mask, crowd = disc(20, 25, 9), disc(60, 40, 5)
    sample = Sample(photo_of(mask), (mask,), (1,), (crowd,))
    flipped = flip(sample)
    assert Mask.from_bitmap(flipped.image[..., 0]) == flipped.masks[0]
    assert flipped.ignored[0].box_xyxy[0] == 80 - crowd.box_xyxy[2]
    again = flip(flipped)
    assert np.array_equal(again.image, sample.image)
    assert again.masks == sample.masks
    assert again.ignored == sample.ignored


def test_colour_jitter_changes_the_image_mildly_and_nothing_else() -> None:
    image = np.full((8, 8, 3), (90, 120, 150), dtype=np.uint8)
    sample = Sample(image, (disc(4, 4, 3, 8, 8),), (1,))
    jittered = jitter_colour(sample, np.random.default_rng(3))
    assert not np.array_equal(jittered.image, image)
    assert np.abs(jittered.image.astype(int) - image).max() < 90
    assert jittered.masks is sample.masks


def test_augmenting_mirrors_about_half_the_samples_and_repeats_with_its_generator() -> None:
    mask = disc(15, 30, 8)
    sample = Sample(photo_of(mask), (mask,), (1,))
    views = [augment(sample, np.random.default_rng(seed)) for seed in range(40)]
    mirrored = sum(view.masks[0] != mask for view in views)
    assert 8 <= mirrored <= 32
    again = augment(sample, np.random.default_rng(7))
    assert np.array_equal(again.image, views[7].image)


def test_resizing_an_image_matches_opencv() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    expected = cv2.resize(image, (30, 20), interpolation=cv2.INTER_AREA)
    assert np.array_equal(resize_image(image, 30), expected)
