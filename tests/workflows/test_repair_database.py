"""A damaged project.db: what can be read is kept, the backup fills the gaps."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mrcnn_gui.project.backups import back_up
from mrcnn_gui.project.edits import AddInstance, Edit, PaintMask
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from tests.workflows.conftest import human, rectangle
from tests.workflows.test_repair import ASIDE, BACKED_UP, change, document, mend, push, rest

COUNT = 400


def overwrite(path: Path, marker: str) -> None:
    """Put nonsense in the place of the page that holds a text."""
    data = bytearray(path.read_bytes())
    start = data.find(marker.encode()) // 4096 * 4096
    assert start > 0
    data[start : start + 4096] = b"\x07" * 4096
    path.write_bytes(data)


@pytest.fixture
def large(project: Path) -> Path:
    """Many imported instances on an image, over many pages of the file."""
    with Store.open(project) as store, store.transaction():
        for _ in range(COUNT):
            made = human(store, rectangle(1, 1, 5, 5))
            store.insert_instances(2, [made])
        store._database.execute(
            "UPDATE instances SET original = 'marker ' || id || ';' || hex(zeroblob(100))"
        )
    change(project, "VACUUM")  # no page is left that was one of these before
    return project


def test_indices_are_built_anew(large: Path) -> None:
    name = "instances_by_image"
    with closing(sqlite3.connect(large / "project.db", isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        row = database.execute("SELECT * FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
        database.execute("DELETE FROM sqlite_schema WHERE name = ?", (name,))
    change(large, "UPDATE instances SET image_id = 3 WHERE id > 100")
    with closing(sqlite3.connect(large / "project.db", isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row)
    assert rest(large)
    assert mend(large) == ["project.db: its indices were built anew"]
    assert rest(large) == []
    assert (len(document(large, 2).instances), len(document(large, 3).instances)) == (100, 300)


@pytest.mark.parametrize(
    ("markers", "backed_up"),
    [((200,), False), ((1, 120, 300, COUNT), False), ((1, 120, 300, COUNT), True)],
)
def test_rows_are_salvaged(large: Path, markers: tuple[int, ...], backed_up: bool) -> None:
    before, first = document(large, 2), push(large, *drawn_edits(large))
    made = back_up(large, now=BACKED_UP) if backed_up else None
    for marker in markers:
        overwrite(large / "project.db", f"marker {marker};")
    assert rest(large)
    lines = mend(large)
    assert lines[0] == "project.db: it was written anew with all that can be read"
    assert rest(large) == []
    after = document(large, 2)
    if made is not None:
        assert f"from {made.name} and its edits since" in lines[-1]
        assert after == before
    else:
        lost = before.instances.keys() - after.instances.keys()
        assert set(markers) <= lost
        assert len(lost) < 30 * len(markers)  # no more than the pages that were overwritten
        assert {it: after.instances[it] for it in after.instances} == {
            it: before.instances[it] for it in after.instances
        }
    assert document(large, 1) == first
    with Store.open(large) as store:
        assert store.new_instance_id() == max(first.instances) + 1


def drawn_edits(project: Path) -> list[Edit]:
    with Store.open(project) as store:
        return [AddInstance(human(store, rectangle(9, 9, 9, 9)))]


def test_edits_since_the_backup_are_in_what_comes_from_it(large: Path) -> None:
    back_up(large, now=BACKED_UP)
    before = push(large, PaintMask(200, rectangle(20, 20, 5, 5)), image_id=2)
    change(large, "UPDATE instances SET attributes = '{\"painted\": 1}' WHERE id = 200")
    overwrite(large / "project.db", '{"painted": 1}')
    assert mend(large)
    assert document(large, 2) == before


@pytest.mark.parametrize("logged", [True, False])
def test_rows_of_images_come_from_the_backup(large: Path, logged: bool) -> None:
    push(large, *drawn_edits(large))
    back_up(large, now=BACKED_UP)
    before = push(large, PaintMask(401, rectangle(20, 20, 5, 5)))
    if not logged:
        with Store.open(large) as store:
            before = store.load_document(1)
            History(store, before).undo()
    overwrite(large / "project.db", "../0.png")
    lines = mend(large)
    assert rest(large) == []
    assert document(large) == before
    assert any("its history begins anew" in line for line in lines) is not logged
    with Store.open(large) as store:
        assert store.edit_log(1).cursor == (2 if logged else 0)


def test_a_drawn_instance_that_was_lost_is_made_anew(large: Path) -> None:
    before = push(large, *drawn_edits(large))
    change(large, "UPDATE instances SET attributes = '{\"drawn\": 1}' WHERE id = 401")
    overwrite(large / "project.db", '{"drawn": 1}')
    assert "../0.png: instance 401: made anew from its edits" in mend(large)
    assert document(large) == before


def test_a_file_that_says_nothing_gives_way_to_the_backup(large: Path) -> None:
    before = document(large, 2)
    made = back_up(large, now=BACKED_UP)
    assert made is not None
    (large / "project.db").write_bytes(b"nonsense" * 1000)
    [told] = mend(large)
    assert told.startswith(f"project.db: nothing in it could be read: {made.name} took its")
    assert document(large, 2) == before
    assert (large / ASIDE / "project.db").read_bytes() == b"nonsense" * 1000


def test_without_a_backup_it_is_left_as_it_is(large: Path) -> None:
    (large / "project.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(ProjectError, match="there is no backup of it"):
        mend(large)
    assert (large / "project.db").read_bytes() == b"nonsense" * 1000


def test_a_damaged_backup_is_passed_over(large: Path) -> None:
    old = back_up(large, now=BACKED_UP)
    (large / "backups" / "project-20260228-000000.db").write_bytes(b"nonsense" * 1000)
    (large / "project.db").write_bytes(b"nonsense" * 1000)
    assert old is not None
    assert old.name in mend(large)[0]
