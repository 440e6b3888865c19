"""Nothing that a COCO file says leads out of the images folder."""

import sys
from pathlib import Path

import pytest

from core.formats.coco_fields import CocoError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_import import ImportOptions, import_coco
from mrcnn_gui.workflows.coco_paths import LinkCheck, image_path
from mrcnn_gui.workflows.import_report import ImportReport
from tests.workflows.conftest import write_picture
from tests.workflows.test_coco_import import coco, write

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


@pytest.mark.parametrize(
    "name",
    [
        *("../a.png", "sub/../../a.png", "..\\a.png", "sub\\..\\..\\a.png", ".."),
        *("/etc/hosts", "\\a.png", "C:\\a.png", "c:a.png", "//server/share/a.png"),
        *("\\\\server\\share\\a.png", "\\\\?\\C:\\a.png", "\\\\.\\PhysicalDrive0"),
        *("http://a/b.png", "file:///etc/hosts", "s3://bucket/a.png"),
    ],
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CocoError, match=r"file_name .* (leads out of|is an address)"):
        image_path(tmp_path, name)


@pytest.mark.parametrize("name", ["NUL", "nul.png", "sub/CON", "aux .png", "COM1.jpg", "a.png:b"])
def test_devices_are_refused_where_they_are_devices(tmp_path: Path, name: str) -> None:
    with pytest.raises(CocoError, match="is the name of a device"):
        image_path(tmp_path, name, windows=True)
    assert image_path(tmp_path, name, windows=False).is_relative_to(tmp_path)


@pytest.mark.parametrize("name", ["a.png", "./a.png", "sub\\b c.png", "ü/..x.png", "console.png"])
def test_a_name_inside_is_taken(tmp_path: Path, name: str) -> None:
    path = image_path(tmp_path, name, windows=True)
    assert path.is_relative_to(tmp_path)
    assert ".." not in path.parts


@pytest.fixture
def linked(project: Path, tmp_path: Path) -> Path:
    """A COCO file whose second image is a link to a picture outside the folder."""
    write_picture(tmp_path / "outside" / "secret.png", 9)
    (tmp_path / "photos" / "link.png").symlink_to(tmp_path / "outside" / "secret.png")
    dataset = coco()
    dataset["images"][1]["file_name"] = "link.png"
    return write(tmp_path, dataset)


def taken(project: Path, path: Path, *, follow_links: bool = False) -> ImportReport:
    with Store.open(project) as store:
        options = ImportOptions(follow_links=follow_links)
        return import_coco(store, path, project.parent, options)


@posix_only
def test_a_link_out_of_the_folder_is_refused_unless_links_are_followed(
    project: Path, linked: Path
) -> None:
    report = taken(project, linked)
    assert report.images == 1
    assert report.problems == ("link.png: it is a link that leads out of the images folder",)
    assert taken(project, linked, follow_links=True).images == 2


@posix_only
def test_a_link_that_the_project_has_already_is_taken(project: Path, linked: Path) -> None:
    with Store.open(project) as store:
        store.add_images([project.parent / "link.png"])
    assert taken(project, linked).problems == ()


@posix_only
def test_links_within_the_folder_and_to_the_folder_are_no_way_out(tmp_path: Path) -> None:
    write_picture(tmp_path / "photos" / "sub" / "a.png")
    (tmp_path / "photos" / "b.png").symlink_to(tmp_path / "photos" / "sub" / "a.png")
    (tmp_path / "photos" / "loop.png").symlink_to("loop.png")
    (tmp_path / "photos" / "up").symlink_to(tmp_path)
    (tmp_path / "short").symlink_to(tmp_path / "photos")
    check = LinkCheck(tmp_path / "short")
    for name in ("sub/a.png", "b.png", "gone.png", "up/photos/b.png"):
        assert not check.leads_out(tmp_path / "short" / name)
    for name in ("up/x.png", "loop.png"):
        assert check.leads_out(tmp_path / "short" / name)
