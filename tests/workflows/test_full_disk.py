"""A disk that is full leaves the project and the old file as they were."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.coco_import import import_coco
from mrcnn_gui.workflows.export_options import ExportOptions
from tests.crash.bulk import Exporting, Importing
from tests.helpers.media import small_disk

Disk = Callable[[Path], AbstractContextManager[None]]
_ROOM = 300_000  # bytes of a file: less than the import and the export need


@contextmanager
def limited(folder: Path) -> Iterator[None]:
    """No file may grow further: like a full disk, for those who may not mount one."""
    if sys.platform == "win32":
        pytest.skip("Windows limits no files")
    import resource

    folder.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    with small_disk(folder, 1):
        yield


@pytest.fixture(params=[limited, mounted])
def disk(request: pytest.FixtureRequest) -> Disk:
    return request.param  # type: ignore[no-any-return]


def test_an_import_is_taken_back_wholly(disk: Disk, tmp_path: Path) -> None:
    source = tmp_path / "source"
    Importing().prepare(source)
    with disk(tmp_path / "disk"):
        with Store.create(tmp_path / "disk" / "project") as store:
            store.add_category("mine")
            before = store.images(), store.categories()
            with pytest.raises(ProjectError, match="could not be saved"):
                import_coco(store, source / "coco.json", source / "photos")
            assert (store.images(), store.categories()) == before
            assert store.instance_counts() == {}
            store.add_category("and on it goes")
        with Store.open(tmp_path / "disk" / "project") as store:
            assert [each.name for each in store.categories()] == ["mine", "and on it goes"]


def test_an_export_leaves_the_old_file(disk: Disk, tmp_path: Path) -> None:
    source = tmp_path / "source"
    Exporting().prepare(source)
    out = tmp_path / "disk" / "out.json"
    with disk(out.parent):
        out.write_text("old")
        if disk is mounted:  # as much as there is room for, less a little
            (out.parent / "fill").write_bytes(bytes(900_000))
        with pytest.raises(ProjectError, match="cannot write"):
            export_coco(source, out, ExportOptions(all_images=True))
        assert out.read_text() == "old"
        assert {path.name for path in out.parent.iterdir()} <= {"out.json", "fill"}
