import json
from typing import Any

import numpy as np
import pycocotools.mask as coco_mask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.masks import Mask, canonical_counts, decode_rle, encode_rle
from core.masks.rle import _compress, _decompress
from tests.core.masks.strategies import bitmaps, masks, pycocotools_decode, quick
from tests.helpers.data import shared_data

# pycocotools keeps six characters for each number and forgets the end of the text: of four numbers
# that take six it writes beyond its memory.
LONG = st.lists(st.integers(0, 2**27), max_size=3)


def reference(bitmap: NDArray[np.bool_]) -> dict[str, Any]:
    rle: dict[str, Any] = coco_mask.encode(np.asfortranarray(bitmap.astype(np.uint8)))
    return rle


def list_counts(bitmap: NDArray[np.bool_]) -> list[int]:
    """Run by run, as slowly as the format's description says it."""
    counts, current = [0], False
    for pixel in bitmap.T.reshape(-1).tolist():
        if pixel != current:
            counts.append(0)
            current = pixel
        counts[-1] += 1
    return counts


@quick
@given(bitmaps())
def test_bytes_are_those_of_pycocotools(bitmap: NDArray[np.bool_]) -> None:
    rle = encode_rle(Mask.from_bitmap(bitmap), *bitmap.shape)
    assert rle == {
        "size": list(bitmap.shape),
        "counts": reference(bitmap)["counts"].decode("ascii"),
    }


@quick
@given(bitmaps())
def test_every_form_decodes_to_the_same_mask(bitmap: NDArray[np.bool_]) -> None:
    mask, size = Mask.from_bitmap(bitmap), list(bitmap.shape)
    assert decode_rle(encode_rle(mask, *bitmap.shape)) == mask
    assert decode_rle(reference(bitmap)) == mask  # type: ignore[arg-type]  # counts as bytes
    assert decode_rle({"size": size, "counts": list_counts(bitmap)}) == mask


@quick
@given(masks(), st.integers(1, 12), st.integers(1, 12))
def test_pixels_outside_the_image_are_left_out(mask: Mask, height: int, width: int) -> None:
    assert decode_rle(encode_rle(mask, height, width)) == mask.clip(width, height)


@quick
@given((st.lists(st.integers(0, 2**23), max_size=20) | LONG).filter(any))
def test_numbers_of_any_length_are_written_as_pycocotools_writes_them(counts: list[int]) -> None:
    theirs = coco_mask.frPyObjects({"size": [1, sum(counts)], "counts": counts}, 1, sum(counts))
    written = _compress(np.array(counts))
    assert written.encode("ascii") == theirs["counts"]
    assert _decompress(theirs["counts"]).tolist() == counts


def test_a_huge_image_costs_only_the_object() -> None:
    corner = Mask.from_bitmap(np.ones((3, 2), dtype=np.bool_), 60_000, 50_000)
    rle = encode_rle(corner, 65_000, 65_000)
    assert coco_mask.area({"size": rle["size"], "counts": str(rle["counts"]).encode()}) == 6
    assert decode_rle(rle) == corner


@quick
@given(bitmaps(), st.data())
def test_run_lengths_become_canonical_whatever_they_look_like(
    bitmap: NDArray[np.bool_], data: st.DataObject
) -> None:
    counts = list_counts(bitmap)
    for _ in range(data.draw(st.integers(0, 4))):  # a run in two, with an empty one between them
        place = data.draw(st.integers(0, len(counts) - 1))
        first = data.draw(st.integers(0, counts[place]))
        counts[place : place + 1] = [first, 0, counts[place] - first]
    found = canonical_counts({"size": list(bitmap.shape), "counts": counts})
    assert found == reference(bitmap)["counts"]
    compressed = _compress(np.array(counts))
    assert canonical_counts({"size": list(bitmap.shape), "counts": compressed}) == found


def test_runs_of_a_huge_image_become_canonical_without_the_image() -> None:
    side = 46_000  # a bitmap would take 2 GB
    rle: Any = {"size": [side, side], "counts": [5, 0, 5, side * side - 20, 10]}
    found = canonical_counts(rle)
    assert found == _compress(np.array([10, side * side - 20, 10])).encode()


def test_runs_of_zero_length_within_are_joined() -> None:
    assert decode_rle({"size": [2, 3], "counts": [1, 1, 0, 2, 2]}) == Mask.from_bitmap(
        np.array([[0, 1, 0], [1, 1, 0]])
    )


@pytest.mark.parametrize(
    ("rle", "reason"),
    [
        ({"size": [2, 2], "counts": [1, 2]}, "add up to 3, expected 2 x 2 = 4"),
        ({"size": [2, 2], "counts": []}, "add up to 0"),
        ({"size": [2, 2], "counts": ""}, "add up to 0"),
        ({"size": [2, 2], "counts": [5, -1]}, "negative: -1"),
        ({"size": [2, 2], "counts": [2.0, 2.0]}, "whole numbers"),
        ({"size": [2, 2], "counts": ["2", "2"]}, "whole numbers"),
        ({"size": [2, 2], "counts": [[2, 2]]}, "whole numbers"),
        ({"size": [2, 2], "counts": [2**80]}, "whole numbers"),
        ({"size": [2, 2], "counts": [2**62, 2**62, 2**62, 2**62 + 4]}, "add up to"),
        ({"size": [2, 2], "counts": "é"}, "not ASCII"),
        ({"size": [2, 2], "counts": "2 2"}, "no COCO writer uses"),
        ({"size": [2, 2], "counts": "T"}, "cut off"),
        ({"size": [2, 2], "counts": "o" * 14 + "0"}, "too large"),
        ({"size": [2, 2], "counts": 4}, "text or a list"),
        ({"size": [2, 2]}, "text or a list"),
        ({"counts": "4"}, "size"),
        ({"size": [2], "counts": "4"}, "size"),
        ({"size": 4, "counts": "4"}, "size"),
        ({"size": [2.5, 2], "counts": "5"}, "whole numbers"),
        ({"size": [-2, -2], "counts": "4"}, "negative"),
    ],
)
def test_broken_run_lengths_say_what_is_wrong(rle: Any, reason: str) -> None:
    for read in (decode_rle, canonical_counts):
        with pytest.raises(ValueError, match=reason):
            read(rle)


@pytest.mark.parametrize("name", ["household", "pennfudan", "nuclei", "coco_mini"])
def test_real_run_lengths_decode_and_round_trip(name: str) -> None:
    dataset = json.loads((shared_data(name) / "instances.json").read_text())
    found = [a for a in dataset["annotations"] if isinstance(a["segmentation"], dict)]
    for annotation in found[:: max(1, len(found) // 60)]:
        rle = annotation["segmentation"]
        height, width = rle["size"]
        compressed = coco_mask.frPyObjects(rle, height, width) if _is_list(rle) else rle
        mask = decode_rle(rle)
        assert mask.area == coco_mask.area(compressed)
        assert list(mask.bbox_xywh) == coco_mask.toBbox(compressed).tolist()
        assert np.array_equal(mask.to_bitmap(height, width), pycocotools_decode(compressed))
        assert encode_rle(mask, height, width)["counts"] == _text(compressed["counts"])
    assert found


def _is_list(rle: dict[str, Any]) -> bool:
    return isinstance(rle["counts"], list)


def _text(counts: str | bytes) -> str:
    return counts.decode("ascii") if isinstance(counts, bytes) else counts
