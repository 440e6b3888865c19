import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mrcnn_gui.project.backups import KEPT, back_up, newest_backup
from mrcnn_gui.project.errors import DamagedProjectError, ProjectError
from mrcnn_gui.project.store import Store
from tests.project.samples import instance

NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def names(store: Store) -> list[str]:
    return sorted(path.name for path in (store.folder / "backups").iterdir())


def test_a_backup_holds_what_was_committed_a_moment_ago(store: Store) -> None:
    store.insert_instances(1, [instance(1)])
    made = back_up(store.folder, now=NOW)
    assert made == store.folder / "backups" / "project-20260301-120005.db"
    assert names(store) == [made.name]
    with closing(sqlite3.connect(made)) as copy:
        assert copy.execute("SELECT count(*) FROM instances").fetchone() == (1,)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_opens_as_a_project(store: Store, tmp_path: Path) -> None:
    made = back_up(store.folder, now=NOW)
    assert made is not None
    (tmp_path / "restored").mkdir()
    made.rename(tmp_path / "restored" / "project.db")
    with Store.open(tmp_path / "restored") as restored:
        assert restored.categories() == store.categories()
        assert len(restored.images()) == 1


def test_there_is_one_backup_a_day(store: Store) -> None:
    assert back_up(store.folder, now=NOW)
    assert back_up(store.folder, now=NOW + DAY - timedelta(seconds=1)) is None
    assert back_up(store.folder, now=NOW + DAY)
    assert len(names(store)) == 2


def test_the_newest_are_kept_and_other_files_are_left_alone(store: Store) -> None:
    others = ["notes.txt", "project-format-1.db"]
    (store.folder / "backups").mkdir()
    for name in others:
        (store.folder / "backups" / name).write_text("mine")
    made = [back_up(store.folder, now=NOW + day * DAY) for day in range(KEPT + 2)]
    assert names(store) == sorted([*others, *(path.name for path in made[-KEPT:] if path)])


def test_a_clock_that_was_set_back_stops_no_backup(store: Store) -> None:
    for day in range(KEPT):
        back_up(store.folder, now=NOW + (100 + day) * DAY)
    made = [back_up(store.folder, now=NOW), back_up(store.folder, now=NOW + DAY)]
    assert {path.name for path in made if path} == set(names(store)[:2])
    assert len(names(store)) == KEPT


def test_the_newest_is_not_one_that_a_wrong_clock_put_into_the_future(store: Store) -> None:
    assert newest_backup(store.folder, now=NOW) is None
    ahead = back_up(store.folder, now=NOW + 100 * DAY)
    assert newest_backup(store.folder, now=NOW) == ahead
    made = [back_up(store.folder, now=NOW + day * DAY) for day in range(2)]
    assert newest_backup(store.folder, now=NOW + 2 * DAY) == made[1]
    assert made[1] is not None
    made[1].write_bytes(b"nonsense")
    assert newest_backup(store.folder, now=NOW + 2 * DAY) == made[0]


def test_a_project_without_images_is_not_backed_up(tmp_path: Path) -> None:
    with Store.create(tmp_path / "empty") as store:
        assert back_up(store.folder, now=NOW) is None
        assert not (store.folder / "backups").exists()


def test_a_failure_is_told_and_leaves_nothing_half_made(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.files._synchronise", full)
    with pytest.raises((ProjectError, OSError), match="No space left"):
        back_up(store.folder, now=NOW)
    assert names(store) == []


def test_a_damaged_project_is_not_backed_up(store: Store) -> None:
    store.close()
    path = store.folder / "project.db"
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 6] = b"\x07" * (4096 * 3)
    path.write_bytes(data)
    with pytest.raises(DamagedProjectError, match=r"(?s)project\.db is damaged .*mrcnn-gui doctor"):
        back_up(store.folder, now=NOW)
    assert not (store.folder / "backups").exists()
