import json
from pathlib import Path

import pytest

from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.sides import side_by_name
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.holding_out import HeldOut, give_back, hold_out, keep_for_test
from mrcnn_gui.workflows.snapshot import freeze_snapshot
from tests.workflows.conftest import human, rectangle

REFUSED = ("3.png is not new: a version may have learned from it already",)


def hold_last(store: Store) -> HeldOut:
    return hold_out(store, [store.image(4)])


def sides(store: Store, *image_ids: int) -> list[Side | None]:
    return [store.image(number).side for number in image_ids]


def names(path: Path) -> set[str]:
    return {Path(it["file_name"]).name for it in json.loads(path.read_text())["images"]}


def test_a_test_image_neither_trains_nor_judges(reviewed: Path, tmp_path: Path) -> None:
    assert keep_for_test(reviewed, "3.png") == HeldOut(1, ())
    with Store.open(reviewed) as store:
        store.insert_instances(4, [human(store, rectangle(0, 0, 9, 9))])
        for status in (ReviewStatus.IN_PROGRESS, ReviewStatus.DONE):
            store.set_status(4, status)
            assert sides(store, 4) == [Side.TEST]
            snapshot = freeze_snapshot(reviewed, tmp_path)
            assert names(snapshot.train_json) == {"0.png", "1.png"}
            assert names(snapshot.val_json) == {"2.png"}
    assert keep_for_test(reviewed, "3.png") == HeldOut(1, ())  # again: it stays


def test_what_teaches_or_judges_is_refused(reviewed: Path) -> None:
    held = keep_for_test(reviewed, "*.png")
    assert held.images == 1
    assert [it.partition(" ")[0] for it in held.problems] == ["0.png", "1.png", "2.png"]
    with Store.open(reviewed) as store:
        assert sides(store, 1, 2, 3, 4) == [Side.TRAIN, Side.TRAIN, Side.VALIDATION, Side.TEST]
    with pytest.raises(ProjectError, match="no image matches"):
        keep_for_test(reviewed, "*.gif")


def test_an_image_in_progress_is_refused_as_it_teaches(reviewed: Path) -> None:
    with Store.open(reviewed) as store:
        store.set_status(4, ReviewStatus.IN_PROGRESS)
        assert hold_last(store) == HeldOut(0, REFUSED)
        assert sides(store, 4) == [None]
        store.set_status(4, ReviewStatus.TODO)
        assert hold_last(store) == HeldOut(1, ())


@pytest.mark.parametrize("name", ["train.json", "val.json"])
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("renumbered", [False, True])
def test_an_image_of_a_run_is_refused_whatever_became_of_it(
    reviewed: Path, photos: Path, name: str, moved: bool, renumbered: bool
) -> None:
    path = (photos / ("moved.png" if moved else "3.png")).resolve()
    image = {"id": 99 if renumbered else 4, "file_name": path.as_posix()}
    snapshot = {"categories": [], "images": [image], "annotations": []}
    run = reviewed / "runs" / "r1"
    run.mkdir(parents=True)
    (run / name).write_text(json.dumps(snapshot))
    with Store.open(reviewed) as store:
        known = not (moved and renumbered)
        assert hold_last(store) == (HeldOut(0, REFUSED) if known else HeldOut(1, ()))
        assert sides(store, 4) == [None if known else Side.TEST]


def test_a_snapshot_that_cannot_be_read_is_told(reviewed: Path) -> None:
    run = reviewed / "runs" / "r1"
    run.mkdir(parents=True)
    (run / "train.json").write_text('{"images":[{"id":1')
    with pytest.raises(ProjectError, match=r"train\.json tells what a version knows"):
        keep_for_test(reviewed, "3.png")


def test_the_side_of_a_done_image_is_decided_when_it_is_given_back(
    reviewed: Path, tmp_path: Path
) -> None:
    keep_for_test(reviewed, "3.png")
    with Store.open(reviewed) as store:
        store.set_status(4, ReviewStatus.DONE)
        assert give_back(store, store.image(4)) == 1
        (side,) = sides(store, 4)
        assert side in {Side.TRAIN, Side.VALIDATION}
        snapshot = freeze_snapshot(reviewed, tmp_path)
        path = snapshot.train_json if side is Side.TRAIN else snapshot.val_json
        assert "3.png" in names(path)
        for status in (ReviewStatus.DONE, ReviewStatus.TODO):
            store.set_status(4, status)
            assert hold_last(store) == HeldOut(0, REFUSED)
        store.set_status(4, ReviewStatus.DONE)
        assert sides(store, 4) == [side]


def test_what_is_given_back_unseen_may_be_kept_again(reviewed: Path) -> None:
    keep_for_test(reviewed, "3.png")
    with Store.open(reviewed) as store:
        assert give_back(store, store.image(4)) == 1
        assert sides(store, 4) == [None]
        assert hold_last(store) == HeldOut(1, ())


def test_a_group_is_kept_whole_or_not_at_all(reviewed: Path) -> None:
    with Store.open(reviewed) as store:
        store.set_group(1, "film")
        store.set_group(4, "film")
        held = hold_last(store)
        assert (held.images, len(held.problems)) == (0, 1)
        assert held.problems[0].startswith("0.png is not new")
        assert sides(store, 1, 4) == [Side.TRAIN, None]


def test_a_group_is_given_back_whole(project: Path) -> None:
    with Store.open(project) as store:
        for number in (1, 4):
            store.set_group(number, "film")
        assert hold_last(store) == HeldOut(2, ())
        assert sides(store, 1, 2, 3, 4) == [Side.TEST, None, None, Side.TEST]
        store.set_status(1, ReviewStatus.DONE)
        assert give_back(store, store.image(4)) == 2
        assert sides(store, 1, 2, 3, 4) == [side_by_name("film"), None, None, None]
