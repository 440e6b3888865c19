"""Migrations: numbered steps, each whole or not made, after a backup."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mrcnn_gui.project.annotation import Provenance, Side, Source, Verdict
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.history import History
from mrcnn_gui.project.schema import MIGRATIONS
from mrcnn_gui.project.store import CommitError, ProjectError, Store
from tests.project.samples import block, suggestion

PAST_FORMATS = sorted((Path(__file__).parent / "formats").glob("*.sql"))
ADD_NOTE = ("ALTER TABLE images ADD COLUMN note TEXT NOT NULL DEFAULT 'new'",)
NOW = len(MIGRATIONS)
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


def test_every_format_has_a_project_here() -> None:
    assert [path.stem for path in PAST_FORMATS] == [str(n + 1) for n in range(len(MIGRATIONS))]


@pytest.mark.parametrize("dump", PAST_FORMATS, ids=lambda path: path.stem)
def test_a_project_of_every_past_format_opens_with_all_its_edits(
    tmp_path: Path, dump: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "project.db")) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
        connection.commit()
    with Store.open(tmp_path) as store:
        document = store.load_document(1)
        history = History(store, document)
        assert (history.undo_title, history.redo_title) == ("Mark as done", "Delete instance")
        assert document.instances[1].mask == block(1, 2, 3, 4).xor(block(2, 3, 4, 5))
        assert document.instances[1].attributes == {"note": "ü"}
        assert document.instances[2].provenance == Provenance(Source.MODEL, "v1", 0.5)
        verdicts = {key: each.verdict for key, each in document.decisions.items()}
        assert verdicts == {
            suggestion().key: Verdict.ACCEPTED,
            suggestion(x=9).key: Verdict.REJECTED,
        }
        assert store.image(1).side is Side.TRAIN
        assert store.setting("active_model") == "v2"
        assert [category.id for category in store.categories()] == [1, 2, 7]
        while history.can_undo:
            history.undo()
        assert document == store.load_document(1)
        assert replace(document, regions={}) == ImageDocument(1, 20, 16)
        assert set(document.regions) == (set() if dump.stem == "1" else {1})


def test_an_older_project_is_brought_up_to_date_after_a_backup(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, ADD_NOTE, ("CREATE TABLE extra (a)",))
    with Store.open(old) as store:
        assert len(store.images()) == 1
    assert read(old / "project.db", "PRAGMA user_version") == [(NOW + 2,)]
    assert read(old / "project.db", "SELECT note FROM images") == [("new",)]
    backup = old / "backups" / f"project-format-{NOW}.db"
    assert read(backup, "PRAGMA user_version") == [(NOW,)]
    assert read(backup, "SELECT path FROM images") == [("../a.jpg",)]


def test_a_failing_step_leaves_the_version_before_it(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, ADD_NOTE, BROKEN)
    with pytest.raises(CommitError, match="nowhere"):
        Store.open(old)
    path = old / "project.db"
    assert read(path, "PRAGMA user_version") == [(NOW + 1,)]
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
    assert read(old / "project.db", "PRAGMA user_version") == [(NOW,)]


def test_a_reader_does_not_migrate(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, ADD_NOTE)
    with pytest.raises(ProjectError, match=f"older format {NOW}"):
        Store.open(old, read_only=True)
    assert read(old / "project.db", "PRAGMA user_version") == [(NOW,)]
