"""What cannot be written can be read, with all that was committed."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.errors import CommitError, NotWritableError, ProjectError, StorageError
from mrcnn_gui.project.private_copy import PrivateCopy
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.services.store_opening import open_store
from tests.helpers.media import read_only_medium
from tests.project.samples import instance, suggestion


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where private copies are made, to see that none is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def killed(store: Store, target: Path, *suffixes: str) -> Path:
    """A project as a killed writer leaves it: its last commits are in the log alone."""
    store.insert_instances(1, [instance(1)])
    target.mkdir()
    for suffix in ("", *suffixes):
        shutil.copy(store.folder / f"project.db{suffix}", target)
    return target


@pytest.mark.parametrize("suffixes", [("-wal",), ("-wal", "-shm")])
def test_a_project_with_a_leftover_log(
    store: Store, tmp_path: Path, temporary: Path, suffixes: tuple[str, ...]
) -> None:
    folder = killed(store, tmp_path / "medium", *suffixes)
    with closing(sqlite3.connect(f"file:{folder}/project.db?immutable=1", uri=True)) as alone:
        assert alone.execute("SELECT count(*) FROM instances").fetchone() == (0,)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with read_only_medium(folder):
        opened, reason = open_store(folder)
        with opened:
            assert "cannot write in" in reason
            assert opened.instance_counts() == {1: 1}
            with opened.frozen():
                assert opened.load_document(1).instances.keys() == {1}
            with pytest.raises(CommitError, match="readonly"):
                opened.set_setting("a", "b")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not list(temporary.iterdir())


def test_a_project_that_was_closed(store: Store, temporary: Path) -> None:
    store.insert_instances(1, [instance(1)])
    store.close()
    before = sorted(path.name for path in store.folder.iterdir())
    with read_only_medium(store.folder):
        with Store.open(store.folder, read_only=True) as reader:
            assert reader.instance_counts() == {1: 1}
        with pytest.raises(NotWritableError, match="cannot write in"):
            Store.open(store.folder)
    assert sorted(path.name for path in store.folder.iterdir()) == before
    assert not list(temporary.iterdir())


def test_suggestions(store: Store, temporary: Path) -> None:
    found: list[Suggestion] = [suggestion()]
    with SuggestionStore(store.folder) as suggestions:
        suggestions.replace("ff", "v1", found)
    store.close()
    with (
        read_only_medium(store.folder),
        SuggestionStore(store.folder, read_only=True) as suggestions,
    ):
        assert suggestions.for_image("ff") == found
        assert suggestions.ran_with("ff") == "v1"
    assert not list(temporary.iterdir())


def test_an_older_project_says_what_to_do(tmp_path: Path) -> None:
    dump = Path(__file__).parent / "formats" / "1.sql"
    folder = tmp_path / "old"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "project.db")) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    with (
        read_only_medium(folder),
        pytest.raises(ProjectError, match=r"older format 1: copy .* to where it can be written"),
    ):
        Store.open(folder, read_only=True)


def test_a_file_that_changes_all_the_time_is_not_copied(
    store: Store, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr("mrcnn_gui.project.private_copy._state", lambda _: next(ticks))
    with pytest.raises(StorageError, match="is being written to"):
        PrivateCopy.of_files(store.folder / "project.db")
    assert not list(temporary.iterdir())


def test_a_medium_that_fails_while_it_is_copied(
    store: Store, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StorageError, match="only be read as a copy, which failed: No space"):
        PrivateCopy.of_files(store.folder / "project.db")
    assert not list(temporary.iterdir())
