"""Moved images are found again by their content, and nothing else about them changes."""

import shutil
from pathlib import Path

import pytest

from core.images import content_hash
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.images_folder import images_folder_of, note_images_folder
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.relink import Relinked, RelinkReport, relink
from tests.workflows.conftest import HEIGHT, WIDTH, write_picture


@pytest.fixture
def known(reviewed: Path, tmp_path: Path) -> Path:
    """The project with three done images in a folder of its own, all hashes and sizes known."""
    with Store.open(reviewed) as store:
        for entry in store.images():
            path = store.image_path(entry)
            store.update_image(entry.id, content_hash=content_hash(path))
            store._images.set_columns(entry.id, {"file_size": path.stat().st_size})
    return reviewed


def move(photos: Path, target: Path, *names: str) -> Path:
    """Move images (all when none is named)."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(photos.glob("*.png")):
        if not names or path.name in names:
            shutil.move(path, target / path.name)
    return target


def run(project: Path, folder: Path) -> RelinkReport:
    with Store.open(project) as store:
        return relink(store, folder)


def paths(project: Path) -> list[str]:
    with Store.open(project, read_only=True) as store:
        entries = store.images()
        missing = [entry.path for entry in entries if not store.image_path(entry).is_file()]
        assert missing == []
        return [entry.path for entry in entries]


def test_a_moved_folder_keeps_annotations_status_and_side(
    known: Path, photos: Path, tmp_path: Path
) -> None:
    with Store.open(known) as store:
        before = [store.load_document(entry.id) for entry in store.images()]
        sides = [entry.side for entry in store.images()]
        store.update_image(1, problem="cannot read image")
    report = run(known, move(photos, tmp_path / "new"))
    assert paths(known) == [f"../../new/{number}.png" for number in range(4)]
    assert report.found[0] == Relinked("../0.png", "../../new/0.png")
    assert (len(report.found), report.missing, report.problems) == (4, (), ())
    with Store.open(known) as store:
        assert [store.load_document(entry.id) for entry in store.images()] == before
        assert [entry.side for entry in store.images()] == sides
        assert [entry.status for entry in store.images()][2:] == [
            ReviewStatus.DONE,
            ReviewStatus.TODO,
        ]
        first = store.image(1)
        status = store.image_path(first).stat()
        assert (first.problem, first.file_size, first.modified_ns) == (
            "",
            status.st_size,
            status.st_mtime_ns,
        )


def test_nothing_is_missing(known: Path, tmp_path: Path) -> None:
    assert run(known, tmp_path) == RelinkReport()


@pytest.mark.parametrize("sized", [True, False])
def test_renamed_and_in_subfolders(known: Path, photos: Path, tmp_path: Path, sized: bool) -> None:
    if not sized:
        with Store.open(known) as store:
            for number in range(1, 5):
                store._images.set_columns(number, {"file_size": 0})
    for number in range(4):  # each under the name of another
        target = tmp_path / "new" / f"part {number % 2}" / f"{(number + 1) % 4}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(photos / f"{number}.png", target)
    assert run(known, tmp_path / "new").missing == ()
    assert paths(known) == [
        "../../new/part 0/1.png",
        "../../new/part 1/2.png",
        "../../new/part 0/3.png",
        "../../new/part 1/0.png",
    ]


def test_of_two_copies_the_one_with_the_most_alike_path_is_taken(
    known: Path, photos: Path, tmp_path: Path
) -> None:
    new = move(photos, tmp_path / "new" / "photos", "0.png")
    shutil.copy(new / "0.png", tmp_path / "new" / "another name.png")
    report = run(known, tmp_path / "new")
    assert report.found == (
        Relinked("../0.png", "../../new/photos/0.png", others=("../../new/another name.png",)),
    )


def test_two_images_of_one_content_never_share_a_file(known: Path, photos: Path) -> None:
    with Store.open(known) as store:
        store.update_image(2, content_hash=store.image(1).content_hash)
    (photos / "1.png").unlink()
    (photos / "0.png").rename(photos / "moved.png")
    report = run(known, photos)
    assert [(each.before, each.after) for each in report.found] == [("../0.png", "../moved.png")]
    assert report.missing == ("../1.png: files with its content are other images",)
    [line] = run(known, photos).missing  # the file is the first image's now
    assert line == "../1.png: another image has its content: ../moved.png"


def test_of_two_images_of_one_content_the_annotated_one_gets_the_file(
    known: Path, photos: Path, tmp_path: Path
) -> None:
    """A photo that was renamed may have been added under its new name, too."""
    with Store.open(known) as store:
        store.update_image(4, content_hash=store.image(1).content_hash)
    (photos / "0.png").unlink()
    write_picture(photos / "3.png", 0)
    report = run(known, move(photos, tmp_path / "new", "3.png"))
    assert [(each.before, each.after) for each in report.found] == [("../0.png", "../../new/3.png")]


def test_the_same_name_with_another_content_is_not_taken(
    known: Path, photos: Path, tmp_path: Path
) -> None:
    (photos / "0.png").unlink()
    write_picture(tmp_path / "new" / "0.png", 77)
    report = run(known, tmp_path / "new")
    assert (report.found, report.missing) == ((), ("../0.png",))
    with Store.open(known, read_only=True) as store:
        assert store.image(1).path == "../0.png"


def test_pages_of_one_file_move_together(known: Path, photos: Path, tmp_path: Path) -> None:
    with Store.open(known) as store:
        values = {"path": "../0.png", "page": 1, "content_hash": store.image(1).content_hash}
        store._images.set_columns(2, values)
    report = run(known, move(photos, tmp_path / "new", "0.png"))
    assert len(report.found) == 1
    with Store.open(known, read_only=True) as store:
        assert [(store.image(n).path, store.image(n).page) for n in (1, 2)] == [
            ("../../new/0.png", 0),
            ("../../new/0.png", 1),
        ]


class TestUnknownContent:
    """A hash that was never computed: name and pixels have to do."""

    @pytest.fixture
    def unknown(self, known: Path) -> Path:
        with Store.open(known) as store:
            store.update_image(4, content_hash="")
        return known

    def test_one_file_of_that_name_and_size_is_a_guess(
        self, unknown: Path, photos: Path, tmp_path: Path
    ) -> None:
        new = move(photos, tmp_path / "new", "3.png")
        write_picture(new / "other" / "3.png", width=WIDTH + 1, height=HEIGHT)
        report = run(unknown, new)
        assert report.found == (Relinked("../3.png", "../../new/3.png", guessed=True),)
        with Store.open(unknown, read_only=True) as store:
            assert store.image(4).content_hash == content_hash(new / "3.png")

    def test_two_of_them_are_left_to_the_person(
        self, unknown: Path, photos: Path, tmp_path: Path
    ) -> None:
        new = move(photos, tmp_path / "new", "3.png")
        write_picture(new / "other" / "3.png")
        report = run(unknown, new)
        assert report.found == ()
        [line] = report.missing
        assert "could be it: ../../new/3.png, ../../new/other/3.png" in line


def test_cancelled_leaves_all_as_it_was(known: Path, photos: Path, tmp_path: Path) -> None:
    new = move(photos, tmp_path / "new")
    counts: list[tuple[int, int]] = []
    with Store.open(known) as store:
        before = store.images()
        report = relink(
            store,
            new,
            on_progress=lambda *count: counts.append(count),
            should_stop=lambda: len(counts) == 2,
        )
        assert report == RelinkReport(cancelled=True)
        assert counts == [(1, 4), (2, 4)]
        assert store.images() == before


def test_the_noted_folder_of_images_moves_too(known: Path, photos: Path, tmp_path: Path) -> None:
    with Store.open(known) as store:
        note_images_folder(store, photos / "gone")
        relink(store, move(photos, tmp_path / "far" / "new"))
        assert images_folder_of(store) == tmp_path / "far" / "new"


def test_what_is_no_folder_is_refused(known: Path, photos: Path, tmp_path: Path) -> None:
    move(photos, tmp_path / "new")
    with pytest.raises(ProjectError, match="nowhere is not a folder"):
        run(known, tmp_path / "nowhere")


@pytest.mark.parametrize("how", [shutil.move, shutil.copytree])
def test_a_project_folder_that_is_moved_or_copied_with_its_images_finds_them(
    known: Path, photos: Path, tmp_path: Path, how: object
) -> None:
    how(photos, tmp_path / "renamed")  # type: ignore[operator]
    assert paths(tmp_path / "renamed" / ".mrcnn") == [f"../{number}.png" for number in range(4)]
    with Store.open(tmp_path / "renamed" / ".mrcnn") as store:
        assert store.image_path(store.image(1)) == tmp_path / "renamed" / "0.png"
        assert store.load_document(1).instances


def test_a_project_that_lay_beside_its_images_is_relinked(
    known: Path, photos: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.move(known, tmp_path / "elsewhere" / "project"))
    with Store.open(moved, read_only=True) as store:
        assert not store.image_path(store.image(1)).is_file()
    assert run(moved, photos).missing == ()
    assert paths(moved) == [f"../../photos/{number}.png" for number in range(4)]
