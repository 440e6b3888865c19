"""What is done for one image costs the same however many there are, counted in SQLite's steps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.edits import PaintMask, SetReviewStatus
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from tests.project.samples import block, instance, new_project

_IMAGES, _INSTANCES = 400, 10
_SLACK = 1.2  # pages split now and then


def steps(store: Store, work: Callable[[], object]) -> int:
    """Instructions of SQLite's virtual machine: a scan of a table costs some for each row."""
    count = 0

    def note() -> None:
        nonlocal count
        count += 1

    connection = store._database._connection
    connection.set_progress_handler(note, 1)
    work()
    connection.set_progress_handler(None, 1)
    return count


def grow(store: Store) -> None:
    """Add images, each with as many instances as the first one has, and an edit."""
    for entry in store.add_images(Path(f"/photos/{number}.jpg") for number in range(_IMAGES)):
        first = store.new_instance_id()
        store.insert_instances(entry.id, [instance(first + n) for n in range(_INSTANCES)])
        History(store, store.load_document(entry.id)).push(PaintMask(first, block(5, 5, 2, 2)))


@pytest.fixture
def small(tmp_path: Path) -> Store:
    store = new_project(tmp_path)
    store.insert_instances(1, [instance(n) for n in range(1, _INSTANCES + 1)])
    return store


def test_an_image_costs_the_same_in_a_large_project(small: Store) -> None:
    with small as store:
        history = History(store, store.load_document(1))
        stroke = PaintMask(1, block(7, 7, 3, 3))
        work: dict[str, Callable[[], object]] = {
            "load": lambda: store.load_document(1),
            "commit": lambda: history.push(stroke),
            "undo": history.undo,
            "redo": history.redo,
            "titles": lambda: (history.undo_title, history.redo_title, history.position),
            "fold": lambda: store.fold_strokes(1),
            "measure": lambda: store.update_image(1, width=20, height=16),
            "new id": store.new_instance_id,
            "has instances": lambda: store.has_instances(1),
            "set status": lambda: store.set_status(1, ReviewStatus.DONE),
            "export": lambda: list(store.export_rows.of_image(1)),
        }
        before = {name: steps(store, do) for name, do in work.items()}
        History(store, store.load_document(1)).push(
            SetReviewStatus(ReviewStatus.DONE, ReviewStatus.IN_PROGRESS)
        )
        grow(store)
        history = History(store, store.load_document(1))
        after = {name: steps(store, do) for name, do in work.items()}
    assert all(before.values())
    assert {name: count for name, count in after.items() if count > _SLACK * before[name]} == {}
