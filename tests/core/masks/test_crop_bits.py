import numpy as np
import pytest
from hypothesis import given

from core.masks import Mask
from core.masks.crop_bits import pack_crop, unpack_crop
from tests.core.masks.strategies import masks, quick

NOISE = Mask.from_bitmap(np.random.default_rng(0).random((700, 900)) < 0.5, 5, 7)
DISC = Mask.from_bitmap(np.hypot(*np.mgrid[-300:301, -300:301]) <= 300, 5, 7)


@quick
@given(masks())
def test_packed_crops_come_back(mask: Mask) -> None:
    assert np.array_equal(unpack_crop(pack_crop(mask.crop), *mask.crop.shape), mask.crop)
    assert Mask.from_packed(mask.packed, mask.bbox_xywh) == mask


@pytest.mark.parametrize("mask", [NOISE, DISC])
def test_large_masks_come_back_whatever_they_look_like(mask: Mask) -> None:
    packed = mask.packed
    again = Mask.from_packed(packed, mask.bbox_xywh)
    assert again == mask
    assert again.packed is packed
    assert len(packed) < mask.crop.size / 7.9  # a bit for each pixel at most


@pytest.mark.parametrize("data", [b"", b"xx", pack_crop(DISC.crop)[:-9], pack_crop(DISC.crop)])
def test_bytes_of_another_crop_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack_crop(data, 700, 900)
