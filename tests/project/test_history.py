"""Undo and redo: any sequence, across restarts, equal in memory and on disk."""

import copy
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.document import EditError, ImageDocument
from mrcnn_gui.project.edits import (
    AddInstance,
    Batch,
    PaintMask,
    RejectSuggestion,
    RemoveInstance,
    SetReviewStatus,
)
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import DamagedProjectError, Store
from tests.project.samples import block, instance, new_project, suggestion
from tests.project.strategies import edit_for

TODO, IN_PROGRESS, DONE = ReviewStatus


@pytest.fixture
def document(store: Store) -> ImageDocument:
    return store.load_document(1)


@pytest.fixture
def history(store: Store, document: ImageDocument) -> History:
    return History(store, document)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_all_undone_is_the_document_before_and_all_redone_the_one_after(
    data: st.DataObject,
) -> None:
    with TemporaryDirectory() as folder, new_project(Path(folder)) as store:
        document = store.load_document(1)
        history = History(store, document)
        states = [copy.deepcopy(document)]
        for step in range(data.draw(st.integers(1, 8))):
            history.push(data.draw(edit_for(document, step + 1)))
            states.append(copy.deepcopy(document))
        for state in reversed(states[:-1]):
            history.undo()
            assert document == state == store.load_document(1)
        assert history.undo() is None
        for state in states[1:]:
            history.redo()
            assert document == state == store.load_document(1)
        assert history.redo() is None


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_reopened_after_any_step_all_is_as_in_memory(data: st.DataObject) -> None:
    with TemporaryDirectory() as parent:
        with new_project(Path(parent)) as store:
            folder = store.folder
            document = store.load_document(1)
            told = ("", "")
        for step in range(data.draw(st.integers(1, 6))):
            with Store.open(folder) as store:
                assert store.load_document(1) == document
                history = History(store, document)
                assert (history.undo_title, history.redo_title) == told
                action = data.draw(st.sampled_from(["push", "push", "undo", "redo"]))
                if action == "push":
                    history.push(data.draw(edit_for(document, step + 1)))
                else:
                    getattr(history, action)()
                told = (history.undo_title, history.redo_title)


def test_titles_and_what_can_be_done(history: History) -> None:
    assert (history.can_undo, history.can_redo) == (False, False)
    assert (history.undo_title, history.redo_title) == ("", "")
    history.push(AddInstance(instance(1)))
    history.push(PaintMask(1, block(0, 0, 2, 2)))
    assert (history.undo_title, history.redo_title) == ("Paint mask", "")
    history.undo()
    assert (history.undo_title, history.redo_title) == ("Add instance", "Paint mask")
    history.undo()
    assert (history.can_undo, history.can_redo) == (False, True)
    assert history.undo() is None


def test_a_batch_without_a_title_can_be_undone(history: History) -> None:
    history.push(Batch((AddInstance(instance(1)),), ""))
    assert history.can_undo


def test_undo_and_redo_say_what_changed(history: History) -> None:
    history.push(AddInstance(instance(1)))
    pushed = history.push(PaintMask(1, block(5, 6, 2, 2)))
    assert pushed.dirty == (5, 6, 7, 8)
    assert history.undo() == pushed == history.redo()


def test_a_new_edit_cuts_what_was_undone(
    store: Store, history: History, document: ImageDocument
) -> None:
    for number in (1, 2, 3):
        history.push(AddInstance(instance(number)))
    history.undo()
    history.undo()
    history.push(AddInstance(instance(4)))
    assert not history.can_redo
    assert history.redo() is None
    assert list(document.instances) == [1, 4]
    titles = store._database.execute("SELECT position FROM edits ORDER BY position")
    assert titles == [(1,), (2,)]


def test_an_edit_that_does_not_fit_keeps_what_was_undone(history: History) -> None:
    history.push(AddInstance(instance(1)))
    history.undo()
    with pytest.raises(EditError):
        history.push(RemoveInstance(instance(9)))
    assert history.redo_title == "Add instance"


def test_the_first_content_edit_begins_the_work(
    store: Store, history: History, document: ImageDocument
) -> None:
    change = history.push(AddInstance(instance(1)))
    assert change.status_changed
    assert document.status is store.image(1).status is IN_PROGRESS
    assert history.undo_title == "Add instance"
    assert not history.push(PaintMask(1, block(0, 0, 1, 1))).status_changed
    history.undo()
    history.undo()
    assert document.status is store.image(1).status is TODO
    history.push(RejectSuggestion(suggestion()))
    assert document.status is IN_PROGRESS


def test_a_status_edit_is_left_alone(history: History, document: ImageDocument) -> None:
    history.push(SetReviewStatus(TODO, DONE))
    assert document.status is DONE
    history.push(AddInstance(instance(1)))
    assert document.status is DONE
    history.undo()
    history.undo()
    history.push(Batch((AddInstance(instance(1)), SetReviewStatus(TODO, DONE)), "Both"))
    assert document.status is DONE


def test_images_have_their_own_histories(store: Store, history: History) -> None:
    [other] = store.add_images([store.folder / "b.jpg"])
    second = History(store, store.load_document(other.id))
    history.push(AddInstance(instance(1)))
    assert not second.can_undo
    second.push(AddInstance(instance(2)))
    history.undo()
    assert second.undo_title == "Add instance"
    assert store.instance_counts() == {other.id: 1}


def test_a_damaged_log_is_told(store: Store, history: History, document: ImageDocument) -> None:
    history.push(AddInstance(instance(1)))
    store._database.execute("UPDATE edits SET edit = '{'")
    before = copy.deepcopy(document)
    with pytest.raises(DamagedProjectError, match="edit 1 of image 1"):
        history.undo()
    assert document == before
