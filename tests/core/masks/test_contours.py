import json
from itertools import pairwise

import cv2
import numpy as np
import pycocotools.mask as coco_mask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.masks import (
    Mask,
    Ring,
    mask_to_rings,
    polygons_to_mask,
    rasterise_polygon,
    reaches_far,
)
from tests.core.masks.strategies import bitmaps, masks, pycocotools_decode, quick
from tests.helpers.data import shared_data


def flat(ring: Ring) -> list[float]:
    return [float(value) for value in ring.reshape(-1)]


def signed_area(ring: Ring) -> float:
    x, y = ring.astype(np.float64).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def pycocotools_mask(polygons: list[list[float]], height: int, width: int) -> NDArray[np.bool_]:
    rle = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    return pycocotools_decode(rle)


@quick
@given(bitmaps())
def test_rings_tell_the_mask_exactly(bitmap: NDArray[np.bool_]) -> None:
    rings = mask_to_rings(Mask.from_bitmap(bitmap))
    painted = np.zeros_like(bitmap)
    for ring in rings:
        painted ^= pycocotools_mask([flat(ring)], *bitmap.shape)
    assert np.array_equal(painted, bitmap)
    assert sum(signed_area(ring) for ring in rings) == bitmap.sum()


@quick
@given(bitmaps())
def test_one_outline_per_part_and_one_ring_per_hole(bitmap: NDArray[np.bool_]) -> None:
    rings = mask_to_rings(Mask.from_bitmap(bitmap))
    parts, _ = cv2.connectedComponents(bitmap.astype(np.uint8), connectivity=4)
    outside = np.pad(~bitmap, 1, constant_values=True).astype(np.uint8)
    gaps, _ = cv2.connectedComponents(outside, connectivity=8)
    assert sum(signed_area(ring) > 0 for ring in rings) == parts - 1
    assert sum(signed_area(ring) < 0 for ring in rings) == gaps - 2  # the zeros and the outside


@quick
@given(masks())
def test_every_vertex_is_a_corner(mask: Mask) -> None:
    for ring in mask_to_rings(mask):
        assert ring.dtype == np.int32
        steps = np.diff(np.concatenate([ring, ring[:1]]), axis=0)
        horizontal = steps[:, 1] == 0
        assert ((steps == 0).sum(axis=1) == 1).all()
        assert all(a != b for a, b in pairwise([*horizontal.tolist(), bool(horizontal[0])]))


@quick
@given(bitmaps(side=6))
def test_masks_of_one_ring_are_those_that_one_polygon_tells(bitmap: NDArray[np.bool_]) -> None:
    mask = Mask.from_bitmap(bitmap)
    rings = mask_to_rings(mask)
    outlines = [flat(ring) for ring in rings if signed_area(ring) > 0]
    alone = len(outlines) == 1 and polygons_to_mask(outlines, *bitmap.shape) == mask
    assert (len(rings) == 1) == alone


def test_pixels_that_touch_at_a_corner_are_two_parts() -> None:
    rings = mask_to_rings(Mask.from_bitmap(np.eye(2)))
    assert [ring.tolist() for ring in rings] == [
        [[0, 0], [1, 0], [1, 1], [0, 1]],
        [[1, 1], [2, 1], [2, 2], [1, 2]],
    ]


def test_a_gap_that_touches_the_outside_at_a_corner_needs_no_hole() -> None:
    bitmap = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=np.bool_)
    mask = Mask.from_bitmap(bitmap)
    [outline] = mask_to_rings(mask)
    assert polygons_to_mask([flat(outline)], 3, 3) == mask


def test_a_hole_has_the_other_orientation() -> None:
    bitmap = np.ones((3, 3), dtype=np.bool_)
    bitmap[1, 1] = False
    areas = [signed_area(ring) for ring in mask_to_rings(Mask.from_bitmap(bitmap, 7, -3))]
    assert areas == [9, -1]


def test_the_empty_mask_has_no_rings() -> None:
    assert mask_to_rings(Mask.empty()) == []


coordinates = st.floats(-15, 25, width=32) | st.integers(-4, 14).map(float)
polygons = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=8).map(
    lambda points: [value for point in points for value in point]
)


@quick
@given(st.lists(polygons, min_size=1, max_size=3), st.integers(1, 14), st.integers(1, 14))
def test_polygons_are_filled_as_pycocotools_fills_them(
    parts: list[list[float]], height: int, width: int
) -> None:
    ours = polygons_to_mask(parts, height, width)
    assert np.array_equal(ours.to_bitmap(height, width), pycocotools_mask(parts, height, width))


@quick
@given(polygons)
def test_the_polygon_tool_follows_the_same_rule(polygon: list[float]) -> None:
    points = np.array(polygon).reshape(-1, 2)
    assert rasterise_polygon(points) == polygons_to_mask([polygon], 30, 30)


@pytest.mark.parametrize("name", ["coco_mini", "animals", "balloon"])
def test_real_polygons_are_filled_as_pycocotools_fills_them(name: str) -> None:
    dataset = json.loads((shared_data(name) / "instances.json").read_text())
    sizes = {image["id"]: (image["height"], image["width"]) for image in dataset["images"]}
    found = [a for a in dataset["annotations"] if isinstance(a["segmentation"], list)]
    for annotation in found[:: max(1, len(found) // 60)]:
        parts, size = annotation["segmentation"], sizes[annotation["image_id"]]
        mask = polygons_to_mask(parts, *size)
        assert np.array_equal(mask.to_bitmap(*size), pycocotools_mask(parts, *size))
    assert found


def test_what_reaches_far_is_told_apart() -> None:
    near, far = [0, 0, 90, 0, 90, 90], [0, 0, 1e9, 0, 1e9, 1e9]
    assert not reaches_far([near], 40, 40)
    assert reaches_far([near, far], 40, 40)


@pytest.mark.parametrize("far", [5e3, 1e6, 1e12, 1e300])
def test_a_polygon_far_outside_is_cut_off_safely(far: float) -> None:
    everything = [-far, -far, far, -far, far, far, -far, far]
    assert polygons_to_mask([everything], 20, 30).area == 600
    left_half = [-far, -far, 15, -far, 15, far, -far, far]
    assert polygons_to_mask([left_half], 20, 30).bbox_xywh == (0, 0, 15, 20)
    assert polygons_to_mask([[far, far, far + 1, far, far, 2 * far]], 20, 30).is_empty


def test_a_slope_stays_where_it_is_when_its_end_is_cut_off() -> None:
    near = polygons_to_mask([[0, 0, 1000, 1000, 0, 1000]], 40, 40)
    far = polygons_to_mask([[0, 0, 1e9, 1e9, 0, 1e9]], 40, 40)
    assert near == far


@pytest.mark.parametrize(
    "polygon",
    [
        *([1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7], [], [0, 0, 5, float("nan"), 5, 5], ["a"] * 6, 5.0),
        *(["1", 2, 3, 4, 5, 6], [True, 2, 3, 4, 5, 6], "123456"),
    ],
)
def test_what_is_no_polygon_is_refused(polygon: list[float]) -> None:
    with pytest.raises(ValueError, match="polygon"):
        polygons_to_mask([polygon], 10, 10)


def test_an_endless_outline_is_refused_before_pycocotools_dies_of_it() -> None:
    to_and_fro = [0.0, 0.0, 1000.0, 1000.0] * 1_000
    assert not polygons_to_mask([[*to_and_fro, 0.0, 1000.0]], 1000, 1000).is_empty
    with pytest.raises(ValueError, match=r"outline of 12,00.,000 pixels, expected up"):
        polygons_to_mask([[*to_and_fro * 6, 0.0, 1000.0]], 1000, 1000)


def test_many_parts_are_united_as_few_are() -> None:
    parts = [[x, y, x + 3.0, y, x + 3, y + 2, x, y + 2] for x in range(0, 90, 2) for y in range(30)]
    found = polygons_to_mask(parts, 64, 96)
    assert np.array_equal(found.to_bitmap(64, 96), pycocotools_mask(parts, 64, 96))


@pytest.mark.parametrize("size", [(0, 10), (2**16, 2**16)])
def test_an_impossible_image_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected an image"):
        polygons_to_mask([[0, 0, 5, 0, 5, 5]], *size)


@pytest.mark.parametrize("value", [float("inf"), 1e9])
def test_the_polygon_tool_refuses_absurd_points(value: float) -> None:
    with pytest.raises(ValueError, match="coordinates"):
        rasterise_polygon(np.array([[0, 0], [5, 0], [5, value]]))


def test_a_polygon_left_of_the_image_is_empty() -> None:
    assert rasterise_polygon(np.array([[-5.0, 0], [-1, 0], [-1, 9]])).is_empty
