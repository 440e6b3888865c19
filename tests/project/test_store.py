"""The project on disk: what is written is read back, and wrong files are refused."""

import sqlite3
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.images import content_hash
from mrcnn_gui.project.annotation import (
    ImageEntry,
    Instance,
    Provenance,
    ReviewStatus,
    Side,
    Source,
)
from mrcnn_gui.project.edits import AddInstance, PaintMask, SetReviewStatus
from mrcnn_gui.project.history import History
from mrcnn_gui.project.schema import MIGRATIONS
from mrcnn_gui.project.store import (
    CommitError,
    DamagedProjectError,
    NewerProjectError,
    NotAProjectError,
    ProjectError,
    Store,
    find_project,
)
from tests.project.samples import block, fill, instance

TODO, IN_PROGRESS, DONE = ReviewStatus


def reopened(store: Store) -> Store:
    store.close()
    return Store.open(store.folder)


def test_images_are_added_once_in_order(tmp_path: Path) -> None:
    photos = [tmp_path / name for name in ("b.jpg", "a.jpg", "sub/c.jpg")]
    with Store.create(tmp_path / ".mrcnn") as store:
        added = store.add_images([*photos, photos[0]])
        assert [entry.path for entry in added] == ["../b.jpg", "../a.jpg", "../sub/c.jpg"]
        assert added[0] == ImageEntry(1, "../b.jpg", 0, 0, "", TODO, None, "", 1)
        assert [entry.id for entry in store.add_images([photos[1], tmp_path / "d.jpg"])] == [4]
        assert store.images()[:3] == added
        assert [store.image_path(entry) for entry in added] == photos


def test_what_reading_a_file_tells_is_noted(store: Store) -> None:
    entry = store.update_image(1, width=7, problem="cut off")
    assert (entry.width, entry.height, entry.problem) == (7, 16, "cut off")
    assert store.update_image(1) == entry
    with reopened(store) as again:
        assert again.image(1) == entry
        assert again.update_image(1, problem="").problem == ""


def test_an_image_that_is_not_there_is_told(store: Store) -> None:
    with pytest.raises(ProjectError, match="no image with the id 9"):
        store.load_document(9)


def test_categories_get_what_they_lack(tmp_path: Path) -> None:
    with Store.create(tmp_path) as store:
        for number in range(11):
            store.add_category(f"c{number}")
        own = store.add_category(" über ", color="#123456", category_id=90)
        assert (own.name, own.color, own.key) == ("über", "#123456", None)
        assert store.add_category("next").id == 91
        categories = store.categories()
        assert [category.key for category in categories[:10]] == [*range(1, 10), None]
        assert len({category.color for category in categories[:12]}) == 12
    with Store.open(tmp_path) as store:
        assert store.categories() == categories


@pytest.mark.parametrize("name", ["", "  ", "category 1", " category 1 "])
def test_a_category_needs_a_name_of_its_own(store: Store, name: str) -> None:
    before = store.categories()
    with pytest.raises(ValueError, match="category"):
        store.add_category(name)
    with pytest.raises(ValueError, match="category"):
        store.update_category(replace(before[1], name=name))
    with pytest.raises(ValueError, match="the id 7"):
        store.add_category("new", category_id=7)
    assert store.categories() == before


def test_categories_are_changed(store: Store) -> None:
    first, second, _ = store.categories()
    changed = replace(first, name="renamed", color="#000000", key=9)
    store.update_category(changed)
    store.update_category(changed)
    assert store.categories()[0] == changed
    with pytest.raises(ValueError, match="belongs to 'renamed'"):
        store.update_category(replace(second, key=9))
    with pytest.raises(ValueError, match="from 1 to 9"):
        store.update_category(replace(second, key=0))
    with pytest.raises(ValueError, match="no category with the id 5"):
        store.update_category(replace(second, id=5))


def test_instances_come_back_exactly(store: Store) -> None:
    model = Provenance(Source.MODEL, "v3", 0.1 + 0.2)
    all_fields = Instance(5, 7, block(3, 2, 5, 5), model, True, {"ü": [1, None]}, '{"id":4}')
    plain = instance(3, block(-4, 0, 9, 9))
    store.insert_instances(1, [all_fields, plain])
    with reopened(store) as again:
        assert again.instances(1) == [plain, all_fields]
        assert again.instance_counts() == {1: 2}
        assert again.new_instance_id() == 6


def test_an_instance_id_is_never_given_twice(store: Store) -> None:
    assert [store.new_instance_id(), store.new_instance_id()] == [1, 2]
    history = History(store, store.load_document(1))
    history.push(AddInstance(instance(2)))
    history.undo()
    assert store.new_instance_id() == 3
    with reopened(store) as again:
        assert again.new_instance_id() == 3  # 2 can come back by redo


def test_an_id_of_another_image_is_refused(store: Store) -> None:
    [other] = store.add_images([store.folder / "b.jpg"])
    store.insert_instances(other.id, [instance(4)])
    history = History(store, store.load_document(1))
    with pytest.raises(CommitError):
        history.push(AddInstance(instance(4)))
    assert store.instances(other.id) == [instance(4)]
    assert not history.can_undo


def test_settings(store: Store) -> None:
    assert store.setting("active_model", "starter") == "starter"
    store.set_setting("active_model", "v1")
    store.set_setting("active_model", "v2")
    with reopened(store) as again:
        assert again.setting("active_model", "starter") == "v2"


def test_the_side_is_decided_once_by_the_content(store: Store, tmp_path: Path) -> None:
    assert store.image(1).side is None
    store.set_status(1, DONE)
    assert store.image(1).side is Side.TRAIN  # its hash begins with ff
    store.update_image(1, content_hash="00" * 16)
    store.set_status(1, TODO)
    store.set_status(1, DONE)
    assert store.image(1).side is Side.TRAIN


def test_a_fifth_of_the_images_validate(tmp_path: Path) -> None:
    with Store.create(tmp_path) as store:
        entries = store.add_images(tmp_path / f"{number}.jpg" for number in range(500))
        with store.transaction():
            for number, entry in enumerate(entries):
                (tmp_path / f"{number}.jpg").write_bytes(str(number).encode())
                store.set_status(entry.id, DONE)
        sides = [entry.side for entry in store.images()]
        assert 0.15 < sides.count(Side.VALIDATION) / 500 < 0.25
        assert store.image(1).content_hash == content_hash(tmp_path / "0.jpg")


def test_an_image_that_is_gone_cannot_be_done(store: Store) -> None:
    store.update_image(1, content_hash="")
    history = History(store, store.load_document(1))
    with pytest.raises(CommitError, match=r"a\.jpg cannot be read"):
        history.push(SetReviewStatus(TODO, DONE))
    assert store.load_document(1).status is TODO
    assert not history.can_undo


def test_a_status_set_outside_the_history_can_be_undone_too(store: Store) -> None:
    History(store, store.load_document(1)).push(AddInstance(instance(1)))
    store.set_status(1, TODO)
    document = store.load_document(1)
    history = History(store, document)
    assert history.undo_title == "Mark as to do"
    history.undo()
    assert document.status is IN_PROGRESS
    history.undo()
    assert document.instances == {}


def test_only_the_changed_instance_is_written(store: Store) -> None:
    store.insert_instances(1, [instance(number) for number in range(1, 101)])
    written = "CREATE TEMP TABLE written (what TEXT, id INTEGER)"
    store._database.execute(written)
    for event, row in (("INSERT", "NEW"), ("DELETE", "OLD"), ("UPDATE", "NEW")):
        store._database.execute(
            f"CREATE TEMP TRIGGER on_{event} AFTER {event} ON main.instances BEGIN "
            f"INSERT INTO written VALUES ('{event}', {row}.id); END"
        )
    History(store, store.load_document(1)).push(PaintMask(50, block(0, 0, 2, 2)))
    assert store._database.execute("SELECT * FROM written") == [("DELETE", 50), ("INSERT", 50)]


def test_every_commit_is_synchronised(store: Store) -> None:
    def pragma(name: str) -> object:
        return store._database.execute(f"PRAGMA {name}")[0][0]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2  # FULL
    assert pragma("foreign_keys") == 1


def test_a_reader_sees_one_moment(store: Store) -> None:
    with Store.open(store.folder, read_only=True) as reader:
        with reader.snapshot():
            assert reader.instances(1) == []
            store.insert_instances(1, [instance(1)])
            assert reader.load_document(1).instances == {}
        assert reader.instances(1) == [instance(1)]


def test_a_reader_cannot_write(store: Store) -> None:
    with Store.open(store.folder, read_only=True) as reader:
        assert reader.read_only
        with pytest.raises(CommitError):
            reader.set_setting("a", "b")


def test_a_reader_needs_no_writer(store: Store) -> None:
    store.insert_instances(1, [instance(1)])
    store.close()
    with Store.open(store.folder, read_only=True) as reader:
        assert reader.instance_counts() == {1: 1}


def test_a_job_reads_in_its_own_thread(store: Store) -> None:
    store.insert_instances(1, [instance(1)])
    seen: list[object] = []

    def read() -> None:
        with Store.open(store.folder, read_only=True) as reader:
            seen.append(reader.instances(1))
        try:
            store.images()
        except sqlite3.ProgrammingError as error:
            seen.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert seen[0] == [instance(1)]
    assert "thread" in str(seen[1])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
@pytest.mark.parametrize(
    "name", ["what?mode=rw#50%25 é 药品", "a b&c;d'e\"f", "x" * 200, "bytes-\udcff\udcfe"]
)
def test_strange_paths(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / ".mrcnn"
    with Store.create(folder) as store:
        [entry] = store.add_images([tmp_path / name / f"{name[:40]}.jpg"])
        store.add_category(name.encode(errors="replace").decode())
    with Store.open(folder, read_only=True) as store:
        assert store.images() == [entry]
        assert store.image_path(entry) == tmp_path / name / f"{name[:40]}.jpg"
        store.backup(tmp_path / "copy.db")
    assert {path.name for path in folder.iterdir()} >= {"project.db", "project.lock"}


def test_a_path_that_sqlite_cannot_take_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 240) / ("y" * 240)
    with pytest.raises(ProjectError, match="shorter path"):
        Store.create(folder)
    with pytest.raises(ProjectError, match="too long"):
        Store.create(tmp_path / ("z" * 300))


def test_a_copy_holds_what_is_still_in_the_log(store: Store, tmp_path: Path) -> None:
    store.insert_instances(1, [instance(1)])
    target = tmp_path / "copy" / "project.db"
    target.parent.mkdir()
    store.backup(target)
    with Store.open(target.parent) as copy:
        assert copy.instances(1) == [instance(1)]
        assert copy.images() == store.images()


def test_a_closed_project_is_one_file(store: Store) -> None:
    store.close()
    assert {path.name for path in store.folder.iterdir()} == {"project.db", "project.lock"}


def test_finding_a_project(store: Store, tmp_path: Path) -> None:
    assert find_project(tmp_path) == find_project(store.folder) == store.folder
    assert find_project(tmp_path / "nothing") is None
    assert find_project(store.folder / "project.db") is None


def test_there_is_only_one_project_in_a_folder(store: Store) -> None:
    store.close()
    with pytest.raises(FileExistsError, match="already"):
        Store.create(store.folder)
    with Store.open(store.folder) as again:
        assert len(again.images()) == 1


def test_a_failed_creation_leaves_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (("CREATE TABLE a (b)", "CREATE NONSENSE"),)
    with monkeypatch.context() as patch:
        patch.setattr("mrcnn_gui.project.opening.MIGRATIONS", broken)
        with pytest.raises(ProjectError):
            Store.create(tmp_path)
    assert find_project(tmp_path) is None
    with Store.create(tmp_path) as store:
        fill(store)


@pytest.mark.parametrize("read_only", [False, True])
class TestWrongFiles:
    def test_nothing_there(self, tmp_path: Path, read_only: bool) -> None:
        with pytest.raises(NotAProjectError, match="no project"):
            Store.open(tmp_path, read_only=read_only)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", [b"", b"\0" * 9000])
    def test_an_empty_file(self, tmp_path: Path, read_only: bool, content: bytes) -> None:
        (tmp_path / "project.db").write_bytes(content)
        with pytest.raises((NotAProjectError, DamagedProjectError)):
            Store.open(tmp_path, read_only=read_only)
        assert (tmp_path / "project.db").read_bytes() == content

    def test_another_programs_database(self, tmp_path: Path, read_only: bool) -> None:
        with closing(sqlite3.connect(tmp_path / "project.db")) as other:
            other.execute("CREATE TABLE theirs (a)")
        content = (tmp_path / "project.db").read_bytes()
        with pytest.raises(NotAProjectError, match="not a project of this program"):
            Store.open(tmp_path, read_only=read_only)
        assert (tmp_path / "project.db").read_bytes() == content

    def test_a_newer_project(self, store: Store, read_only: bool) -> None:
        store._database.execute("PRAGMA user_version = 99")
        store.close()
        content = (store.folder / "project.db").read_bytes()
        with pytest.raises(
            NewerProjectError, match=rf"format is 99.*knows up to {len(MIGRATIONS)}"
        ):
            Store.open(store.folder, read_only=read_only)
        assert (store.folder / "project.db").read_bytes() == content

    @pytest.mark.parametrize("keep", [10, 100, 5000])
    def test_a_cut_off_project(self, store: Store, read_only: bool, keep: int) -> None:
        store.close()
        path = store.folder / "project.db"
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(DamagedProjectError, match="damaged"):
            Store.open(store.folder, read_only=read_only)
        assert path.stat().st_size == keep

    def test_damage_behind_the_header(self, store: Store, read_only: bool) -> None:
        store.insert_instances(1, [instance(1)])
        store.close()
        path = store.folder / "project.db"
        content = path.read_bytes()
        path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        with (
            pytest.raises(DamagedProjectError),
            Store.open(store.folder, read_only=read_only) as damaged,
        ):
            damaged.load_document(1)


def test_a_damaged_mask_is_told(store: Store) -> None:
    store.insert_instances(1, [instance(1)])
    for blob in (b"", b"xx", b"x\x9cc`\x00\x00\x00\x02\x00\x01"):
        store._database.execute("UPDATE instances SET mask = ?", (blob,))
        with pytest.raises(DamagedProjectError, match="mask is damaged"):
            store.instances(1)


def test_damaged_attributes_are_told(store: Store) -> None:
    store.insert_instances(1, [instance(1)])
    for text in ("{", "[]"):
        store._database.execute("UPDATE instances SET attributes = ?", (text,))
        with pytest.raises(DamagedProjectError, match="attributes"):
            store.instances(1)


def test_a_folder_that_cannot_be_written(tmp_path: Path, store: Store) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="cannot make"):
        Store.create(tmp_path / "file" / ".mrcnn")
    (tmp_path / "taken" / "project.lock").mkdir(parents=True)
    with pytest.raises(ProjectError, match="cannot write in"):
        Store.create(tmp_path / "taken")
