"""No write-ahead log where machines share no memory; readers stop no writer there, either."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mrcnn_gui.project.backups import back_up
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.errors import CommitError, StorageError
from mrcnn_gui.project.network_folder import (
    is_network_folder,
    is_remote_type,
    parse_mount_command,
    parse_proc_mounts,
    type_of,
)
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from tests.project.samples import fill, instance, suggestion

PROC_MOUNTS = r"""sysfs /sys sysfs rw 0 0
/dev/sda1 / ext4 rw,relatime 0 0
server:/export /mnt/team\040photos nfs4 rw 0 0
//nas/share /mnt/nas cifs rw 0 0
/dev/sdb1 /mnt/nas/stick fuseblk rw 0 0
me@host:/ /mnt/ssh fuse.sshfs rw 0 0
/dev/sdc1 /mnt/nasty ext4 rw 0 0
"""
MOUNT_OF_MACOS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//me@nas/share on /Volumes/my share (smbfs, nodev, nosuid, mounted by me)
"""


@pytest.mark.parametrize(
    ("path", "kind", "remote"),
    [
        ("/home/me", "ext4", False),
        ("/mnt/team photos", "nfs4", True),
        ("/mnt/team photos/a/b", "nfs4", True),
        ("/mnt/nas/a", "cifs", True),
        ("/mnt/nas/stick/a", "fuseblk", False),
        ("/mnt/nasty/a", "ext4", False),
        ("/mnt/ssh", "fuse.sshfs", True),
    ],
)
def test_the_innermost_mount_tells(path: str, kind: str, remote: bool) -> None:
    found = type_of(path, parse_proc_mounts(PROC_MOUNTS))
    assert (found, is_remote_type(found)) == (kind, remote)


def test_what_macos_prints() -> None:
    mounts = parse_mount_command(MOUNT_OF_MACOS)
    assert type_of("/Volumes/my share/a", mounts) == "smbfs"
    assert type_of("/Users/me", mounts) == "apfs"


def test_this_folder_is_local_and_a_mount_over_it_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_network_folder(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    mounts = [("/", "ext4"), (str(tmp_path.resolve()), "nfs")]
    monkeypatch.setattr("mrcnn_gui.project.network_folder._mounts", lambda: mounts)
    assert is_network_folder(link / "a")
    assert not is_network_folder(tmp_path.parent)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrcnn_gui.project.database.is_network_folder", lambda _: True)
    monkeypatch.setattr("mrcnn_gui.project.database._BUSY_SECONDS", 0.0)


@pytest.fixture
def shared(network: None, tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "shared")
    fill(store)
    return store


def beside(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.db-*") if path.stat().st_size}


def test_there_is_no_log_and_every_commit_is_synchronised(shared: Store) -> None:
    with shared, shared.companion() as other, SuggestionStore(shared.folder) as suggestions:
        other.insert_instances(1, [instance(1)])
        suggestions.replace("ff", "v1", [suggestion()])
        assert shared.instance_counts() == {1: 1}
        assert beside(shared.folder) == set()
        assert shared._database.execute("PRAGMA journal_mode") == [("truncate",)]
        assert shared._database.execute("PRAGMA synchronous") == [(2,)]
        with Store.open(shared.folder, read_only=True) as reader:
            assert reader.instance_counts() == {1: 1}
    assert Path(shared.folder, "project.db").read_bytes()[18:20] == b"\1\1"


def test_a_long_reader_stops_no_writer_and_sees_one_moment(shared: Store) -> None:
    with shared, Store.open(shared.folder, read_only=True) as reader:
        with reader.frozen():
            assert reader.instance_counts() == {}
            shared.insert_instances(1, [instance(1)])
            assert reader.instance_counts() == {}
            assert reader.image_path(reader.image(1)) == shared.image_path(shared.image(1))
        assert reader.instance_counts() == {1: 1}


def test_a_large_import_stops_no_reader_until_it_is_committed(shared: Store) -> None:
    with shared, shared.companion() as other, other.transaction():
        other._database.execute("PRAGMA cache_size = 10")
        other.insert_instances(1, [instance(number) for number in range(1, 3000)])
        assert shared.instance_counts() == {}


def test_a_backup_is_made_beside_the_writer(shared: Store) -> None:
    with shared:
        made = back_up(shared.folder, now=datetime(2026, 3, 1, tzinfo=UTC))
        assert made is not None
        with closing(sqlite3.connect(made)) as copy:
            assert copy.execute("SELECT count(*) FROM images").fetchone() == (1,)


def test_a_copy_in_steps_ends_although_others_write_all_the_time(
    shared: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrcnn_gui.project.private_copy._STEP_PAGES", 1)
    with shared, Store.open(shared.folder, read_only=True) as reader:
        written: list[str] = []

        class Written(sqlite3.Connection):
            def backup(self, target: sqlite3.Connection, **options: object) -> None:
                watch = options.pop("progress", None)

                def write(*counts: int) -> None:
                    if counts[1] < 10:
                        written.append(str(len(written)))
                        shared.set_setting("a", written[-1])
                    watch(*counts)  # type: ignore[operator]

                if watch is not None:
                    options["progress"] = write
                super().backup(target, **options)  # type: ignore[arg-type]

        uri = f"file:{shared.folder}/project.db?mode=ro"
        reader._database._connection.close()
        reader._database._connection = sqlite3.connect(uri, uri=True, factory=Written)
        with reader.frozen():
            assert reader.setting("a") == written[-1]
        assert len(written) > 3


def test_a_project_with_a_log_is_read_as_a_copy_and_switched_by_its_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.create(tmp_path) as store:
        fill(store)
    assert (tmp_path / "project.db").read_bytes()[18:20] == b"\2\2"
    monkeypatch.setattr("mrcnn_gui.project.database.is_network_folder", lambda _: True)
    with Store.open(tmp_path, read_only=True) as reader:
        assert len(reader.images()) == 1
        assert beside(tmp_path) == set()
    with Store.open(tmp_path) as store, Store.open(tmp_path, read_only=True) as reader:
        store.insert_instances(1, [instance(1)])
        assert reader.instance_counts() == {1: 1}
        assert beside(tmp_path) == set()
    monkeypatch.undo()
    with Store.open(tmp_path) as store:  # copied back
        assert store._database.execute("PRAGMA journal_mode") == [("wal",)]
        assert store.instance_counts() == {1: 1}


def test_commits_that_wait_in_a_log_are_not_lost_by_the_switch(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.insert_instances(1, [instance(1)])
    target = tmp_path / "project.db"
    for suffix in ("", "-wal"):
        data = (store.folder / f"project.db{suffix}").read_bytes()
        target.with_name(target.name + suffix).write_bytes(data)
    monkeypatch.setattr("mrcnn_gui.project.database.is_network_folder", lambda _: True)
    database = Database(target)
    database.make_durable()
    assert database.execute("SELECT id FROM instances") == [(1,)]
    assert beside(tmp_path) == set()
    database.close()


def test_a_log_that_somebody_reads_is_not_switched(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.insert_instances(1, [instance(1)])
    monkeypatch.setattr("mrcnn_gui.project.database.is_network_folder", lambda _: True)
    monkeypatch.setattr("mrcnn_gui.project.database._BUSY_SECONDS", 0.0)
    database = Database(store.folder / "project.db")
    with pytest.raises(StorageError, match="locked"):
        database.make_durable()
    database.close()
    store.insert_instances(1, [instance(2)])
    assert store.instance_counts() == {1: 2}


def test_a_file_with_another_number_is_written_and_one_that_is_gone_is_not(
    shared: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrcnn_gui.project.database._identity", lambda _: (1, 2))
    shared.set_setting("a", "b")
    monkeypatch.setattr("mrcnn_gui.project.database._identity", lambda _: None)
    with pytest.raises(CommitError, match="not there any more"):
        shared.set_setting("a", "c")
    assert shared.setting("a") == "b"
    shared.close()
