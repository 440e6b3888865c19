"""What a run learns from: done images, what is known of others, and nothing that judges."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.learning.dataset import CocoDetectionDataset
from core.learning.evaluate import evaluate
from core.masks import encode_rle
from mrcnn_gui.project.annotation import Region, RegionKind, ReviewStatus, Side
from mrcnn_gui.project.edits import AddRegion
from mrcnn_gui.project.history import History
from mrcnn_gui.project.sides import decided_side, side_by_content
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.grouping import group_by_folder
from mrcnn_gui.workflows.leaks import find_leaks, thumbnail
from mrcnn_gui.workflows.snapshot import Snapshot, freeze_snapshot
from tests.workflows.conftest import HEIGHT, WIDTH, human, rectangle

Read = Callable[[], tuple[Snapshot, dict[str, Any], dict[str, Any]]]


@pytest.fixture
def read(reviewed: Path, tmp_path: Path) -> Read:
    """Freezes the project: the snapshot, and what both files say."""

    def freeze() -> tuple[Snapshot, dict[str, Any], dict[str, Any]]:
        snapshot = freeze_snapshot(reviewed, tmp_path)
        train, val = (
            json.loads(path.read_text()) for path in (snapshot.train_json, snapshot.val_json)
        )
        return snapshot, train, val

    return freeze


def begin_fourth(store: Store, side: Side | None = Side.TRAIN) -> None:
    """An image in progress with one instance."""
    store.insert_instances(4, [human(store, rectangle(10, 10, 20, 20))])
    store.set_status(4, ReviewStatus.IN_PROGRESS)
    store.set_side(4, side)


def add_region(store: Store, image_id: int, kind: RegionKind) -> None:
    history = History(store, store.load_document(image_id))
    history.push(AddRegion(Region(store.new_region_id(), kind, rectangle(0, 0, 40, 30))))


def test_an_image_in_progress_teaches_what_is_labelled_on_it(reviewed: Path, read: Read) -> None:
    with Store.open(reviewed) as store:
        begin_fourth(store)
        add_region(store, 4, RegionKind.FINISHED)
        add_region(store, 1, RegionKind.IGNORE)
    snapshot, train, val = read()
    assert (snapshot.train_images, snapshot.partial_images) == (3, 1)
    first, second, fourth = train["images"]
    rle = dict(encode_rle(rectangle(0, 0, 40, 30), HEIGHT, WIDTH))
    assert (first["ignore"], fourth["finished"]) == ([rle], [rle])
    assert not {"finished", "ignore"} & second.keys()
    assert len(train["annotations"]) == 3
    assert [it["id"] for it in val["images"]] == [3]
    known = CocoDetectionDataset(snapshot.train_json, reviewed)[2][1]["known"]
    assert known is not None
    share = known.float().mean().item()
    expected = rectangle(0, 0, 40, 30).union(rectangle(10, 10, 20, 20)).area / (WIDTH * HEIGHT)
    assert share == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("side", [Side.VALIDATION, Side.TEST])
def test_an_image_in_progress_that_will_judge_does_not_teach(
    reviewed: Path, read: Read, side: Side
) -> None:
    with Store.open(reviewed) as store:
        begin_fourth(store, side)
    assert read()[0].partial_images == 0


@pytest.mark.parametrize("digits", ["00000000", "ffffffff"])
def test_before_its_side_is_decided_its_content_tells(
    reviewed: Path, read: Read, digits: str
) -> None:
    with Store.open(reviewed) as store:
        begin_fourth(store, None)
        store.update_image(4, content_hash=digits * 4)
        entry = store.image(4)
    assert decided_side(entry, entry.content_hash) is side_by_content(digits)
    assert read()[0].partial_images == (side_by_content(digits) is Side.TRAIN)


def test_an_image_to_do_does_not_teach(reviewed: Path, read: Read) -> None:
    with Store.open(reviewed) as store:
        begin_fourth(store)
        store.set_status(4, ReviewStatus.TODO)
    assert read()[0].train_images == 2


def test_ignored_regions_do_not_count_where_models_are_judged(reviewed: Path, read: Read) -> None:
    with Store.open(reviewed) as store:
        add_region(store, 3, RegionKind.IGNORE)
    snapshot, _, val = read()
    assert snapshot.val_instances == 1
    (ignored,) = val["images"][0]["ignore"]
    (truth,) = val["annotations"]
    wrong = {**truth, "segmentation": ignored, "score": 0.9, "bbox": [0, 0, 40, 30]}
    mask = rectangle(WIDTH // 4, HEIGHT // 4, WIDTH // 4, HEIGHT // 4)
    found = {**truth, "segmentation": encode_rle(mask, HEIGHT, WIDTH), "score": 0.5}
    metrics = evaluate(val, [wrong, found])
    assert (metrics.mask_ap, metrics.box_ap, metrics.instances) == pytest.approx((1, 1, 1))


def test_a_snapshot_is_known_by_its_hash(reviewed: Path, read: Read) -> None:
    digests = [read()[0].hash, read()[0].hash]
    with Store.open(reviewed) as store:
        store.insert_instances(1, [human(store, rectangle(0, 0, 5, 5))])
    digests.append(read()[0].hash)
    assert digests[0] == digests[1] != digests[2]


def test_a_near_copy_of_a_validation_image_is_not_trained_on(
    reviewed: Path, photos: Path, read: Read
) -> None:
    pixels = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8), (0, 0), 9
    )
    pixels = cv2.normalize(pixels, pixels, 0, 255, cv2.NORM_MINMAX)
    cv2.imwrite(str(photos / "2.png"), pixels)  # image 3 judges
    cv2.imwrite(str(photos / "0.png"), np.clip(pixels * 1.1, 0, 255).astype(np.uint8))
    snapshot, train, _ = read()
    assert [it["id"] for it in train["images"]] == [2]
    assert snapshot.leaks == ("0.png: nearly the same as 2.png, which is kept for validation",)


def test_copies_and_groups_stay_on_one_side(reviewed: Path, read: Read) -> None:
    with Store.open(reviewed) as store:
        for image_id in (1, 3):
            store.set_group(image_id, "patient 7")
        store.update_image(2, content_hash="ab" * 16)
        store.update_image(3, content_hash="ab" * 16)
    snapshot = read()[0]
    assert snapshot.train_images == 0
    assert "of the same group as 2.png" in snapshot.leaks[0]
    assert "the same image as 2.png" in snapshot.leaks[1]


def test_a_copy_of_a_test_image_is_not_trained_on(reviewed: Path, read: Read) -> None:
    with Store.open(reviewed) as store:
        store.set_side(4, Side.TEST)  # one that is still to do
        store.update_image(2, content_hash="ab" * 16)
        store.update_image(4, content_hash="ab" * 16)
    snapshot, train, _ = read()
    assert [it["id"] for it in train["images"]] == [1]
    assert snapshot.leaks[0] == "1.png: the same image as 3.png, which is kept for test"


def test_a_group_decides_the_side_of_its_images(project: Path) -> None:
    with Store.open(project) as store:
        for image_id in (1, 2, 3, 4):
            store.set_group(image_id, "a walk")
            store.set_status(image_id, ReviewStatus.DONE)
        assert len({entry.side for entry in store.images()}) == 1


def test_plain_images_resemble_nothing() -> None:
    grey = thumbnail(np.full((40, 60, 3), 90, dtype=np.uint8))
    assert not grey.any()
    assert find_leaks([], []).reasons == {}


def test_where_all_images_show_one_scene_none_is_left_out_but_it_is_said(read: Read) -> None:
    snapshot = read()[0]
    assert (snapshot.train_images, snapshot.leaks) == (2, ())
    assert snapshot.warning.startswith(
        "2 of 2 images to train on look nearly like images that are kept for validation: "
    )


def test_it_is_said_what_the_images_are_kept_for_that_others_resemble(
    reviewed: Path, read: Read
) -> None:
    with Store.open(reviewed) as store:
        store.set_side(4, Side.TEST)
    assert "kept for validation or test:" in read()[0].warning
    with Store.open(reviewed) as store:
        store.set_side(3, Side.TEST)
    assert "kept for test:" in read()[0].warning


def test_the_images_of_a_folder_become_a_group(project: Path) -> None:
    assert group_by_folder(project) == 1
    with Store.open(project) as store:
        assert {entry.group for entry in store.images()} == {".."}
    assert group_by_folder(project, groups=False) == 0
    with Store.open(project) as store:
        assert {entry.group for entry in store.images()} == {""}
