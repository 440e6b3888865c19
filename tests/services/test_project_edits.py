"""Edits of the project as a whole, run with the project to itself."""

import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.project.store import ProjectError, Store
from mrcnn_gui.services import version_work
from mrcnn_gui.services.exclusive import Course
from mrcnn_gui.services.jobs import JobRunner, Lane
from mrcnn_gui.services.project_edits import ProjectEdits
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.version_work import VersionWork
from tests.services.conftest import square


@pytest.fixture
def edits(open_session: Session) -> ProjectEdits:
    return ProjectEdits(open_session)


def add_instance(session: Session, category_id: int) -> None:
    instance = Instance(
        session.new_instance_id(), category_id, square(4, 4), Provenance(Source.HUMAN)
    )
    assert session.push(AddInstance(instance)) is not None


def test_categories_are_added_and_changed(
    open_session: Session, edits: ProjectEdits, failures: list[tuple[str, str]], qtbot: QtBot
) -> None:
    with qtbot.waitSignal(open_session.categories_changed):
        owl = edits.add_category("owl", "#102030")
    assert owl is not None
    assert open_session.category(owl.id) == owl
    assert edits.add_category("owl") is None
    assert len(failures) == 1
    assert not edits.update_category(type(owl)(owl.id, "object", owl.color, owl.key))
    assert edits.update_category(type(owl)(owl.id, "eagle", owl.color, owl.key))
    assert [category.name for category in open_session.categories] == ["object", "eagle"]
    with pytest.raises(KeyError):
        open_session.category(99)


def test_a_merge_is_undone_and_made_again_while_the_image_stays_open(
    open_session: Session, edits: ProjectEdits, qtbot: QtBot
) -> None:
    owl = edits.add_category("owl")
    assert owl is not None
    add_instance(open_session, owl.id)
    assert edits.use_of(owl.id) == (1, 1)

    with qtbot.waitSignal(edits.finished) as told:
        edits.merge_category(owl.id, into=1)
    assert told.args == ["Merged on 1 image. Undo: Edit > Project history"]
    assert [each.name for each in open_session.categories] == ["object"]
    assert categories(open_session) == [1]
    with qtbot.waitSignal(edits.finished):
        edits.undo()
    assert categories(open_session) == [owl.id]
    assert [step.undone for step in edits.steps()] == [True]
    with qtbot.waitSignal(edits.finished):
        edits.redo()
    assert categories(open_session) == [1]


def test_an_edit_of_the_image_stands_in_the_way_of_the_undo(
    open_session: Session, edits: ProjectEdits, failures: list[tuple[str, str]], qtbot: QtBot
) -> None:
    owl = edits.add_category("owl")
    assert owl is not None
    add_instance(open_session, owl.id)
    with qtbot.waitSignal(edits.finished):
        edits.delete_category(owl.id)
    assert categories(open_session) == []
    add_instance(open_session, 1)
    with qtbot.waitSignal(open_session.failed):
        edits.undo()
    assert "has later edits; undo those first" in failures[-1][1]
    assert categories(open_session) == [1]


def test_nothing_is_changed_while_something_has_the_project_to_itself(
    open_session: Session, edits: ProjectEdits, failures: list[tuple[str, str]], qtbot: QtBot
) -> None:
    with qtbot.waitSignal(open_session.exclusive.changed):
        open_session.exclusive.run("A long import", until_cancelled)
    assert edits.add_category("owl") is None
    open_session.exclusive.run("Another", until_cancelled)
    assert open_session.undo() is None
    titles = [title for title, _ in failures]
    assert titles == ["Cannot add the category", "Another", "The change was not made"]
    assert "A long import is going on" in failures[0][1]
    with qtbot.waitSignal(open_session.exclusive.changed):
        open_session.exclusive.cancel()
    assert edits.add_category("owl") is not None


def test_closing_ends_it_and_hears_no_more(
    open_session: Session, photo_project: Path, qtbot: QtBot
) -> None:
    ended: list[object] = []
    open_session.exclusive.run("A long import", until_cancelled, on_done=ended.append)
    open_session.close_project()
    qtbot.waitUntil(lambda: can_be_opened(photo_project))
    assert ended == []


def test_closing_does_not_wait_for_what_is_being_written(
    open_session: Session, photo_project: Path, qtbot: QtBot
) -> None:
    second = open_session.images[1].id
    assert open_session.open_image(second)
    began, may_end = threading.Event(), threading.Event()

    def write(store: Store, course: Course) -> None:
        with store.transaction():
            began.set()
            assert may_end.wait(30)
            assert course.should_stop()
            raise ProjectError("it was stopped")

    open_session.exclusive.run("A long import", write)
    assert began.wait(10)
    open_session.close_project()
    assert open_session.folder is None
    may_end.set()
    qtbot.waitUntil(lambda: can_be_opened(photo_project))
    assert open_session.open_project(photo_project)
    assert open_session.document is not None
    assert open_session.document.image_id == second


def test_what_cannot_be_read_afterwards_is_not_edited_on(
    open_session: Session,
    failures: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    def fail() -> None:
        raise ProjectError("the disk has gone")

    monkeypatch.setattr(open_session.store, "images", fail)
    with qtbot.waitSignal(open_session.image_opened) as told:
        open_session.exclusive.run("A long import", lambda store, course: None)
    assert told.args == [0]
    assert failures == [("The project cannot be read", "the disk has gone")]
    assert open_session.document is None
    assert open_session.undo() is None
    monkeypatch.undo()
    assert open_session.open_image(1)


def test_images_are_read_during_an_import_and_an_export(
    open_session: Session, jobs: JobRunner, qtbot: QtBot
) -> None:
    may_end, read = threading.Event(), threading.Event()
    open_session.exclusive.run("A long import", lambda store, course: may_end.wait(30))
    jobs.start(Lane.IO, lambda *, job: may_end.wait(30))
    jobs.start(Lane.IO, lambda *, job: read.set())
    assert read.wait(10)
    may_end.set()
    qtbot.waitUntil(lambda: not open_session.exclusive.title)


def test_what_waits_when_the_project_is_closed_never_writes(
    open_session: Session, jobs: JobRunner
) -> None:
    may_end, ran = threading.Event(), threading.Event()
    jobs.start(Lane.BULK, lambda *, job: may_end.wait(30))
    open_session.exclusive.run("Merge", lambda store, course: ran.set())
    store = open_session.store
    open_session.close_project()
    may_end.set()
    assert jobs.shutdown(10_000)
    assert not ran.is_set()
    with pytest.raises(ProjectError, match="was closed"):
        store.companion()


def test_what_is_cancelled_while_it_waits_is_told_and_never_writes(
    open_session: Session, jobs: JobRunner, failures: list[tuple[str, str]], qtbot: QtBot
) -> None:
    may_go_on, ran = threading.Event(), threading.Event()
    jobs.start(Lane.BULK, lambda *, job: may_go_on.wait(30))
    open_session.exclusive.run("Merge", lambda store, course: ran.set())
    open_session.exclusive.cancel()
    may_go_on.set()
    qtbot.waitUntil(lambda: not open_session.exclusive.title)
    assert failures == [("Merge", "it was cancelled before it began")]
    assert not ran.is_set()
    assert open_session.no_writing == ""


def test_an_evaluation_holds_nothing_up(
    open_session: Session,
    jobs: JobRunner,
    edits: ProjectEdits,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(version_work, "_evaluate", lambda *_, job: may_end.wait(30))
    work = VersionWork(open_session, jobs)
    work.evaluate("starter", "all")
    with qtbot.waitSignal(edits.finished):
        edits.toggle_test(open_session.images[0].id)
    assert work.is_running
    with qtbot.waitSignal(work.evaluated):
        may_end.set()


def categories(session: Session) -> list[int]:
    assert session.document is not None
    return [each.category_id for each in session.document.instances.values()]


def can_be_opened(folder: Path) -> bool:
    try:
        Store.open(folder).close()
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - the lock is still held
        return False
    return True


def until_cancelled(store: Store, course: Course) -> bool:
    with store.transaction():
        while not course.should_stop():
            course.report(1, 2)
    return True
