"""Changes over many images: as one, with everything as it was where they fail."""

from typing import Any

import pytest

from mrcnn_gui.project.annotation import Region, RegionKind
from mrcnn_gui.project.document import EditError
from mrcnn_gui.project.edits import (
    AddInstance,
    AddRegion,
    Edit,
    RemoveInstance,
    SetLocked,
    SetOrder,
)
from mrcnn_gui.project.history import History
from mrcnn_gui.project.project_history import ProjectHistory
from mrcnn_gui.project.store import CommitError, Store
from tests.project.samples import block, instance
from tests.project.test_durability import fails


@pytest.fixture
def project(store: Store) -> ProjectHistory:
    """Three images: two with instances of category 1, one whose log alone speaks of it."""
    for name in ("b.jpg", "c.jpg"):
        store.add_images([store.folder / name])
    for image_id in (1, 2):
        push(store, image_id, AddInstance(instance(image_id)))
    push(store, 3, AddInstance(instance(3)))
    push(store, 3, RemoveInstance(instance(3)))
    return store.project_history


def push(store: Store, image_id: int, edit: Any) -> None:
    History(store, store.load_document(image_id)).push(edit)


def content(store: Store) -> list[Any]:
    documents = [store.load_document(entry.id) for entry in store.images()]
    cursors = [store.edit_log(entry.id).cursor for entry in store.images()]
    return [documents, cursors, store.categories()]


def disk(store: Store) -> list[Any]:
    tables = ("images", "instances", "regions", "edits", "project_edits", "categories")
    return [store._database.execute(f"SELECT * FROM {table}") for table in tables]


@pytest.mark.parametrize("into", [7, None])
def test_made_undone_and_made_again(
    store: Store, project: ProjectHistory, into: int | None
) -> None:
    before = content(store)
    assert make(project, into) == 3
    after = content(store)
    counts = (0, 0) if into is None else (2, 2)
    assert project.instance_count(7) == counts
    assert [category.id for category in store.categories()] == [2, 7]
    assert project.undo() is not None
    assert content(store) == before
    assert [step.undone for step in project.steps()] == [True]
    assert project.redo() is not None
    assert content(store) == after


def make(project: ProjectHistory, into: int | None) -> int:
    return project.delete_category(1) if into is None else project.merge_category(1, into)


def test_an_image_does_not_undo_its_part(store: Store, project: ProjectHistory) -> None:
    project.merge_category(1, 7)
    for image_id in (1, 3):
        history = History(store, store.load_document(image_id))
        with pytest.raises(EditError, match="'Merge category 1 into category 7' on 3 images"):
            history.undo()
        with pytest.raises(EditError, match="Project history"):
            history.jump(0)


def test_later_edits_stand_in_the_way(store: Store, project: ProjectHistory) -> None:
    project.merge_category(1, 7)
    push(store, 2, AddInstance(instance(9, category_id=2)))
    before = disk(store)
    with pytest.raises(EditError, match=r"b\.jpg has later edits"):
        project.undo()
    assert disk(store) == before
    History(store, store.load_document(2)).undo()
    assert project.undo() is not None


def test_an_image_edited_after_the_undo_forbids_the_redo(
    store: Store, project: ProjectHistory
) -> None:
    project.merge_category(1, 7)
    project.undo()
    push(store, 2, AddInstance(instance(9)))
    with pytest.raises(EditError, match="edited since"):
        project.redo()
    project.merge_category(2, 7)
    assert [step.title for step in project.steps()] == ["Merge category 2 into category 7"]
    assert project.redo() is None


@pytest.mark.parametrize("name", ["merge", "delete", "undo", "redo", "jump"])
def test_an_error_at_any_statement_takes_all_back(
    store: Store, project: ProjectHistory, name: str
) -> None:
    history = History(store, store.load_document(1))
    history.push(AddRegion(Region(1, RegionKind.IGNORE, block(0, 0, 4, 4))))
    history.push(SetOrder(1, 0, 3))
    if name in ("undo", "redo"):
        project.delete_category(1)
    if name == "redo":
        project.undo()
    acts = {
        "merge": lambda: project.merge_category(1, 7),
        "delete": lambda: project.delete_category(1),
        "undo": project.undo,
        "redo": project.redo,
        "jump": lambda: history.jump(0),
    }
    memory = store.load_document(1)
    before, failures = disk(store), 0
    while fails(store, acts[name], at_statement=failures + 1):
        failures += 1
        assert disk(store) == before
        assert name != "jump" or history._document == memory
    assert failures > 8
    assert disk(store) != before


def test_a_full_disk(store: Store, project: ProjectHistory) -> None:
    store.insert_instances(1, [instance(number) for number in range(100, 2000)])
    before = disk(store)
    [[pages]] = store._database.execute("PRAGMA page_count")
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(CommitError, match="full"):
        project.delete_category(1)
    assert disk(store) == before


def test_jump_is_all_or_nothing_and_keeps_regions_order_and_locks(store: Store) -> None:
    document = store.load_document(1)
    history = History(store, document)
    edits: list[Edit] = [
        AddInstance(instance(1)),
        AddInstance(instance(2)),
        SetOrder(1, 0, 5),
        SetLocked(2, True),
        AddRegion(Region(1, RegionKind.FINISHED, block(0, 0, 4, 4))),
    ]
    states = [store.load_document(1)]
    for edit in edits:
        history.push(edit)
        states.append(store.load_document(1))
    assert list(document.instances) == [2, 1]
    assert history.titles()[2:] == ["Change drawing order", "Lock instance", "Add region"]
    for position in (0, 5, 2, 4, 1, 3):
        history.jump(position)
        assert document == states[position] == store.load_document(1)
        assert list(document.instances) == list(states[position].instances)
        assert history.position == position
    with pytest.raises(ValueError, match="from 0 to 5, got 6"):
        history.jump(6)
