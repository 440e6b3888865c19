"""Nothing acknowledged is lost, whatever fails; memory and disk never differ."""

import copy
import sqlite3
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.masks import Mask
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.edits import AcceptSuggestion, AddInstance, Batch, PaintMask, SetReviewStatus
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import CommitError, ProjectError, Store
from tests.project.samples import block, instance, suggestion

DONE = SetReviewStatus(ReviewStatus.IN_PROGRESS, ReviewStatus.DONE)
BIG_EDIT = Batch(
    (
        AcceptSuggestion(suggestion(), instance(2)),
        PaintMask(1, block(0, 0, 5, 5)),
        AddInstance(instance(3)),
        DONE,
    ),
    "Everything at once",
)


class FailingConnection:
    """A connection whose n-th statement from now on fails as a bad disk makes it fail."""

    def __init__(self, real: sqlite3.Connection, fail_at: int) -> None:
        self._real = real
        self._left = fail_at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        return self._count_down(lambda: self._real.execute(*arguments))

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        return self._count_down(lambda: self._real.executemany(*arguments))

    def _count_down(self, run: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        self._left -= 1
        if self._left == 0:
            raise sqlite3.OperationalError("disk I/O error")
        return run()


Action = Callable[[History], object]
ACTIONS: dict[str, tuple[Action, Action]] = {
    "push": (lambda history: None, lambda history: history.push(BIG_EDIT)),
    "undo": (lambda history: history.push(BIG_EDIT), lambda history: history.undo()),
    "redo": (
        lambda history: (history.push(BIG_EDIT), history.undo()),
        lambda history: history.redo(),
    ),
    "push over undone": (
        lambda history: (history.push(BIG_EDIT), history.undo()),
        lambda history: history.push(PaintMask(1, block(3, 3, 1, 1))),
    ),
}


def everything(store: Store) -> list[list[Any]]:
    tables = ("images", "instances", "decisions", "edits", "sqlite_sequence")
    return [store._database.execute(f"SELECT * FROM {table}") for table in tables]


@pytest.mark.parametrize("name", ACTIONS)
def test_an_error_at_any_statement_takes_all_back(store: Store, name: str) -> None:
    document = store.load_document(1)
    history = History(store, document)
    history.push(AddInstance(instance(1)))
    prepare, act = ACTIONS[name]
    prepare(history)
    memory, disk = copy.deepcopy(document), everything(store)
    failures = 0
    while fails(store, lambda: act(history), at_statement=failures + 1):
        failures += 1
        assert document == memory
        assert everything(store) == disk
    assert failures > 5
    assert document == store.load_document(1) != memory


def fails(store: Store, act: Callable[[], object], *, at_statement: int) -> bool:
    """Act on a disk that fails at a statement; False when there are not so many."""
    real = store._database._connection
    failing = FailingConnection(real, at_statement)
    store._database._connection = failing  # type: ignore[assignment]
    try:
        act()
    except ProjectError as error:
        if "disk I/O error" not in str(error):
            raise
        return True
    finally:
        store._database._connection = real
    return False


def test_a_full_disk(store: Store) -> None:
    document = store.load_document(1)
    store.update_image(1, width=2000, height=2000)
    document.width = document.height = 2000
    history = History(store, document)
    history.push(AddInstance(instance(1)))
    before = copy.deepcopy(document)
    [[pages]] = store._database.execute("PRAGMA page_count")
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    noise = Mask.from_bitmap(np.random.default_rng(0).integers(0, 2, (900, 900)))
    with pytest.raises(CommitError, match="full"):
        history.push(PaintMask(1, noise))
    with pytest.raises(CommitError, match="full"), store.transaction():
        history.push(PaintMask(1, noise))
    assert document == before == store.load_document(1)
    assert history.undo_title == "Add instance"
    store._database.execute("PRAGMA max_page_count = 1000000")
    history.push(PaintMask(1, noise))
    assert document == store.load_document(1)


def test_a_database_that_refuses(store: Store) -> None:
    document = store.load_document(1)
    history = History(store, document)
    before = copy.deepcopy(document)
    for table in ("instances", "edits"):
        store._database.execute(
            f"CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.{table} "
            "BEGIN SELECT RAISE(ABORT, 'no more of this'); END"
        )
        with pytest.raises(CommitError, match="no more of this"):
            history.push(AddInstance(instance(1)))
        store._database.execute("DROP TRIGGER refuse")
        assert document == before == store.load_document(1)
        assert not history.can_undo


def test_a_failure_inside_a_larger_transaction_takes_back_its_part_alone(store: Store) -> None:
    history = History(store, store.load_document(1))
    wrong = instance(2, category_id=99)
    with store.transaction():
        store.set_setting("a", "kept")
        with pytest.raises(CommitError):
            history.push(Batch((AddInstance(instance(1)), AddInstance(wrong)), "Half wrong"))
        history.push(AddInstance(instance(3)))
    assert store.setting("a") == "kept"
    assert list(store.load_document(1).instances) == [3]


def test_an_error_in_a_transaction_takes_all_of_it_back(store: Store) -> None:
    before = everything(store)

    def fail() -> None:
        with store.transaction():
            store.set_setting("a", "b")
            store.insert_instances(1, [instance(1)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert everything(store) == before
    assert store.setting("a") == ""


def test_a_deleted_project_takes_no_more_edits(store: Store) -> None:
    document = store.load_document(1)
    history = History(store, document)
    history.push(AddInstance(instance(1)))
    before = copy.deepcopy(document)
    aside = store.folder.with_name("elsewhere")
    store.folder.rename(aside)
    edits: list[Callable[[], object]] = [
        lambda: history.push(AddInstance(instance(2))),
        history.undo,
    ]
    for act in edits:
        with pytest.raises(CommitError, match="not there any more"):
            act()
        assert document == before
    aside.rename(store.folder)
    history.push(AddInstance(instance(2)))
    assert document == store.load_document(1)


def test_another_project_in_its_place_takes_no_edits(store: Store) -> None:
    history = History(store, store.load_document(1))
    aside = store.folder.with_name("elsewhere")
    store.folder.rename(aside)
    Store.create(store.folder).close()
    with pytest.raises(CommitError, match="is another file"):
        history.push(AddInstance(instance(1)))
