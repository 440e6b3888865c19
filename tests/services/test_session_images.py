"""What a session finds out about the images of a project, and about their files."""

import os
import shutil
from pathlib import Path

from pytestqt.qtbot import QtBot

from core.images import content_hash
from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.project.store import PROJECT_FOLDER, Store
from mrcnn_gui.services.image_survey import measure
from mrcnn_gui.services.session import Session
from mrcnn_gui.workflows.doctor import examine
from mrcnn_gui.workflows.relink import relink
from tests.helpers.photos import photo, write_photo
from tests.services.test_session import an_instance, names


def test_opening_again_adds_the_images_that_came_since(
    session: Session, photo_project: Path, qtbot: QtBot
) -> None:
    folder = photo_project.parent
    write_photo(folder / "photo_0.png", photo(0))
    with qtbot.waitSignal(session.images_changed):
        session.open_path(folder)
    assert names(session)[-1] == "photo_0.png"
    assert len(session.images) == 5
    session.close_project()
    session.open_path(folder)
    assert len(session.images) == 5


def test_a_photo_renamed_before_the_project_is_opened_again_is_found_with_its_annotations(
    open_session: Session, qtbot: QtBot
) -> None:
    folder = open_session.image_path(1).parent
    open_session.push(AddInstance(an_instance(open_session)))
    open_session.close_project()
    (folder / "sorted").mkdir()
    (folder / "photo_1.png").rename(folder / "owl.png")
    (folder / "photo_2.png").rename(folder / "sorted" / "photo_2.png")
    write_photo(folder / "photo_5.png", photo(5))
    with qtbot.waitSignal(open_session.images_changed):
        open_session.open_path(folder)
    assert names(open_session)[4:] == ["photo_5.png"]
    open_session.close_project()
    with Store.open(folder / PROJECT_FOLDER) as store:
        assert relink(store, folder).missing == ()
    open_session.open_path(folder)
    assert [open_session.image_path(entry.id) for entry in open_session.images[:2]] == [
        folder / "owl.png",
        folder / "sorted" / "photo_2.png",
    ]
    assert open_session.store.instance_counts() == {1: 1}
    assert len(open_session.images) == 5


def test_a_copy_of_an_image_that_is_there_is_a_new_image(
    open_session: Session, qtbot: QtBot
) -> None:
    path = open_session.image_path(1)
    open_session.close_project()
    shutil.copy(path, path.with_name("copy.png"))
    (path.with_name("photo_2.png")).unlink()
    with qtbot.waitSignal(open_session.images_changed):
        open_session.open_path(path.parent)
    assert names(open_session)[4:] == ["copy.png"]


def test_create_project_elsewhere_finds_later_images_in_the_images_folder(
    session: Session, photo_folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    project = tmp_path / "projects" / "owls"
    with qtbot.waitSignal(session.project_opened):
        session.create_project(project, photo_folder, ["owl", "nest"])
    assert session.folder == project
    assert [category.name for category in session.categories] == ["owl", "nest"]
    session.close_project()
    write_photo(photo_folder / "photo_5.png", photo(5))
    with qtbot.waitSignal(session.images_changed):
        session.open_project(project)
    assert names(session)[-1] == "photo_5.png"


def test_sizes_hashes_and_problems_are_filled_in_the_background(
    session: Session, photo_project: Path, qtbot: QtBot
) -> None:
    bad = photo_project.parent / "photo_2.png"
    bad.write_bytes(b"")
    gone = photo_project.parent / "photo_3.png"
    gone.unlink()
    session.open_project(photo_project)
    qtbot.waitUntil(lambda: all(entry.content_hash or entry.problem for entry in session.images))
    first, empty, missing, last = session.images
    assert (first.width, first.height, first.problem) == (64, 48, "")
    assert first.content_hash == content_hash(session.image_path(first.id))
    assert "empty" in empty.problem
    assert "photo_3.png" in missing.problem
    assert last.width == 64
    assert session.document is not None
    assert (session.document.width, session.document.height) == (64, 48)
    assert session.store.images() == list(session.images)


def test_a_photo_that_was_edited_under_its_name_is_told_apart(
    open_session: Session, photo_project: Path
) -> None:
    path, folder = open_session.image_path(2), photo_project
    open_session.close_project()
    before = path.stat()
    with Store.open(folder) as store:
        assert [(it.file_size, it.modified_ns) for it in store.images()[1:2]] == [
            (before.st_size, before.st_mtime_ns)
        ]
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    assert not list(examine(folder))
    write_photo(path, photo(9))
    assert path.stat().st_size == before.st_size  # as edited bitmaps have it
    [finding] = examine(folder)
    assert finding.problem == "the file has changed: it has another hash"


def test_a_path_that_the_system_refuses_is_a_problem_of_its_image(tmp_path: Path) -> None:
    entry = ImageEntry(1, "x", 64, 48, "hash", ReviewStatus.TODO, None, "")
    measured = measure(entry, tmp_path / ("x" * 300))
    assert measured is not None
    assert "too long" in (measured.problem or "")


def test_a_file_that_came_back_is_no_problem_any_more(
    session: Session, photo_project: Path, qtbot: QtBot
) -> None:
    path = photo_project.parent / "photo_2.png"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    session.open_project(photo_project)
    qtbot.waitUntil(lambda: all(entry.content_hash for entry in session.images))
    session.set_image_info(2, problem="the file is cut off")
    session.close_project()
    session.open_project(photo_project)
    assert session.images[1].problem == "the file is cut off"
    session.close_project()
    path.write_bytes(data)
    session.open_project(photo_project)
    qtbot.waitUntil(lambda: session.images[1].problem == "")
