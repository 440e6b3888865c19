import json
import sys
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
    annotation_record,
    read_coco,
    segmentation_of,
    verify_coco,
    write_coco,
)
from core.masks import Mask, mask_to_rings
from tests.core.masks.strategies import masks, pycocotools_decode, quick
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


def record(mask: Mask, id: int = 1, is_crowd: bool = False) -> dict[str, Any]:  # noqa: A002
    return annotation_record(
        id=id, image_id=1, category_id=90, mask=mask, height=SIDE, width=SIDE, is_crowd=is_crowd
    )


@quick
@given(masks())
def test_a_mask_comes_back_from_its_segmentation(mask: Mask) -> None:
    inside = mask.clip(SIDE, SIDE)
    segmentation = json.loads(json.dumps(segmentation_of(mask, SIDE, SIDE)))
    assert isinstance(segmentation, list) == (len(mask_to_rings(inside)) == 1)
    assert annotation_mask(annotation(segmentation), SIDE, SIDE) == inside


@quick
@given(masks())
def test_area_and_box_are_those_of_the_mask(mask: Mask) -> None:
    inside, made = mask.clip(SIDE, SIDE), record(mask)
    assert (made["area"], tuple(made["bbox"])) == (inside.area, inside.bbox_xywh)
    assert (made["iscrowd"], made["image_id"], made["category_id"]) == (0, 1, 90)


def test_a_crowd_is_always_run_lengths() -> None:
    made = record(Mask.from_bitmap(np.ones((3, 3))), is_crowd=True)
    assert made["iscrowd"] == 1
    assert made["segmentation"]["size"] == [SIDE, SIDE]


def test_an_id_below_one_is_refused() -> None:
    with pytest.raises(CocoError, match="start at 1, got 0"):
        record(Mask.empty(), id=0)


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


@pytest.mark.parametrize("name", ["balloon", "pennfudan"])
def test_a_real_set_survives_export_and_verification(name: str, tmp_path: Path) -> None:
    found = read_coco(shared_data(name) / "instances.json")
    sizes = {image.id: (image.height, image.width) for image in found.images}
    masks_by_id = {
        entry.id: annotation_mask(entry, *sizes[entry.image_id]) for entry in found.annotations[:40]
    }
    records = [
        annotation_record(
            id=entry.id,
            image_id=entry.image_id,
            category_id=entry.category_id,
            mask=masks_by_id[entry.id],
            height=sizes[entry.image_id][0],
            width=sizes[entry.image_id][1],
        )
        for entry in found.annotations[:40]
    ]
    path = tmp_path / "out.json"
    images = [image.record for image in found.images]
    categories = [category.record for category in found.categories]
    write_coco(path, {"images": images, "categories": categories, "annotations": records})
    verify_coco(path, masks_by_id.items())
    again = read_coco(path)
    assert [image.record for image in again.images] == images
    assert [entry.record for entry in again.annotations] == records


def test_unknown_fields_and_keys_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    source = dataset({**record(Mask.from_bitmap(DONUT)), "attributes": {"occluded": True}})
    write_coco(path, source)
    found = read_coco(path)
    assert found.rest == {"info": {"year": 2024}}
    assert found.images[0].record == source["images"][0]
    assert found.annotations[0].record == source["annotations"][0]
    assert found.annotations[0].bbox == (0.0, 0.0, 6.0, 5.0)
    assert found.categories[0].id == 90


def test_the_same_dataset_gives_the_same_bytes_and_names_stay_readable(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write_coco(tmp_path / name, dataset(record(Mask.from_bitmap(DONUT))))
    data = (tmp_path / "a.json").read_bytes()
    assert data == (tmp_path / "b.json").read_bytes()
    assert "ü.jpg".encode() in data


@pytest.mark.parametrize("value", [float("nan"), np.int64(3)])
def test_what_json_cannot_hold_is_refused_and_the_old_file_stays(
    tmp_path: Path, value: object
) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(CocoError, match=r"cannot write a\.json"):
        write_coco(path, {"images": [{"id": value}]})
    assert path.read_text() == "old"


def test_characters_that_json_escapes_in_pairs_are_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(dataset() | {"info": "\U0001f388"}))
    assert "ud83c" in path.read_text()
    assert read_coco(path).rest["info"] == "\U0001f388"


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(dataset()), encoding="utf-8-sig")
    assert read_coco(path).images[0].file_name == "ü.jpg"


def test_verification_finds_every_difference(tmp_path: Path) -> None:
    path, mask = tmp_path / "a.json", Mask.from_bitmap(DONUT)
    other = mask.shift(1, 0)
    good = record(mask)
    for wrong, reason in (
        ({**good, "segmentation": segmentation_of(other, SIDE, SIDE)}, "another mask"),
        ({**good, "id": 2}, "annotation 1 is missing"),
    ):
        write_coco(path, dataset(wrong))
        with pytest.raises(CocoError, match=reason):
            verify_coco(path, [(1, mask)])
    write_coco(path, dataset({**good, "area": 0.5, "bbox": [0, 0, 1, 1]}))
    verify_coco(path, [(1, mask)])  # an imported record keeps its own
    write_coco(path, dataset(good, {**good, "id": 2}))
    with pytest.raises(CocoError, match="2 annotations, expected 1"):
        verify_coco(path, [(1, mask)])
    path.write_text("{")
    with pytest.raises(CocoError, match="cannot load"):
        verify_coco(path, [])


def test_verification_prints_nothing_and_lets_others_print(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(COCO):  # type: ignore[misc]
        def createIndex(self) -> None:
            sys.stdout.write("another thread\n")
            super().createIndex()

    monkeypatch.setattr("core.formats.coco.COCO", Interrupted)
    path, mask = tmp_path / "a.json", Mask.from_bitmap(DONUT)
    write_coco(path, dataset(record(mask), record(Mask.empty(), id=2)))
    verify_coco(path, [(1, mask), (2, Mask.empty())])
    assert capsys.readouterr().out == "another thread\n"


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
