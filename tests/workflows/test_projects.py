from pathlib import Path

import pytest

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.projects import create_project, open_folder, set_statuses
from tests.workflows.conftest import write_picture


def test_a_project_holds_the_images_of_the_folder_and_its_subfolders(
    photos: Path, tmp_path: Path
) -> None:
    write_picture(photos / "sub" / "10.png")
    report = create_project(tmp_path / "work", photos, ["a", " b"])
    assert (report.folder, report.images) == (tmp_path / "work", 5)
    with Store.open(report.folder, read_only=True) as store:
        assert [entry.path for entry in store.images()] == [
            *(f"../photos/{n}.png" for n in range(4)),
            "../photos/sub/10.png",
        ]
        assert [category.name for category in store.categories()] == ["a", "b"]
        assert store.setting("images_folder") == "../photos"


def test_a_project_in_its_images_folder_is_put_into_mrcnn(photos: Path) -> None:
    assert create_project(photos, photos, ["a"]).folder == photos / ".mrcnn"
    assert open_folder(photos) == open_folder(photos / ".mrcnn") == photos / ".mrcnn"


def test_wrong_folders_and_names_are_refused(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    work = tmp_path / "work"
    for images, names, message in (
        (tmp_path / "empty", ["a"], "no images in"),
        (tmp_path / "nowhere", ["a"], "is not a folder"),
        (photos, ["a", "a"], "different names"),
        (photos, ["a", ""], "different names"),
    ):
        with pytest.raises(ProjectError, match=message):
            create_project(work, images, names)
    assert not work.exists()
    create_project(work, photos, ["a"])
    with pytest.raises(ProjectError, match=r"is a project in .* already"):
        create_project(work, photos, ["a"])
    with pytest.raises(ProjectError, match="no project in"):
        open_folder(tmp_path / "empty")


def test_a_place_that_cannot_hold_a_project_is_named(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ProjectError, match="cannot make"):
        create_project(tmp_path / "file" / "work", photos, ["a"])


def test_statuses_follow_a_pattern(project: Path) -> None:
    assert set_statuses(project, ReviewStatus.DONE, "[01].png").images == 2
    assert set_statuses(project, ReviewStatus.DONE, "../3*").images == 1
    assert set_statuses(project, ReviewStatus.TODO, "0.png").images == 1
    with Store.open(project, read_only=True) as store:
        statuses = [entry.status.value for entry in store.images()]
        assert statuses == ["todo", "done", "todo", "done"]
        assert store.images()[0].side is not None  # never changes once it was done
    with pytest.raises(ProjectError, match=r"no image matches '\*\.jpg'"):
        set_statuses(project, ReviewStatus.DONE, "*.jpg")


def test_an_image_that_is_gone_keeps_its_status(project: Path, photos: Path) -> None:
    (photos / "2.png").unlink()
    report = set_statuses(project, ReviewStatus.DONE)
    assert report.images == 3
    assert "2.png cannot be read" in report.problems[0]
