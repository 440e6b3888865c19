import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from core.formats.coco import CocoError
from core.formats.coco_verification import ExpectedDataset, verify_coco
from core.masks import Mask, encode_rle
from tests.helpers.coco_records import annotation_record, segmentation_of

SIDE = 24
DONUT = np.ones((5, 6), dtype=np.bool_)
DONUT[2, 2:4] = False
MASK = Mask.from_bitmap(DONUT)


def record(mask: Mask, id: int = 1) -> dict[str, Any]:  # noqa: A002
    return annotation_record(id=id, image_id=1, category_id=90, mask=mask, height=SIDE, width=SIDE)


def write(path: Path, *annotations: dict[str, Any]) -> Path:
    image = {"id": 1, "file_name": "a.jpg", "width": SIDE, "height": SIDE}
    categories = [{"id": 90, "name": "toothbrush"}]
    content = {"images": [image], "categories": categories, "annotations": annotations}
    path.write_text(json.dumps(content))
    return path


def expected(*masks: Mask) -> ExpectedDataset:
    dataset = ExpectedDataset()
    dataset.images[1] = (SIDE, SIDE)
    for number, mask in enumerate(masks, 1):
        counts = "" if mask.is_empty else encode_rle(mask, SIDE, SIDE)["counts"]
        dataset.add(number, 1, 90, str(counts).encode())
    return dataset


def test_what_was_written_is_found(tmp_path: Path) -> None:
    verify_coco(write(tmp_path / "a.json", record(MASK)), expected(MASK))
    imported = {**record(MASK), "area": 0.5, "bbox": [0, 0, 1, 1]}  # keeps its own
    verify_coco(write(tmp_path / "a.json", imported), expected(MASK))


def test_every_difference_is_found(tmp_path: Path) -> None:
    path, good = tmp_path / "a.json", record(MASK)
    moved = segmentation_of(MASK.shift(1, 0), SIDE, SIDE)
    for wrong, reason in (
        ([{**good, "segmentation": moved}], "annotation 1 reads back with another mask"),
        ([{**good, "category_id": 91}], "another mask, image or category"),
        ([{**good, "id": 2}], "annotation 1 is missing"),
        ([], "0 annotations, expected 1"),
        ([good, {**good, "id": 2}], "2 annotations, expected 1"),
    ):
        with pytest.raises(CocoError, match=reason):
            verify_coco(write(path, *wrong), expected(MASK))
    path.write_text("{")
    with pytest.raises(CocoError, match="cannot be read again"):
        verify_coco(path, expected())


def test_it_prints_nothing_and_lets_others_print(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(COCO):  # type: ignore[misc]
        def createIndex(self) -> None:
            sys.stdout.write("another thread\n")
            super().createIndex()

    monkeypatch.setattr("core.formats.coco_verification.COCO", Interrupted)
    path = write(tmp_path / "a.json", record(MASK), record(Mask.empty(), id=2))
    verify_coco(path, expected(MASK, Mask.empty()))
    assert capsys.readouterr().out == "another thread\n"
