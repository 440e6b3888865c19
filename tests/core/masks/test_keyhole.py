import numpy as np
import pycocotools.mask as coco_mask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.masks import Mask, decode_rle, mask_to_rings
from core.masks.keyhole import is_hole, keyhole_rings
from core.masks.simplify import simplify_ring


def filled(rings: list[np.ndarray], height: int, width: int) -> Mask:
    flat = [ring.reshape(-1).tolist() for ring in rings]
    return decode_rle(coco_mask.merge(coco_mask.frPyObjects(flat, height, width)))


@given(
    arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.booleans()),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_keyholes_give_the_mask_back(bitmap: np.ndarray, x: int, y: int) -> None:
    mask = Mask.from_bitmap(bitmap, x, y)
    if mask.is_empty:
        assert keyhole_rings(mask) == []
        return
    right, bottom = mask.box_xyxy[2:]
    rings = keyhole_rings(mask)
    assert filled(rings, bottom, right) == mask
    assert len(rings) == sum(not is_hole(ring) for ring in mask_to_rings(mask))


def test_a_donut_in_a_donut_is_two_rings() -> None:
    distance = np.abs(np.indices((21, 21)) - 10).max(axis=0)
    mask = Mask.from_bitmap((distance // 2) % 2 == 0)  # nested squares
    rings = keyhole_rings(mask)
    assert filled(rings, 21, 21) == mask
    assert len(rings) == 3


def test_holes_may_hang_on_holes() -> None:
    bitmap = np.ones((40, 9), dtype=bool)
    bitmap[1:-1:2, 4] = False  # each below the other
    mask = Mask.from_bitmap(bitmap)
    (ring,) = keyhole_rings(mask)
    assert filled([ring], 40, 9) == mask


@pytest.mark.parametrize("tolerance", [0.5, 1.0, 3.0])
def test_corners_that_are_left_out_lie_near(tolerance: float) -> None:
    disc = Mask.from_bitmap(np.hypot(*(np.indices((81, 81)) - 40)) < 40)
    (ring,) = mask_to_rings(disc)
    simple = simplify_ring(ring, tolerance)
    assert len(simple) < len(ring)
    starts, ends = simple.astype(float), np.roll(simple, -1, axis=0).astype(float)
    along = ends - starts
    offsets = ring[:, None] - starts
    share = np.clip((offsets * along).sum(-1) / (along**2).sum(-1), 0, 1)
    distances = np.linalg.norm(offsets - share[..., None] * along, axis=-1).min(axis=1)
    assert distances.max() <= tolerance + 1e-6


def test_a_ring_that_would_vanish_stays() -> None:
    (ring,) = mask_to_rings(Mask.from_bitmap(np.ones((1, 1))))
    assert np.array_equal(simplify_ring(ring, 50.0), ring)
