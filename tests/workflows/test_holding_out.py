from pathlib import Path

import pytest

from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.holding_out import give_back, keep_for_test
from mrcnn_gui.workflows.snapshot import freeze_snapshot
from tests.workflows.conftest import human, rectangle


def test_a_test_image_neither_trains_nor_judges(reviewed: Path, tmp_path: Path) -> None:
    assert keep_for_test(reviewed, "3.png").images == 1
    with Store.open(reviewed) as store:
        store.insert_instances(4, [human(store, rectangle(0, 0, 9, 9))])
        for status in (ReviewStatus.IN_PROGRESS, ReviewStatus.DONE):
            store.set_status(4, status)
            assert store.image(4).side is Side.TEST
            snapshot = freeze_snapshot(reviewed, tmp_path)
            written = snapshot.train_json.read_text() + snapshot.val_json.read_text()
            assert "3.png" not in written
            assert "2.png" in written


def test_what_a_version_may_know_is_refused(reviewed: Path) -> None:
    held = keep_for_test(reviewed, "*.png")
    assert held.images == 1
    assert [it.partition(" ")[0] for it in held.problems] == ["0.png", "1.png", "2.png"]
    with pytest.raises(ProjectError, match="no image matches"):
        keep_for_test(reviewed, "*.gif")


def test_a_group_is_kept_whole_or_not_at_all(reviewed: Path) -> None:
    with Store.open(reviewed) as store:
        store.set_group(1, "film")
        store.set_group(4, "film")
    assert keep_for_test(reviewed, "3.png").images == 0
    with Store.open(reviewed) as store:
        store.set_side(1, None)
    assert keep_for_test(reviewed, "3.png").images == 2
    with Store.open(reviewed) as store:
        assert [store.image(number).side for number in (1, 4)] == [Side.TEST] * 2
        give_back(store, store.image(4))
        assert store.image(4).side is None
