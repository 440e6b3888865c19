import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.learning.transforms import (
    Augmentation,
    Sample,
    augment,
    copy_paste,
    crop,
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
    sample = Sample(photo_of(mask) // 2 + 60, (mask,), (1,))
    views = [augment(sample, np.random.default_rng(seed)) for seed in range(40)]
    mirrored = sum(view.masks[0] != mask for view in views)
    assert 8 <= mirrored <= 32
    for view in views:  # and recolours every one
        before = sample if view.masks[0] == mask else flip(sample)
        assert not np.array_equal(view.image, before.image)
    again = augment(sample, np.random.default_rng(7))
    assert np.array_equal(again.image, views[7].image)


def test_resizing_an_image_matches_opencv() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    expected = cv2.resize(image, (30, 20), interpolation=cv2.INTER_AREA)
    assert np.array_equal(resize_image(image, 30), expected)


def sample_of(*masks: Mask, ignored: tuple[Mask, ...] = ()) -> Sample:
    """A photo whose pixels tell which mask they belong to."""
    image = np.zeros((60, 80, 3), np.uint8)
    for number, mask in enumerate(masks, 1):
        image[mask.to_bitmap(60, 80)] = 40 * number
    return Sample(image, masks, tuple(range(1, len(masks) + 1)), ignored)


def test_a_crop_shows_a_part_with_the_masks_still_on_their_objects() -> None:
    sample, generator = sample_of(disc(20, 20, 9), disc(60, 40, 12)), np.random.default_rng(0)
    shapes = set()
    for _ in range(40):
        part = crop(sample, generator)
        height, width = part.image.shape[:2]
        assert 30 <= height <= 60
        assert 40 <= width <= 80
        shapes.add((height, width))
        for mask, label in zip(part.masks, part.labels, strict=True):
            expected = part.image[..., 0] == 40 * label
            np.testing.assert_array_equal(mask.to_bitmap(height, width), expected)
    assert len(shapes) > 20


def test_a_crop_ignores_slivers_and_drops_what_is_outside() -> None:
    sample = sample_of(disc(20, 20, 9), ignored=(disc(73, 53, 5),))
    generator = np.random.default_rng(1)
    counts = set()
    for _ in range(200):
        part = crop(sample, generator)
        visible = (part.image[..., 0] == 40).sum() / sample.masks[0].area
        counts.add((len(part.masks), len(part.ignored)))
        assert len(part.masks) == (visible >= 0.25)
        assert len(part.ignored) <= 2
    assert {(1, 1), (1, 0), (0, 1)} <= counts


def test_pasted_objects_bring_their_pixels_and_cover_what_lies_below() -> None:
    below, above = disc(40, 30, 15), disc(50, 30, 15)
    hidden = disc(50, 30, 4)
    sample = sample_of(below, hidden)
    other = Sample(np.full((60, 80, 3), 200, np.uint8), (above,), (7,))
    seen = set()
    for seed in range(12):
        mixed = copy_paste(sample, other, np.random.default_rng(seed))
        seen.add(len(mixed.masks))
        if mixed.labels == (1, 2):
            np.testing.assert_array_equal(mixed.image, sample.image)
            continue
        assert mixed.labels == (1, 7)  # the hidden one has vanished
        assert mixed.masks[1] == above
        assert mixed.masks[0] == below.subtract(above)
        assert (mixed.image[above.to_bitmap(60, 80)] == 200).all()
    assert seen == {2}


def test_objects_of_a_larger_photo_are_clipped() -> None:
    other = Sample(np.full((90, 120, 3), 200, np.uint8), (disc(80, 60, 20, 90, 120),), (1,))
    for seed in range(4):
        mixed = copy_paste(sample_of(), other, np.random.default_rng(seed))
        for mask in mixed.masks:
            assert mask.box_xyxy[2] <= 80
            assert mask.box_xyxy[3] <= 60


def test_views_are_cropped_and_pasted_as_often_as_asked() -> None:
    generator = np.random.default_rng(0)
    often = Augmentation(crop=0.7, copy_paste=0.2)
    crops, pastes = (
        sum(draw(generator) for _ in range(1000)) for draw in (often.crops, often.pastes)
    )
    assert 640 < crops < 760
    assert 150 < pastes < 250
    state = generator.bit_generator.state
    assert not Augmentation().crops(generator)
    assert not Augmentation().pastes(generator)
    assert generator.bit_generator.state == state  # older runs draw what they drew


def test_what_is_known_moves_with_the_image() -> None:
    mask = disc(30, 20, 8)
    sample = Sample(photo_of(mask), (mask,), (1,), known=mask)
    flipped = flip(sample)
    assert flipped.known == flipped.masks[0]
    for seed in range(8):
        cropped = crop(sample, np.random.default_rng(seed))
        assert cropped.known is not None
        assert list(cropped.masks) == ([cropped.known] if cropped.masks else [])
    other = disc(60, 40, 9)
    pasted = [
        copy_paste(sample, Sample(photo_of(other), (other,), (1,)), np.random.default_rng(seed))
        for seed in range(8)
    ]
    assert {len(it.masks) for it in pasted} == {1, 2}
    for it in pasted:
        assert it.known == (mask.union(other) if len(it.masks) == 2 else mask)
