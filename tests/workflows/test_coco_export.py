import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from core.formats.coco import CocoError
from core.formats.coco_writing import write_dataset
from core.masks import Mask, decode_rle
from mrcnn_gui.project.annotation import ReviewStatus, Side, Suggestion
from mrcnn_gui.project.edits import PaintMask, SetAttributes, SetCategory
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.export_options import ExportOptions
from mrcnn_gui.workflows.snapshot import freeze_snapshot
from tests.workflows.conftest import HEIGHT, WIDTH, human, import_coco, rectangle, ring
from tests.workflows.test_coco_import import coco, write


def load(path: Path) -> dict[str, Any]:
    dataset: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return dataset


def test_done_images_are_exported_with_exact_masks(reviewed: Path, tmp_path: Path) -> None:
    two_parts = rectangle(0, 0, 3, 3).union(rectangle(50, 50, 4, 4))
    masks = [rectangle(5, 6, 7, 8), ring(20, 20, 12), two_parts, Mask.empty()]
    with Store.open(reviewed) as store:
        store.insert_instances(1, [human(store, mask, 2) for mask in masks])
        store.insert_instances(4, [human(store, masks[0])])  # to do: not exported
    report = export_coco(reviewed, tmp_path / "out.json")
    assert (report.images, report.instances) == (3, 6)
    assert report.problems == ("1 instance without a pixel was left out",)
    dataset = load(tmp_path / "out.json")
    assert [image["file_name"] for image in dataset["images"]] == ["0.png", "1.png", "2.png"]
    assert dataset["categories"] == [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    assert min(record["id"] for record in dataset["annotations"]) == 1
    loaded = COCO(str(tmp_path / "out.json"))
    records = loaded.loadAnns(loaded.getAnnIds(imgIds=[1], catIds=[2]))
    assert [decode_rle(loaded.annToRLE(record)) for record in records] == masks[:3]
    assert [type(record["segmentation"]) for record in records] == [list, dict, dict]
    assert [record["area"] for record in records] == [mask.area for mask in masks[:3]]
    assert records[0]["bbox"] == [5, 6, 7, 8]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
def test_an_image_whose_name_is_no_text_is_named(reviewed: Path, tmp_path: Path) -> None:
    copy = shutil.copy(reviewed.parent / "0.png", os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    with Store.open(reviewed) as store:
        (entry,) = store.add_images([Path(copy)])
        store.update_image(entry.id, width=WIDTH, height=HEIGHT)
        store.set_status(entry.id, ReviewStatus.DONE)
    report = export_coco(reviewed, tmp_path / "out.json")
    assert report.images == 3
    assert report.problems[0].isascii()
    assert "udcff.png': its name is not valid UTF-8" in report.problems[0]


def test_all_images_are_exported_on_demand(reviewed: Path, tmp_path: Path) -> None:
    report = export_coco(reviewed, tmp_path / "out.json", ExportOptions(all_images=True))
    assert report.images == 4


def test_suggestions_are_never_exported(reviewed: Path, tmp_path: Path) -> None:
    suggestion = Suggestion.of("a", 0.9, rectangle(60, 40, 9, 9), "starter")
    with Store.open(reviewed) as store, SuggestionStore(reviewed) as suggestions:
        suggestions.replace(store.image(1).content_hash, "starter", [suggestion])
    assert export_coco(reviewed, tmp_path / "out.json").instances == 3


def test_untouched_records_are_exported_as_they_came(project: Path, tmp_path: Path) -> None:
    dataset = coco()
    import_coco(project, write(tmp_path, dataset), tmp_path / "photos", ReviewStatus.DONE)
    export_coco(project, tmp_path / "out.json")
    exported = load(tmp_path / "out.json")
    gaps = {"area": 6, "bbox": [0, 10, 1, 6]}
    first, second = dataset["annotations"]
    assert exported["annotations"] == [first, second | gaps]


def test_a_polygon_that_would_crash_pycocotools_is_exported_anew(
    project: Path, tmp_path: Path
) -> None:
    dataset = coco()
    dataset["annotations"][0]["segmentation"] = [[10, 10, 1e9, 10, 1e9, 1e9]]
    import_coco(project, write(tmp_path, dataset), tmp_path / "photos", ReviewStatus.DONE)
    export_coco(project, tmp_path / "out.json")
    (polygon,) = load(tmp_path / "out.json")["annotations"][0]["segmentation"]
    assert max(polygon) <= WIDTH


@pytest.mark.parametrize(
    "edit",
    [
        PaintMask(5, rectangle(0, 0, 2, 2)),
        SetCategory(5, 2, 1),
        SetAttributes(5, {}, {"blurred": True}),
    ],
)
def test_an_edit_changes_its_own_record_alone_until_it_is_undone(
    project: Path, tmp_path: Path, edit: PaintMask | SetCategory | SetAttributes
) -> None:
    import_coco(project, write(tmp_path, coco()), tmp_path / "photos", ReviewStatus.DONE)
    with Store.open(project) as store:
        history = History(store, store.load_document(1))
        history.push(edit)
        export_coco(project, tmp_path / "edited.json")
        history.undo()
    export_coco(project, tmp_path / "undone.json")
    edited, undone = (load(tmp_path / f"{name}.json") for name in ("edited", "undone"))
    before, after = undone["annotations"][0], edited["annotations"][0]
    assert before == coco()["annotations"][0]
    assert edited["annotations"][1] == undone["annotations"][1]
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    if isinstance(edit, PaintMask):
        assert changed == {"segmentation", "area", "bbox"}
        assert (after["area"], after["bbox"]) == (404, [0, 0, 30, 30])
    else:
        assert changed == {"category_id" if isinstance(edit, SetCategory) else "attributes"}


def test_the_same_project_gives_the_same_bytes(reviewed: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in paths:
        export_coco(reviewed, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_file_names_start_from_the_common_folder(photos: Path, tmp_path: Path) -> None:
    with Store.create(tmp_path / "elsewhere" / "project") as store:
        store.add_images(sorted(photos.glob("*.png")))
    export_coco(
        tmp_path / "elsewhere" / "project", tmp_path / "out.json", ExportOptions(all_images=True)
    )
    images = load(tmp_path / "out.json")["images"]
    assert [image["file_name"] for image in images] == ["0.png", "1.png", "2.png", "3.png"]
    assert (images[0]["width"], images[0]["height"]) == (WIDTH, HEIGHT)  # read from the file


def test_an_empty_project_gives_an_empty_dataset(tmp_path: Path) -> None:
    Store.create(tmp_path / "project").close()
    report = export_coco(
        tmp_path / "project", tmp_path / "out.json", ExportOptions(all_images=True)
    )
    assert (report.images, report.instances) == (0, 0)
    assert COCO(str(tmp_path / "out.json")).getImgIds() == []


def test_a_removed_image_is_exported_if_its_size_is_known(
    reviewed: Path, photos: Path, tmp_path: Path
) -> None:
    (photos / "0.png").unlink()
    with Store.open(reviewed) as store:
        store.update_image(2, width=0, height=0)
    (photos / "1.png").unlink()
    report = export_coco(reviewed, tmp_path / "out.json")
    assert report.images == 2
    assert len(report.problems) == 1
    assert "1.png" in report.problems[0]


def test_an_export_removes_what_a_killed_one_left(reviewed: Path, tmp_path: Path) -> None:
    left = tmp_path / f".unfinished-{'a' * 32}.json"
    left.write_text("half")
    export_coco(reviewed, tmp_path / "out.json")
    assert left.exists()  # it may be another's, at work
    os.utime(left, (0, 0))
    export_coco(reviewed, tmp_path / "out.json")
    assert not left.exists()


def test_a_stopped_export_leaves_the_old_file(reviewed: Path, tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("old")
    answers = iter([False, True])
    report = export_coco(reviewed, tmp_path / "out.json", should_stop=lambda: next(answers))
    assert report.cancelled
    assert (tmp_path / "out.json").read_text() == "old"


def test_a_file_that_reads_back_wrong_never_replaces_the_old_one(
    reviewed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.json").write_text("old")

    def write_damaged(path: Path, rest: dict[str, Any], lists: dict[str, Iterable[str]]) -> None:
        texts = (text.replace("[[24,", "[[25,") for text in lists["annotations"])
        write_dataset(path, rest, {**lists, "annotations": texts})

    monkeypatch.setattr("mrcnn_gui.workflows.coco_export.write_dataset", write_damaged)
    with pytest.raises(CocoError, match="annotation 1 reads back with another mask"):
        export_coco(reviewed, tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"out.json", "photos"}


def test_a_place_that_cannot_be_written_is_named(reviewed: Path, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"cannot write .*out\.json: "):
        export_coco(reviewed, tmp_path / "nowhere" / "out.json")


def test_a_snapshot_splits_the_done_images_by_side(reviewed: Path, tmp_path: Path) -> None:
    with Store.open(reviewed) as store:
        crowd = replace(human(store, ring(0, 0, 9)), is_crowd=True)
        store.insert_instances(3, [crowd])
        assert store.image(3).side is Side.VALIDATION
    snapshot = freeze_snapshot(reviewed, tmp_path)
    assert (snapshot.train_images, snapshot.val_images, snapshot.val_instances) == (2, 1, 1)
    train, val = load(snapshot.train_json), load(snapshot.val_json)
    assert [Path(image["file_name"]).name for image in train["images"]] == ["0.png", "1.png"]
    assert all(Path(image["file_name"]).is_file() for image in train["images"] + val["images"])
    assert [record["image_id"] for record in val["annotations"]] == [3, 3]
    assert [category["name"] for category in train["categories"]] == ["a", "b"]


def test_a_snapshot_leaves_out_images_that_cannot_be_read(
    reviewed: Path, photos: Path, tmp_path: Path
) -> None:
    (photos / "0.png").write_bytes(b"")
    half = (photos / "2.png").read_bytes()[:2000]
    (photos / "2.png").write_bytes(half)  # its header can still be read
    snapshot = freeze_snapshot(reviewed, tmp_path)
    assert (snapshot.train_images, snapshot.val_images) == (1, 0)
    assert "0.png: the file is empty" in snapshot.problems[0]
    assert "2.png: " in snapshot.problems[1]
