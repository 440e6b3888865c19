import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from pycocotools.coco import COCO

from core.formats.coco import (
    CocoAnnotation,
    CocoError,
    annotation_mask,
    read_coco,
)
from core.masks import Mask, mask_to_rings
from tests.core.masks.strategies import masks, pycocotools_decode, quick
from tests.helpers.coco_records import annotation_record, segmentation_of
from tests.helpers.data import shared_data

SETS = ["coco_mini", "animals", "household", "balloon", "pennfudan", "nuclei"]
SIDE = 24
DONUT = np.ones((5, 6), dtype=np.bool_)
DONUT[2, 2:4] = False


def annotation(segmentation: Any, is_crowd: bool = False) -> CocoAnnotation:
    return CocoAnnotation(7, 1, 1, segmentation, None, is_crowd, {})


def dataset(*annotations: dict[str, Any]) -> dict[str, Any]:
    return {
        "info": {"year": 2024},
        "images": [{"id": 1, "file_name": "ü.jpg", "width": SIDE, "height": SIDE, "extra": [1]}],
        "categories": [{"id": 90, "name": "toothbrush"}],
        "annotations": list(annotations),
    }


def record(mask: Mask) -> dict[str, Any]:
    return annotation_record(id=1, image_id=1, category_id=90, mask=mask, height=SIDE, width=SIDE)


@quick
@given(masks())
def test_a_mask_comes_back_from_its_segmentation(mask: Mask) -> None:
    inside = mask.clip(SIDE, SIDE)
    segmentation = json.loads(json.dumps(segmentation_of(mask, SIDE, SIDE)))
    assert isinstance(segmentation, list) == (len(mask_to_rings(inside)) == 1)
    assert annotation_mask(annotation(segmentation), SIDE, SIDE) == inside


@pytest.mark.parametrize("name", SETS)
def test_real_annotations_are_what_pycocotools_reads(name: str) -> None:
    path = shared_data(name) / "instances.json"
    found, coco = read_coco(path), COCO(str(path))
    sizes = {image.id: (image.height, image.width) for image in found.images}
    assert len(found.annotations) == len(coco.anns)
    for entry in found.annotations[:: max(1, len(found.annotations) // 50)]:
        size = sizes[entry.image_id]
        mask = annotation_mask(entry, *size)
        expected = pycocotools_decode(coco.annToRLE(coco.anns[entry.id]))
        assert np.array_equal(mask.to_bitmap(*size), expected)
        assert annotation_mask(annotation(segmentation_of(mask, *size)), *size) == mask


def test_unknown_fields_and_keys_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    source = dataset({**record(Mask.from_bitmap(DONUT)), "attributes": {"occluded": True}})
    path.write_text(json.dumps(source))
    found = read_coco(path)
    assert found.rest == {"info": {"year": 2024}}
    assert found.images[0].record == source["images"][0]
    assert found.annotations[0].record == source["annotations"][0]
    assert found.annotations[0].bbox == (0.0, 0.0, 6.0, 5.0)
    assert found.categories[0].id == 90


def test_characters_that_json_escapes_in_pairs_are_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(dataset() | {"info": "\U0001f388"}))
    assert "ud83c" in path.read_text()
    assert read_coco(path).rest["info"] == "\U0001f388"


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(dataset()), encoding="utf-8-sig")
    assert read_coco(path).images[0].file_name == "ü.jpg"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a JSON file"),
        ('{"images": [', "not a JSON file"),
        ("[" * 100_000, "not a JSON file"),
        ("[]", "holds a list"),
        ("3", "no 'images'"),
        ('{"shapes": []}', "no 'images'"),
        ('{"images": {}}', "'images' must be a list of objects"),
        ('{"images": [], "annotations": [1]}', "'annotations' must be a list of objects"),
    ],
)
def test_what_is_no_coco_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(CocoError, match=reason):
        read_coco(path)


def test_a_missing_file_and_another_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CocoError, match="No such file"):
        read_coco(tmp_path / "none.json")
    (tmp_path / "a.json").write_bytes(b'{"images": "\xff"}')
    with pytest.raises(CocoError, match="not a JSON file"):
        read_coco(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("key", "change", "reason"),
    [
        (
            "images",
            {"width": None},
            r"images\[0\]: 'width' must be a whole number of 64 bits, got None",
        ),
        ("images", {"height": 0}, r"images\[0\]: expected a size of 1 x 1"),
        ("images", {"id": "1"}, "'id' must be a whole number of 64 bits, got '1'"),
        ("images", {"file_name": ""}, "'file_name' must be a text"),
        ("images", {"file_name": "a\0.jpg"}, "'file_name' must be a text"),
        ("images", {"id": 2**63}, "'id' must be a whole number of 64 bits"),
        ("images", {"file_name": "\ud800.jpg"}, "surrogates not allowed"),
        ("categories", {"name": 3}, r"categories\[0\]: 'name' must be a text, got 3"),
        ("annotations", {"id": True}, "'id' must be a whole number of 64 bits, got True"),
        ("annotations", {"image_id": 5}, "annotation 1: no image 5"),
        ("annotations", {"category_id": 5}, "annotation 1: no category 5"),
        ("annotations", {"iscrowd": 2}, "iscrowd must be 0 or 1, got 2"),
        ("annotations", {"segmentation": "text"}, "polygons or an RLE"),
        ("annotations", {"area": "9"}, "area must be a number, got '9'"),
        ("annotations", {"bbox": [1, 2, 3]}, "bbox must be four numbers"),
        ("annotations", {"bbox": [1, 2, 3, "4"]}, "bbox must be four numbers"),
        ("annotations", {"bbox": [1, 2, 3, 10**400]}, "bbox must be four numbers"),
        ("annotations", {"note": ["\udcff"]}, "surrogates not allowed"),
    ],
)
def test_a_wrong_record_is_named(
    tmp_path: Path, key: str, change: dict[str, Any], reason: str
) -> None:
    source = dataset(record(Mask.from_bitmap(DONUT)))
    source[key][0].update(change)
    (tmp_path / "a.json").write_text(json.dumps(source))
    with pytest.raises(CocoError, match=reason):
        read_coco(tmp_path / "a.json")


@pytest.mark.parametrize("key", ["images", "categories", "annotations"])
def test_an_id_used_twice_is_refused(tmp_path: Path, key: str) -> None:
    source = dataset(record(Mask.from_bitmap(DONUT)))
    source[key] *= 2
    (tmp_path / "a.json").write_text(json.dumps(source))
    with pytest.raises(CocoError, match=f"two records have the {key[:5]}.* id"):
        read_coco(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        (None, "no segmentation"),
        ([], "no segmentation"),
        ([[1, 2, 3, 4]], "three points"),
        ([1, 2, 3, 4, 5, 6], "polygon"),
        ([[1, 2, 3, 4, 5, float("nan")]], "finite"),
        ([["x"] * 6], "numbers"),
        ([[10**400] * 6], "numbers"),
        ({"size": [10**9, 10**9], "counts": [0, 10**18]}, r"its image is \[24, 24\]"),
        ({"counts": "4"}, "lacks 'size'"),
        ({"size": [SIDE, SIDE], "counts": [3]}, "add up to 3"),
        ({"size": [1, 4], "counts": [4]}, r"for \[1, 4\], its image is \[24, 24\]"),
    ],
)
def test_a_broken_segmentation_is_named(segmentation: Any, reason: str) -> None:
    with pytest.raises(CocoError, match=f"annotation 7.*{reason}"):
        annotation_mask(annotation(segmentation), SIDE, SIDE)
