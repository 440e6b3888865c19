import numpy as np
import pytest
from hypothesis import given

from core.masks import Mask
from mrcnn_gui.project.crop_bits import pack_crop, unpack_crop
from mrcnn_gui.project.value_json import mask_from_json, mask_to_json
from tests.core.masks.strategies import masks, quick

NOISE = Mask.from_bitmap(np.random.default_rng(0).random((700, 900)) < 0.5, 5, 7)
DISC = Mask.from_bitmap(np.hypot(*np.mgrid[-300:301, -300:301]) <= 300, 5, 7)


@quick
@given(masks())
def test_packed_crops_come_back(mask: Mask) -> None:
    assert np.array_equal(unpack_crop(pack_crop(mask), *mask.crop.shape), mask.crop)


@pytest.mark.parametrize(("mask", "form"), [(NOISE, "bits"), (DISC, "counts")])
def test_large_masks_come_back_whatever_they_look_like(mask: Mask, form: str) -> None:
    assert np.array_equal(unpack_crop(pack_crop(mask), *mask.crop.shape), mask.crop)
    record = mask_to_json(mask)
    assert form in record
    assert mask_from_json(record) == mask
    assert len(record[form]) < mask.crop.size / 5.9  # base64 of a bit for each pixel at most


@pytest.mark.parametrize("data", [b"", b"xx", pack_crop(DISC)[:-9], pack_crop(DISC)])
def test_bytes_of_another_crop_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack_crop(data, 700, 900)
