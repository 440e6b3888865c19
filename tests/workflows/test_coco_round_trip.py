"""COCO -> project -> COCO gives back what came in, on real data."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.masks import Mask
from mrcnn_gui.project.edits import PaintMask
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.coco_import import import_coco
from mrcnn_gui.workflows.export_options import ExportOptions
from tests.helpers.data import shared_data
from tests.workflows.conftest import rectangle

SETS = ("animals", "balloon", "coco_mini", "household", "nuclei", "pennfudan")
ALL = ExportOptions(all_images=True)


def load(path: Path) -> dict[str, Any]:
    dataset: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return dataset


def by_id(records: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {record["id"]: record for record in records}


def as_text(value: Any) -> str:
    """Tells 1, 1.0 and true apart, which Python calls equal."""
    return json.dumps(value, sort_keys=True)


def part_of(name: str, path: Path, count: int = 12) -> dict[str, Any]:
    """Write some images of a set, spread over it, with their annotations."""
    dataset = load(shared_data(name) / "instances.json")
    images = dataset["images"][:: max(1, len(dataset["images"]) // count)]
    ids = {image["id"] for image in images}
    annotations = [each for each in dataset["annotations"] if each["image_id"] in ids]
    dataset |= {"images": images, "annotations": annotations}
    path.write_text(json.dumps(dataset), encoding="utf-8")
    return dataset


def imported(name: str, json_path: Path, folder: Path) -> Path:
    with Store.create(folder) as store:
        import_coco(store, json_path, shared_data(name) / "images")
    return folder


def assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        if key in ("images", "annotations", "categories"):
            assert len(found[key]) == len(value)
            records, others = by_id(found[key]), by_id(value)
            assert records.keys() == others.keys()
            for number, record in others.items():
                assert as_text(records[number]) == as_text(record)
        else:
            assert as_text(found[key]) == as_text(value)


@pytest.mark.parametrize("name", SETS)
def test_a_part_of_each_set_comes_back_equal(name: str, tmp_path: Path) -> None:
    dataset = part_of(name, tmp_path / "in.json")
    project = imported(name, tmp_path / "in.json", tmp_path / "project")
    report = export_coco(project, tmp_path / "out.json", ALL)
    assert report.problems == ()
    assert_equal(load(tmp_path / "out.json"), dataset)
    export_coco(project, tmp_path / "again.json", ALL)
    assert (tmp_path / "out.json").read_bytes() == (tmp_path / "again.json").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_each_set_comes_back_equal(name: str, tmp_path: Path) -> None:
    source = shared_data(name) / "instances.json"
    project = imported(name, source, tmp_path / "project")
    export_coco(project, tmp_path / "out.json", ALL)
    assert_equal(load(tmp_path / "out.json"), load(source))


@pytest.mark.parametrize("name", ["coco_mini", "nuclei"])
def test_an_edited_mask_changes_one_record_until_it_is_undone(name: str, tmp_path: Path) -> None:
    dataset = part_of(name, tmp_path / "in.json", count=4)
    project = imported(name, tmp_path / "in.json", tmp_path / "project")
    with Store.open(project) as store:
        document = store.load_document(1)
        history = History(store, document)
        edited = min(document.instances)
        mask: Mask = document.instances[edited].mask.xor(rectangle(0, 0, 3, 3))
        history.push(PaintMask(edited, rectangle(0, 0, 3, 3)))
        export_coco(project, tmp_path / "edited.json", ALL)
        history.undo()
    export_coco(project, tmp_path / "undone.json", ALL)
    assert_equal(load(tmp_path / "undone.json"), dataset)
    before = by_id(dataset["annotations"])
    after = by_id(load(tmp_path / "edited.json")["annotations"])
    record = after.pop(edited)
    assert after == {key: value for key, value in before.items() if key != edited}
    assert (record["area"], record["bbox"]) == (mask.area, list(mask.bbox_xywh))
