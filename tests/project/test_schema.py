"""Migrations: numbered steps, each whole or not made, after a backup."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mrcnn_gui.project.schema import MIGRATIONS
from mrcnn_gui.project.store import CommitError, ProjectError, Store

ADD_NOTE = ("ALTER TABLE images ADD COLUMN note TEXT NOT NULL DEFAULT 'new'",)
BROKEN = ("CREATE TABLE half (a)", "INSERT INTO nowhere VALUES (1)")


@pytest.fixture
def old(store: Store) -> Path:
    store.close()
    return store.folder


def use(monkeypatch: pytest.MonkeyPatch, *steps: tuple[str, ...]) -> None:
    monkeypatch.setattr("mrcnn_gui.project.opening.MIGRATIONS", (*MIGRATIONS, *steps))


def read(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_an_older_project_is_brought_up_to_date_after_a_backup(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, ADD_NOTE, ("CREATE TABLE extra (a)",))
    with Store.open(old) as store:
        assert len(store.images()) == 1
    assert read(old / "project.db", "PRAGMA user_version") == [(3,)]
    assert read(old / "project.db", "SELECT note FROM images") == [("new",)]
    backup = old / "backups" / "project-format-1.db"
    assert read(backup, "PRAGMA user_version") == [(1,)]
    assert read(backup, "SELECT path FROM images") == [("../a.jpg",)]


def test_a_failing_step_leaves_the_version_before_it(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, ADD_NOTE, BROKEN)
    with pytest.raises(CommitError, match="nowhere"):
        Store.open(old)
    path = old / "project.db"
    assert read(path, "PRAGMA user_version") == [(2,)]
    assert read(path, "SELECT name FROM sqlite_schema WHERE name = 'half'") == []
    use(monkeypatch, ADD_NOTE)
    with Store.open(old) as store:
        assert len(store.images()) == 1


def test_a_project_that_cannot_be_backed_up_is_left_alone(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old / "backups").write_text("in the way")
    use(monkeypatch, ADD_NOTE)
    with pytest.raises(ProjectError, match="backups"):
        Store.open(old)
    assert read(old / "project.db", "PRAGMA user_version") == [(1,)]


def test_a_reader_does_not_migrate(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, ADD_NOTE)
    with pytest.raises(ProjectError, match="older format 1"):
        Store.open(old, read_only=True)
    assert read(old / "project.db", "PRAGMA user_version") == [(1,)]
