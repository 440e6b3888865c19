"""The window does not wait for the disk, and says that all is saved only when the disk has it."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.project.errors import StorageError
from mrcnn_gui.project.log_sync import sync_log
from mrcnn_gui.project.store import Store
from mrcnn_gui.services import saving
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.write_access import NOT_ON_DISK, try_writing
from tests.services.conftest import square


def push(session: Session, at: int = 3) -> None:
    category = session.categories[0].id
    made = Instance(session.new_instance_id(), category, square(at, 4), Provenance(Source.HUMAN))
    assert session.push(AddInstance(made)) is not None


def until_saved(session: Session, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: session.saving.is_saved)


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that answers once the event is set."""
    answers = threading.Event()

    def wait_for(folder: Path) -> int:
        assert answers.wait(10), "nobody let the disk answer"
        return sync_log(folder)

    monkeypatch.setattr(saving, "sync_log", wait_for)
    yield answers
    answers.set()


@pytest.fixture
def refusing_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> int:
        raise StorageError("input/output error")

    monkeypatch.setattr(saving, "sync_log", refuse)


def test_an_edit_is_shown_before_the_disk_has_it_and_saved_afterwards(
    open_session: Session, slow_disk: threading.Event, qtbot: QtBot
) -> None:
    slow_disk.set()
    until_saved(open_session, qtbot)
    slow_disk.clear()
    push(open_session)
    assert open_session.document is not None
    assert len(open_session.document.instances) == 1
    assert not open_session.saving.is_saved
    push(open_session, 20)
    open_session.undo()
    with qtbot.waitSignal(open_session.saving.changed):
        slow_disk.set()
    until_saved(open_session, qtbot)


def test_what_counts_as_saved_survives_a_machine_that_stops(
    open_session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    folder = open_session.folder
    assert folder is not None
    until_saved(open_session, qtbot)
    database = (folder / "project.db").read_bytes()  # nothing but the log is synchronised now
    on_disk: list[bytes] = []

    def noted(of: Path) -> int:
        size = sync_log(of)
        on_disk.append((of / "project.db-wal").read_bytes())
        return size

    monkeypatch.setattr(saving, "sync_log", noted)
    for number in range(12):
        push(open_session, 3 * number)
        if number % 3 == 0:
            open_session.undo()
        until_saved(open_session, qtbot)
        assert open_session.document is not None
        left = tmp_path / f"left {number}"
        left.mkdir()
        (left / "project.db").write_bytes(database)
        (left / "project.db-wal").write_bytes(on_disk[-1] + bytes(range(256)) * 40)  # half written
        with Store.open(left) as store:
            assert store.load_document(open_session.document.image_id) == open_session.document
    assert (folder / "project.db").read_bytes() == database


def test_many_edits_wait_for_the_disk_together(
    open_session: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    until_saved(open_session, qtbot)
    waits: list[Path] = []

    def noted(folder: Path) -> int:
        waits.append(folder)
        return sync_log(folder)

    monkeypatch.setattr(saving, "sync_log", noted)
    for number in range(10):
        push(open_session, number)
    until_saved(open_session, qtbot)
    assert 1 <= len(waits) <= 2


def test_the_log_is_emptied_in_the_background(
    open_session: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    folder = open_session.folder
    assert folder is not None
    until_saved(open_session, qtbot)
    monkeypatch.setattr(saving, "COMMITS", 5)
    before = (folder / "project.db").read_bytes()
    for number in range(6):
        push(open_session, number)
        until_saved(open_session, qtbot)
    qtbot.waitUntil(lambda: (folder / "project.db").read_bytes() != before)
    size = (folder / "project.db-wal").stat().st_size
    for number in range(6):  # they go where the log begins anew
        push(open_session, number)
        until_saved(open_session, qtbot)
    assert (folder / "project.db-wal").stat().st_size <= 2 * size


def test_closing_waits_for_the_disk(
    open_session: Session, slow_disk: threading.Event, qtbot: QtBot
) -> None:
    slow_disk.set()
    until_saved(open_session, qtbot)
    slow_disk.clear()
    push(open_session)
    folder, document = open_session.folder, open_session.document
    assert folder is not None
    assert document is not None
    threading.Timer(0.05, slow_disk.set).start()
    open_session.close_project()
    assert slow_disk.is_set()
    with Store.open(folder) as store:
        assert store.load_document(document.image_id) == document


def test_a_disk_that_refuses_is_told_and_nothing_more_is_written(
    open_session: Session,
    failures: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    until_saved(open_session, qtbot)
    with monkeypatch.context() as patch:

        def refuse(_: Path) -> int:
            raise StorageError("input/output error")

        patch.setattr(saving, "sync_log", refuse)
        push(open_session)
        qtbot.waitUntil(lambda: open_session.read_only_reason != "")
    assert failures == [(NOT_ON_DISK, "input/output error. Check the disk, then press Try again.")]
    assert "input/output error" in open_session.read_only_reason
    document, folder = open_session.document, open_session.folder
    assert document is not None
    assert folder is not None
    with Store.open(folder, read_only=True) as store:  # memory is what can be read
        assert store.load_document(document.image_id) == document
    assert open_session.undo() is None
    try_writing(open_session)
    assert open_session.read_only_reason == ""
    push(open_session, 30)
    until_saved(open_session, qtbot)


def test_what_the_disk_refused_just_before_closing_is_told(
    open_session: Session,
    failures: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    until_saved(open_session, qtbot)
    began, may_end = threading.Event(), threading.Event()

    def refuse_once(folder: Path) -> int:
        if began.is_set():
            return sync_log(folder)  # a system tells an error once
        began.set()
        assert may_end.wait(10)
        raise StorageError("input/output error")

    monkeypatch.setattr(saving, "sync_log", refuse_once)
    push(open_session)
    assert began.wait(10)
    threading.Timer(0.05, may_end.set).start()
    open_session.close_project()
    assert failures == [(NOT_ON_DISK, "input/output error")]


def test_a_log_that_cannot_be_emptied_is_told(
    open_session: Session,
    failures: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    def refuse(_: Path) -> None:
        raise StorageError("input/output error")

    until_saved(open_session, qtbot)
    monkeypatch.setattr(saving, "COMMITS", 1)
    monkeypatch.setattr(saving, "empty_log", refuse)
    push(open_session)
    qtbot.waitUntil(lambda: open_session.read_only_reason != "")
    assert [title for title, _ in failures] == [NOT_ON_DISK]


def test_a_disk_that_cannot_even_be_read_is_told_and_nothing_more_is_written(
    open_session: Session,
    failures: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageError("input/output error")

    until_saved(open_session, qtbot)
    store = open_session.store
    with monkeypatch.context() as patch:
        patch.setattr(saving, "sync_log", refuse)
        patch.setattr(Store, "open", refuse)
        push(open_session)
        qtbot.waitUntil(lambda: len(failures) == 2)
    assert [title for title, _ in failures] == ["The project cannot be read", NOT_ON_DISK]
    assert open_session.store is store
    assert "input/output error" in open_session.no_writing
    assert open_session.document is not None
    assert len(open_session.document.instances) == 1
    assert open_session.undo() is None
    assert not open_session.set_setting("theme", "dark")
    open_session.set_image_info(1, problem="it has gone")
    assert store.images()[0].problem == ""
    assert open_session._folding._store is None
    try_writing(open_session)
    assert open_session.no_writing == ""
    push(open_session, 30)
    until_saved(open_session, qtbot)


def test_the_image_stays_when_the_project_becomes_read_only_and_writable_again(
    open_session: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    def refuse(_: Path) -> int:
        raise StorageError("input/output error")

    def at_hand() -> int:
        assert open_session.document is not None
        return open_session.document.image_id

    open_session.open_image(3)
    until_saved(open_session, qtbot)
    with monkeypatch.context() as patch:
        patch.setattr(saving, "sync_log", refuse)
        push(open_session)
        qtbot.waitUntil(lambda: open_session.read_only_reason != "")
    assert at_hand() == 3
    open_session.open_image(2)
    try_writing(open_session)
    assert open_session.read_only_reason == ""
    assert at_hand() == 2


@pytest.mark.usefixtures("refusing_disk")
def test_a_disk_that_refuses_at_the_end_is_told(
    photo_project: Path, session: Session, failures: list[tuple[str, str]]
) -> None:
    session.open_project(photo_project)
    push(session)
    session.close_project()
    assert failures == [(NOT_ON_DISK, "input/output error")]


def test_a_rollback_journal_waits_for_the_disk_itself(
    photo_project: Path, session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copy = tmp_path / "network"
    shutil.copytree(photo_project.parent, copy)
    monkeypatch.setattr("mrcnn_gui.project.database.is_network_folder", lambda _: True)
    session.open_project(copy / photo_project.name)
    assert session.read_only_reason == ""
    push(session)
    assert session.saving.is_saved
    assert session.store._database.execute("PRAGMA synchronous") == [(2,)]
