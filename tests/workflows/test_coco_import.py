import gc
import json
import os
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pyvips

from core.formats.coco import CocoError
from core.masks import Mask
from mrcnn_gui.project.annotation import ReviewStatus, Source
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.history import History
from mrcnn_gui.project.import_table import ImportTable
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.import_report import Fate
from tests.workflows.conftest import HEIGHT, WIDTH, human, import_coco, rectangle, write_picture

SQUARE = [[10, 10, 30, 10, 30, 30, 10, 30]]


def coco(**changes: Any) -> dict[str, Any]:
    """A COCO dataset on 0.png and 1.png with a polygon, a crowd and an unknown field."""
    dataset: dict[str, Any] = {
        "images": [
            {"id": 7, "file_name": "0.png", "width": WIDTH, "height": HEIGHT},
            {"id": 9, "file_name": "1.png", "width": WIDTH, "height": HEIGHT},
        ],
        "categories": [{"id": 2, "name": "b"}, {"id": 40, "name": "c"}],
        "annotations": [
            {
                "id": 5,
                "image_id": 7,
                "category_id": 2,
                "segmentation": SQUARE,
                "area": 400.5,
                "bbox": [10, 10, 20, 20],
                "iscrowd": 0,
                "worker": "Zoë",
            },
            {
                "id": 6,
                "image_id": 7,
                "category_id": 40,
                "segmentation": {"size": [HEIGHT, WIDTH], "counts": [10, 6, WIDTH * HEIGHT - 16]},
                "iscrowd": 1,
            },
        ],
    }
    return dataset | changes


def write(folder: Path, dataset: dict[str, Any]) -> Path:
    path = folder / "instances.json"
    path.write_text(json.dumps(dataset))
    return path


def contents(project: Path) -> Any:
    with Store.open(project, read_only=True) as store:
        entries = store.images()
        return entries, store.categories(), [store.instances(entry.id) for entry in entries]


def test_a_problem_names_the_image_and_the_annotation_once(project: Path, tmp_path: Path) -> None:
    dataset = coco()
    dataset["annotations"][0]["segmentation"] = []
    report = import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    assert report.problems == (
        "0.png: annotation 5: it has no segmentation: kept without a mask (noted)",
    )


def test_images_categories_and_annotations_arrive(project: Path, tmp_path: Path) -> None:
    write_picture(tmp_path / "photos" / "late.png")
    dataset = coco()
    dataset["images"][1]["file_name"] = "late.png"
    progress: list[tuple[int, int]] = []
    report = import_coco(
        project,
        write(tmp_path, dataset),
        tmp_path / "photos",
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert (report.images, report.instances, report.categories) == (2, 2, 1)
    assert report.problems == ()
    assert progress[-1][0] == progress[-1][1]
    entries, categories, instances = contents(project)
    assert [(c.id, c.name) for c in categories] == [(1, "a"), (2, "b"), (40, "c")]
    assert [entry.path for entry in entries][-1] == "../late.png"
    assert [entry.status for entry in entries[:2]] == [ReviewStatus.IN_PROGRESS, ReviewStatus.TODO]
    square, crowd = instances[0]
    assert (square.category_id, square.mask.bbox_xywh) == (2, (10, 10, 20, 20))
    assert square.provenance.source is Source.IMPORTED
    assert json.loads(square.original)["worker"] == "Zoë"
    assert crowd.is_crowd
    assert crowd.mask.area == 6


def test_categories_match_by_name_and_a_taken_id_is_replaced(project: Path, tmp_path: Path) -> None:
    dataset = coco(categories=[{"id": 40, "name": "a"}, {"id": 2, "name": "new"}])
    import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    _, categories, instances = contents(project)
    names = {category.id: category.name for category in categories}
    assert names == {2: "new", 40: "a", 41: "b"}  # b was used nowhere: it makes way
    assert [names[instance.category_id] for instance in instances[0]] == ["new", "a"]


def test_the_status_is_given_to_every_image(project: Path, tmp_path: Path) -> None:
    import_coco(project, write(tmp_path, coco()), tmp_path / "photos", ReviewStatus.DONE)
    entries, _, _ = contents(project)
    assert [entry.status for entry in entries[:3]] == [
        ReviewStatus.DONE,
        ReviewStatus.DONE,
        ReviewStatus.TODO,
    ]
    assert entries[0].side is not None


def test_images_go_in_progress_and_those_with_edits_by_an_edit(
    project: Path, tmp_path: Path
) -> None:
    with Store.open(project) as store:
        history = History(store, store.load_document(2))
        history.push(AddInstance(human(store, rectangle(1, 1, 5, 5))))
        history.undo()
    dataset = coco()
    dataset["annotations"].append({**dataset["annotations"][0], "id": 8, "image_id": 9})
    import_coco(project, write(tmp_path, dataset), project.parent)
    with Store.open(project) as store:
        statuses = [entry.status for entry in store.images()]
        assert statuses == [ReviewStatus.IN_PROGRESS] * 2 + [ReviewStatus.TODO] * 2
        assert store.edit_log(1).titles() == []
        history = History(store, store.load_document(2))
        assert history.undo_title == "Mark as in progress"
        history.undo()
        assert store.image(2).status is ReviewStatus.TODO


def test_a_second_import_adds_nothing(project: Path, tmp_path: Path) -> None:
    path = write(tmp_path, coco())
    import_coco(project, path, tmp_path / "photos")
    report = import_coco(project, path, tmp_path / "photos")
    assert report.instances == 0
    assert report.problems == ("2 annotations are in the project already",)
    _, _, instances = contents(project)
    assert len(instances[0]) == 2


def test_what_cannot_be_used_is_left_out_and_reported(project: Path, tmp_path: Path) -> None:
    dataset = coco()
    (tmp_path / "photos" / "empty.png").touch()
    for image_id, name, width in ((20, "gone.png", 5), (21, "empty.png", 5), (22, "2.png", 5)):
        image = {"id": image_id, "file_name": name, "width": width, "height": 5}
        dataset["images"].append(image)
    for number, segmentation in enumerate(([], None, {"size": [1, 1], "counts": [1]}, [[1, 2]])):
        record = {"id": 50 + number, "image_id": 9, "category_id": 2, "segmentation": segmentation}
        dataset["annotations"].append(record)
    report = import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    assert (report.images, report.instances) == (2, 4)  # two of them without a mask
    text = "\n".join(report.problems)
    assert "gone.png" in text
    assert "empty.png: the file is empty" in text
    assert f"2.png: the file says 5 x 5, the upright image has {WIDTH} x {HEIGHT}" in text
    for number in range(4):
        assert f"annotation {50 + number}" in text


@pytest.mark.parametrize(
    "name",
    ["../out.png", "a/../../out.png", "/etc/hosts", "C:\\x.png", "..\\x.png", "http://x/y.png"],
)
def test_a_file_name_outside_the_folder_is_refused(
    project: Path, tmp_path: Path, name: str
) -> None:
    write_picture(tmp_path / "out.png")
    dataset = coco()
    dataset["images"][1]["file_name"] = name
    report = import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    assert (report.images, report.totals) == (1, {Fate.REFUSED: 1})
    assert "file_name" in report.problems[0]
    assert len(contents(project)[0]) == 4


def test_folders_in_file_names_may_be_written_either_way(project: Path, tmp_path: Path) -> None:
    write_picture(tmp_path / "photos" / "sub" / "ä b.png")
    dataset = coco()
    dataset["images"][0]["file_name"] = "sub\\ä b.png"
    import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    assert [entry.path for entry in contents(project)[0]][-1] == "../sub/ä b.png"


def test_sizes_are_compared_with_the_upright_image(project: Path, tmp_path: Path) -> None:
    stored = pyvips.Image.black(40, 20).copy()
    stored.set_type(pyvips.GValue.gint_type, "orientation", 6)
    stored.write_to_file(str(tmp_path / "photos" / "turned.jpg"))
    turned = {"id": 1, "file_name": "turned.jpg", "width": 20, "height": 40}
    dataset = coco(images=[turned], annotations=[])
    report = import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    assert (report.images, report.problems) == (1, ())


@pytest.mark.parametrize(
    ("segmentation", "why"),
    [
        ({"size": [10**9, 10**9], "counts": [10**18]}, r"RLE is for \[1000000000, 1000000000\]"),
        ([[10**400] * 6], "cannot be turned upright"),
    ],
)
def test_absurd_sizes_on_a_turned_image_are_refused_before_memory_is_taken(
    project: Path, tmp_path: Path, segmentation: object, why: str
) -> None:
    stored = pyvips.Image.black(40, 20).copy()
    stored.set_type(pyvips.GValue.gint_type, "orientation", 6)
    stored.write_to_file(str(tmp_path / "photos" / "turned.jpg"))
    dataset = coco(images=[{"id": 7, "file_name": "turned.jpg", "width": 40, "height": 20}])
    dataset["annotations"][0]["segmentation"] = segmentation
    report = import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    assert report.totals[Fate.REFUSED] == 2  # the other one is for an image of another size
    assert [line for line in report.lines if re.search(why, line.why)]


@pytest.mark.parametrize("annotations", ["none", "duplicates", "refused"])
def test_an_import_is_cancelled_while_nothing_of_it_is_new(
    project: Path, tmp_path: Path, annotations: str
) -> None:
    file = write(tmp_path, coco(**{"annotations": []} if annotations == "none" else {}))
    if annotations == "duplicates":
        import_coco(project, file, tmp_path / "photos")
    elif annotations == "refused":
        file = write(tmp_path, coco(categories=[{"id": 3, "name": "d"}]))
    before = contents(project)
    asked = 0

    def at_the_last_question() -> bool:
        nonlocal asked
        asked += 1
        return asked == (1 if annotations == "none" else 2)  # the first is about images

    report = import_coco(project, file, tmp_path / "photos", should_stop=at_the_last_question)
    assert report.cancelled
    assert contents(project) == before


def test_a_device_is_no_coco_file(project: Path, tmp_path: Path) -> None:
    with pytest.raises(CocoError, match="no regular file"):
        import_coco(project, Path(os.devnull), tmp_path / "photos")


def test_too_many_images_are_refused(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrcnn_gui.workflows.coco_header._MOST", 1)
    with pytest.raises(CocoError, match="more than 1 images"):
        import_coco(project, write(tmp_path, coco()), tmp_path / "photos")


def test_categories_never_change_places_with_annotations_on_them(
    project: Path, tmp_path: Path
) -> None:
    with Store.open(project) as store:
        store.insert_instances(1, [human(store, Mask.empty(), 2)])  # b cannot make way
    dataset = coco(categories=[{"id": 2, "name": "x"}, {"id": 3, "name": "y"}])
    dataset["annotations"][1]["category_id"] = 3
    import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    _, categories, instances = contents(project)
    names = {category.id: category.name for category in categories}
    assert (names[2], names[3]) == ("b", "y")
    assert [names[instance.category_id] for instance in instances[0]] == ["b", "x", "y"]


def test_the_id_of_a_removed_category_is_not_given_again(project: Path, tmp_path: Path) -> None:
    with Store.open(project) as store:
        store.add_category("gone", category_id=41)
        store.project_history.delete_category(41)
        store.project_history.delete_category(2)  # b
    dataset = coco(categories=[{"id": 2, "name": "x"}, {"id": 40, "name": "c"}])
    report = import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    names = {category.id: category.name for category in contents(project)[1]}
    assert names == {1: "a", 40: "c", 42: "x"}
    assert any("its id 2 is taken: 42 now" in problem for problem in report.problems)


def test_a_failure_leaves_the_project_as_it_was(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(project)

    def fail(*_: object) -> None:
        raise ProjectError("the disk is full")

    monkeypatch.setattr(ImportTable, "name_all", fail)
    with pytest.raises(ProjectError, match="disk is full"):
        import_coco(project, write(tmp_path, coco()), tmp_path / "photos")
    assert contents(project) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "holds a list"),
        ('{"images": 3}', "expected a list under 'images'"),
        ('{"annotations": []}', "has no 'images'"),
        ('{"info": ' + "[" * 100_000, "nested too deeply"),
        (f'{{"a": {"[" * 300 + "]" * 300}, {json.dumps(coco())[1:]}', "more than 200 levels"),
        (f'{{"a": {"9" * 5000}, {json.dumps(coco())[1:]}', "not JSON"),
    ],
)
def test_a_wrong_file_is_refused(project: Path, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(CocoError, match=message) as refused:
        import_coco(project, path, tmp_path / "photos")
    assert str(refused.value).count("wrong.json") <= 1


@pytest.mark.parametrize("is_on", [True, False])
def test_the_collection_of_cycles_is_as_it_was_before(
    project: Path, tmp_path: Path, is_on: bool
) -> None:
    was_on = gc.isenabled()
    (gc.enable if is_on else gc.disable)()
    try:
        import_coco(project, write(tmp_path, coco()), tmp_path / "photos")
        assert gc.isenabled() is is_on
        with pytest.raises(CocoError):
            import_coco(project, write(tmp_path, {}), tmp_path / "photos")
        assert gc.isenabled() is is_on
    finally:
        (gc.enable if was_on else gc.disable)()


def test_a_folder_without_these_images_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(ProjectError, match=r"no image of instances\.json can be used: .*0\.png"):
        import_coco(project, write(tmp_path, coco()), tmp_path / "other")
    with pytest.raises(ProjectError, match="is not a folder"):
        import_coco(project, write(tmp_path, coco()), tmp_path / "nowhere")


def test_of_two_images_with_one_file_name_the_second_is_refused(
    project: Path, tmp_path: Path
) -> None:
    dataset = coco()
    dataset["images"][1]["file_name"] = "0.png"
    report = import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    assert report.images == 1
    assert "images 7 and 9 have one file_name" in report.problems[0]


def test_a_record_that_json_cannot_hold_is_reported(project: Path, tmp_path: Path) -> None:
    dataset = coco()
    dataset["annotations"][0]["worker"] = float("nan")
    dataset["annotations"][1]["area"] = float("nan")  # can be computed
    report = import_coco(project, write(tmp_path, dataset), tmp_path / "photos")
    assert report.instances == 1
    assert "annotation 5: it has a number that JSON does not have" in report.problems[0]
    assert "its area nan is none: computed" in report.problems[1]


@pytest.mark.parametrize(
    ("kind", "channels"), [(np.uint8, 1), (np.uint16, 1), (np.uint8, 4), (np.uint8, 3)]
)
def test_every_kind_of_image_is_taken(
    project: Path, tmp_path: Path, kind: type[np.generic], channels: int
) -> None:
    pixels = np.zeros((1, 1, channels), dtype=kind)
    (tmp_path / "photos" / "odd.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    image = {"id": 1, "file_name": "odd.png", "width": 1, "height": 1}
    dataset = coco(images=[image], annotations=[])
    assert import_coco(project, write(tmp_path, dataset), tmp_path / "photos").problems == ()
