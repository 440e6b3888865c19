import sqlite3
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import Instance, Provenance, ReviewStatus, Source
from mrcnn_gui.project.edits import AddInstance, RemoveInstance
from mrcnn_gui.project.errors import CommitError
from mrcnn_gui.project.store import PROJECT_FOLDER, ProjectError, Store
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.write_access import try_writing
from tests.helpers.photos import photo, write_photo
from tests.services.conftest import square


def an_instance(session: Session) -> Instance:
    category = session.categories[0].id
    return Instance(session.new_instance_id(), category, square(3, 4), Provenance(Source.HUMAN))


def names(session: Session) -> list[str]:
    return [session.image_path(entry.id).name for entry in session.images]


def status(session: Session, image_id: int) -> ReviewStatus:
    return session.images[session.row(image_id)].status


def test_a_folder_of_photos_becomes_a_project(
    session: Session, photo_folder: Path, qtbot: QtBot
) -> None:
    (photo_folder / "deep").mkdir()
    write_photo(photo_folder / "deep" / "photo_10.jpg", photo(10))
    with qtbot.waitSignal(session.project_opened):
        session.open_path(photo_folder)
    assert session.folder == photo_folder / PROJECT_FOLDER
    assert names(session) == ["photo_10.jpg", *(f"photo_{number}.png" for number in range(1, 5))]
    assert [category.name for category in session.categories] == ["object"]
    assert session.entry == session.images[0]


def test_folder_without_images_leaves_the_open_project_alone(
    open_session: Session, failures: list[tuple[str, str]], tmp_path: Path, qtbot: QtBot
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    open_session.open_path(empty)
    qtbot.waitUntil(lambda: len(failures) == 1)
    assert "no images" in failures[0][1]
    assert not (empty / PROJECT_FOLDER).exists()
    assert len(open_session.images) == 4
    assert open_session.undo() is None


@pytest.mark.parametrize("kind", ["newer", "damaged", "not_ours"])
def test_a_project_that_cannot_be_opened_is_told_and_not_touched(
    open_session: Session, failures: list[tuple[str, str]], tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "other" / PROJECT_FOLDER
    Store.create(folder).close()
    database = folder / "project.db"
    if kind == "damaged":
        database.write_bytes(database.read_bytes()[:100] + b"\xff" * 4000)
    else:
        connection = sqlite3.connect(database)
        name = "user_version" if kind == "newer" else "application_id"
        connection.execute(f"PRAGMA {name} = 999")
        connection.close()
    before = database.read_bytes()
    open_session.open_path(folder.parent)
    assert len(failures) == 1
    assert database.read_bytes() == before
    assert open_session.folder != folder
    assert open_session.push(AddInstance(an_instance(open_session))) is not None


def test_a_project_that_somebody_writes_opens_read_only_until_it_is_free(
    session: Session, failures: list[tuple[str, str]], photo_project: Path
) -> None:
    with Store.open(photo_project):
        session.open_path(photo_project.parent)
        assert session.folder == photo_project
        assert "open in another window or command (process" in session.read_only_reason
        assert session.push(AddInstance(an_instance(session))) is None
        assert "open in another window" in failures[-1][1]
        try_writing(session)
        assert failures[-1][0] == "Still read-only"
    try_writing(session)
    assert session.read_only_reason == ""
    assert session.push(AddInstance(an_instance(session))) is not None


def test_a_window_that_reads_sees_what_another_one_writes(
    session: Session, failures: list[tuple[str, str]], photo_project: Path
) -> None:
    with Store.open(photo_project) as store:
        session.open_path(photo_project.parent)
        owl = store.add_category("owl")
        second = session.images[1].id
        store.insert_instances(
            second,
            [Instance(store.new_instance_id(), owl.id, square(4, 4), Provenance(Source.HUMAN))],
        )
        assert session.open_image(second)
        assert session.document is not None
        [found] = session.document.instances.values()
        assert session.category(found.category_id) == owl

        store.add_images([photo_project.parent / "photo_new.png"])
        store.insert_instances(
            second,
            [Instance(store.new_instance_id(), owl.id, square(24, 4), Provenance(Source.HUMAN))],
        )
        try_writing(session)
        assert [title for title, _ in failures] == ["Still read-only"]
        assert session.images[-1].path.endswith("photo_new.png")
        assert session.document.image_id == second
        assert len(session.document.instances) == 2


def test_what_is_found_out_about_images_is_shown_where_it_cannot_be_kept(
    session: Session, failures: list[tuple[str, str]], photo_project: Path, qtbot: QtBot
) -> None:
    with Store.open(photo_project) as store:
        before = store.images()
        (photo_project.parent / "photo_1.png").unlink()
        session.open_path(photo_project.parent)
        qtbot.waitUntil(lambda: any(entry.problem for entry in session.images))
        qtbot.waitUntil(lambda: sum(bool(entry.content_hash) for entry in session.images) >= 3)
        assert failures == []
        assert store.images() == before


def test_missing_paths_are_told(
    session: Session, failures: list[tuple[str, str]], photo_project: Path
) -> None:
    session.open_path(photo_project / "nowhere")
    session.open_path(photo_project.parent / "photo_1.png")
    assert session.folder is None
    texts = [text for _, text in failures]
    assert "does not exist" in texts[0]
    assert "is not a folder" in texts[1]


def test_folder_that_cannot_be_written_is_told(
    session: Session,
    failures: list[tuple[str, str]],
    photo_folder: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(folder: Path) -> Store:
        raise ProjectError(f"cannot make {folder}: Permission denied")

    monkeypatch.setattr(Store, "create", refuse)
    session.open_path(photo_folder)
    qtbot.waitUntil(lambda: len(failures) == 1)
    assert "Permission denied" in failures[0][1]
    assert session.folder is None


def test_a_project_with_a_bad_category_is_not_left_half_made(
    session: Session, failures: list[tuple[str, str]], photo_folder: Path, qtbot: QtBot
) -> None:
    session.create_project(photo_folder / PROJECT_FOLDER, photo_folder, ["owl", "owl"])
    qtbot.waitUntil(lambda: len(failures) == 1)
    assert "owl" in failures[0][1]
    with qtbot.waitSignal(session.project_opened):
        session.open_path(photo_folder)


def test_edits_are_saved_at_once_and_survive_with_their_undo(
    open_session: Session, jobs: JobRunner, qtbot: QtBot
) -> None:
    folder = open_session.folder
    assert folder is not None
    instance = an_instance(open_session)
    heard = [open_session.document_changed, open_session.history_changed]
    with qtbot.waitSignals([*heard, open_session.image_entry_changed]):
        open_session.push(AddInstance(instance))
    assert status(open_session, 1) is ReviewStatus.IN_PROGRESS
    with Store.open(folder, read_only=True) as store:
        assert store.instances(1) == [instance]
    open_session.close_project()
    open_session.open_project(folder)
    assert open_session.history is not None
    assert open_session.history.can_undo
    assert open_session.history.undo_title == "Add instance"
    assert open_session.undo() is not None
    assert status(open_session, 1) is ReviewStatus.TODO
    assert open_session.store.instance_counts() == {}
    assert open_session.history.can_redo
    assert open_session.history.redo_title == "Add instance"
    assert open_session.redo() is not None
    assert open_session.document is not None
    assert open_session.document.instances == {instance.id: instance}


def test_an_edit_that_does_not_fit_or_cannot_be_saved_changes_nothing(
    open_session: Session, failures: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = an_instance(open_session)
    assert open_session.push(RemoveInstance(instance)) is None

    def refuse(*_: object) -> None:
        raise CommitError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save_change", refuse)
        assert open_session.push(AddInstance(instance)) is None
    assert "the disk is full" in failures[1][1]
    assert open_session.document is not None
    assert open_session.document.instances == {}
    assert open_session.history is not None
    assert not open_session.history.can_undo
    assert open_session.push(AddInstance(instance)) is not None


def test_walking_through_the_images(open_session: Session) -> None:
    opened: list[int] = []
    open_session.image_opened.connect(opened.append)
    assert not open_session.next_image(-1)
    assert open_session.next_image(1)
    open_session.set_review_status(ReviewStatus.DONE)
    assert open_session.entry is not None
    assert open_session.entry.status is ReviewStatus.DONE
    assert open_session.entry.side is not None
    open_session.open_image(4)
    assert not open_session.next_image(1)
    open_session.set_image_info(3, problem="gone")
    assert open_session.next_todo()  # begins anew at the first
    assert open_session.next_todo()  # image 2 is done, 3 cannot be read
    assert opened == [2, 4, 1, 4]
    open_session.set_review_status(ReviewStatus.DONE)
    open_session.open_image(1)
    open_session.set_review_status(ReviewStatus.DONE)
    assert not open_session.next_todo()


def test_opening_a_project_backs_it_up(session: Session, photo_project: Path, qtbot: QtBot) -> None:
    session.open_path(photo_project)
    qtbot.waitUntil(lambda: bool(list(photo_project.glob("backups/project-*.db"))))


def test_a_backup_that_cannot_be_made_is_told(
    session: Session, photo_project: Path, qtbot: QtBot, expected_logs: list[str]
) -> None:
    expected_logs.append("A background job failed")
    (photo_project / "backups").write_text("a file in the folder's place")
    told: list[tuple[str, str]] = []
    session.failed.connect(lambda *words: told.append(words))
    session.open_path(photo_project)
    qtbot.waitUntil(lambda: bool(told))
    ((title, reason),) = told
    assert title == "The project has no new backup"
    assert "backups" in reason


def test_a_project_opens_where_there_is_work_left(session: Session, photo_project: Path) -> None:
    with Store.open(photo_project) as store:
        ids = [entry.id for entry in store.images()]
        for image_id in ids[:2]:
            store.set_status(image_id, ReviewStatus.DONE)
    session.open_path(photo_project)
    assert session.entry is not None
    assert session.entry.id == ids[2]


def test_the_image_that_was_open_last_opens_first(open_session: Session) -> None:
    folder = open_session.folder
    assert folder is not None
    open_session.open_image(3)
    open_session.close_project()
    assert open_session.document is None
    assert list(open_session.images) == []
    open_session.open_project(folder)
    assert open_session.entry is not None
    assert open_session.entry.id == 3


def test_settings(open_session: Session) -> None:
    assert open_session.set_setting("colour", "blue")
    assert open_session.setting("colour") == "blue"
    with pytest.raises(KeyError):
        open_session.category(99)


def test_nothing_arrives_after_the_project_was_closed(
    session: Session, photo_project: Path, qtbot: QtBot
) -> None:
    session.open_project(photo_project)
    session.close_project()
    told: list[object] = []
    session.image_entry_changed.connect(told.append)
    other = photo_project.parent.parent / "other"
    other.mkdir()
    write_photo(other / "a.png", np.zeros((5, 7, 3), np.uint8))
    with qtbot.waitSignal(session.project_opened):
        session.open_path(other)
    qtbot.waitUntil(lambda: session.images[0].width == 7)
    assert told == [1]
