"""The forms of masks in an export, and its split into several files."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from core.masks import Mask, decode_rle
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.export_options import ExportOptions, MaskForm, Split
from tests.workflows.conftest import human, import_coco, rectangle, ring
from tests.workflows.test_coco_import import coco, write

DISC = Mask.from_bitmap(np.hypot(*(np.indices((41, 41)) - 20)) < 20, 3, 4)
PARTS = rectangle(0, 0, 3, 3).union(rectangle(3, 3, 4, 4))  # they touch at a corner
MASKS = (rectangle(5, 6, 7, 8), ring(20, 20, 12), PARTS, DISC)


@pytest.fixture
def drawn(project: Path) -> Path:
    """The masks on the first image, the donut also as a crowd."""
    with Store.open(project) as store:
        store.insert_instances(1, [human(store, mask) for mask in MASKS])
        store.insert_instances(1, [replace(human(store, MASKS[1]), is_crowd=True)])
    return project


def exported(project: Path, out: Path, **options: Any) -> tuple[Any, list[dict[str, Any]]]:
    report = export_coco(project, out, ExportOptions(all_images=True, **options))
    return report, json.loads(out.read_text())["annotations"]


@pytest.mark.parametrize(
    ("form", "kinds"),
    [
        (MaskForm.AS_IS, [list, dict, dict, list, dict]),
        (MaskForm.RLE, [dict] * 5),
        (MaskForm.POLYGONS, [list, dict, list, list, dict]),
        (MaskForm.KEYHOLE, [list] * 5),
    ],
)
def test_exact_forms_give_the_masks_back(
    drawn: Path, tmp_path: Path, form: MaskForm, kinds: list[type]
) -> None:
    _, records = exported(drawn, tmp_path / "out.json", masks=form)
    assert [type(record["segmentation"]) for record in records] == kinds
    loaded = COCO(str(tmp_path / "out.json"))
    masks = [decode_rle(loaded.annToRLE(record)) for record in records]
    assert masks == [*MASKS, MASKS[1]]
    assert [record["iscrowd"] for record in records] == [0, 0, 0, 0, 1]


def test_simplified_polygons_tell_their_cost(drawn: Path, tmp_path: Path) -> None:
    report, records = exported(drawn, tmp_path / "out.json", masks=MaskForm.SIMPLIFIED)
    loaded = COCO(str(tmp_path / "out.json"))
    simple = decode_rle(loaded.annToRLE(records[3]))
    assert simple != DISC
    assert (records[3]["area"], records[3]["bbox"]) == (simple.area, list(simple.bbox_xywh))
    cost = report.simplification
    assert cost.masks == 3  # the donuts stay run lengths
    assert cost.worst_iou == pytest.approx(simple.iou(DISC))
    assert cost.mean_iou == pytest.approx((2 + cost.worst_iou) / 3)
    assert cost.worst == "annotation 4 (0.png)"
    assert report.problems == ("annotation 2 (0.png): written as RLE, it has holes",)


def test_a_mask_of_very_many_parts_stays_run_lengths(project: Path, tmp_path: Path) -> None:
    noise = Mask.from_bitmap(np.indices((64, 64)).sum(axis=0) % 2)
    with Store.open(project) as store:
        store.insert_instances(1, [human(store, noise)])
    report, records = exported(project, tmp_path / "out.json", masks=MaskForm.KEYHOLE)
    assert isinstance(records[0]["segmentation"], dict)
    assert "2,048 parts" in report.problems[0]


@pytest.mark.parametrize("form", MaskForm)
def test_imported_records_change_only_where_the_form_asks_for_it(
    project: Path, tmp_path: Path, form: MaskForm
) -> None:
    dataset = coco()
    import_coco(project, write(tmp_path, dataset), tmp_path / "photos", ReviewStatus.DONE)
    _, (polygon, crowd) = exported(project, tmp_path / "out.json", masks=form)
    first = dataset["annotations"][0]
    changed = {key for key in first if polygon[key] != first[key]}
    assert changed == ({"segmentation"} if form is MaskForm.RLE else set())
    assert isinstance(crowd["segmentation"], list) == (form is MaskForm.KEYHOLE)


def split_names(project: Path, out: Path, split: Split) -> dict[str, list[str]]:
    report = export_coco(project, out, ExportOptions(all_images=True, split=split))
    return {
        file.path.name: [i["file_name"] for i in json.loads(file.path.read_text())["images"]]
        for file in report.files
    }


def test_files_by_the_sides_of_the_project(reviewed: Path, tmp_path: Path) -> None:
    assert split_names(reviewed, tmp_path / "out.json", Split.SIDES) == {
        "out_train.json": ["0.png", "1.png"],
        "out_undecided.json": ["3.png"],
        "out_val.json": ["2.png"],
    }
    assert not (tmp_path / "out.json").exists()


def test_files_by_folder(tmp_path: Path, photos: Path) -> None:
    for number, folder in enumerate(("train", "val", "val/deep")):
        (photos / folder).mkdir()
        (photos / f"{number}.png").rename(photos / folder / f"{number}.png")
    with Store.create(photos / ".mrcnn") as store:
        store.add_images(sorted(photos.rglob("*.png")))
    assert split_names(photos / ".mrcnn", tmp_path / "out.json", Split.FOLDER) == {
        "out.json": ["3.png"],
        "out_train.json": ["train/0.png"],
        "out_val.json": ["val/1.png", "val/deep/2.png"],
    }


def test_no_group_is_in_two_files(
    project: Path, tmp_path: Path, group: Callable[[Path, dict[int, str]], None]
) -> None:
    group(project, {1: "b", 2: "f", 3: "b", 4: "f"})
    files = split_names(project, tmp_path / "out.json", Split.GROUPS)
    assert sorted(n for names in files.values() for n in names) == [
        "0.png",
        "1.png",
        "2.png",
        "3.png",
    ]
    assert len(files) == 2
    for names in files.values():
        assert ("0.png" in names) == ("2.png" in names)
        assert ("1.png" in names) == ("3.png" in names)


@pytest.fixture
def group() -> Callable[[Path, dict[int, str]], None]:
    """Puts images into groups."""

    def put(project: Path, groups: dict[int, str]) -> None:
        with Store.open(project) as store, store.transaction():
            for image_id, name in groups.items():
                store._database.execute(
                    'UPDATE images SET "group" = ? WHERE id = ?', (name, image_id)
                )

    return put


def test_a_tolerance_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="tolerance above 0"):
        ExportOptions(tolerance=0)
