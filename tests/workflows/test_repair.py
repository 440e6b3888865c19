"""Whatever is wrong with a project: what can be known is there again, the rest is put aside."""

import copy
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.images import content_hash
from mrcnn_gui.project.annotation import Region, RegionKind, Suggestion
from mrcnn_gui.project.backups import back_up
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import (
    AcceptSuggestion,
    AddInstance,
    AddRegion,
    Edit,
    PaintMask,
    RejectSuggestion,
    SetCategory,
)
from mrcnn_gui.project.errors import NotWritableError
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows.doctor import examine
from mrcnn_gui.workflows.repair import repair
from tests.workflows.conftest import (
    HEIGHT,
    WIDTH,
    human,
    import_coco,
    rectangle,
    save_tiny,
    write_picture,
)
from tests.workflows.test_coco_import import coco, write

NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
BACKED_UP = datetime(2026, 2, 27, tzinfo=UTC)
ASIDE = "backups/repair-20260301-120005"


def mend(project: Path, **options: Any) -> list[str]:
    """Repair; the lines that tell it, less the first one about the copy."""
    done = list(repair(project, now=NOW, **options))
    if done:
        assert done[0].repair == f"copied to {ASIDE}/project.db"
    return [f"{each.about}: {each.repair}" for each in done[1:]]


def rest(project: Path) -> list[str]:
    return [finding.problem for finding in examine(project)]


def aside(project: Path) -> list[dict[str, Any]]:
    lines = (project / ASIDE / "rows.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def change(project: Path, *statements: str) -> None:
    """Do what the program never does."""
    with closing(sqlite3.connect(project / "project.db")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def push(project: Path, *edits: Edit, image_id: int = 1) -> ImageDocument:
    """The document after some edits."""
    with Store.open(project) as store:
        document = store.load_document(image_id)
        history = History(store, document)
        for edit in edits:
            history.push(edit)
        return copy.deepcopy(document)


def document(project: Path, image_id: int = 1) -> ImageDocument:
    with Store.open(project, read_only=True) as store:
        return store.load_document(image_id)


@pytest.fixture
def drawn(project: Path) -> Path:
    """The first image has an instance that was drawn and painted."""
    with Store.open(project) as store:
        made = human(store, rectangle(4, 4, 20, 10))
    push(project, AddInstance(made), PaintMask(made.id, rectangle(10, 8, 9, 9)))
    return project


def test_a_sound_project_is_left_alone(drawn: Path, photos: Path) -> None:
    (photos / "3.png").unlink()  # found, but nothing that a repair can do
    before = {path: path.read_bytes() for path in drawn.rglob("*") if path.is_file()}
    assert mend(drawn) == []
    assert {path: path.read_bytes() for path in before} == before
    assert not (drawn / "backups").exists()


def test_nobody_else_may_write_meanwhile(drawn: Path) -> None:
    with Store.open(drawn), pytest.raises(NotWritableError):
        mend(drawn)


class TestAnnotations:
    BREAK = "UPDATE instances SET mask = x'00'"

    def test_a_drawn_instance_is_made_anew_from_its_edits(self, drawn: Path) -> None:
        before = document(drawn)
        change(drawn, self.BREAK)
        assert mend(drawn) == ["../0.png: instance 1: made anew from its edits"]
        assert document(drawn) == before
        assert rest(drawn) == []
        [row] = aside(drawn)
        assert (row["table"], row["row"]["id"], row["row"]["mask"]) == (
            "instances",
            1,
            {"hex": "00"},
        )
        with closing(sqlite3.connect(drawn / ASIDE / "project.db")) as kept:
            assert kept.execute("SELECT mask FROM instances").fetchone() == (b"\0",)

    def test_an_imported_one_from_its_record_and_its_edits(
        self, project: Path, photos: Path, tmp_path: Path
    ) -> None:
        import_coco(project, write(tmp_path, coco()), photos)
        with Store.open(project) as store:
            number = min(store.load_document(1).instances)
        before = push(project, PaintMask(number, rectangle(0, 0, 5, 5)))
        change(project, self.BREAK)
        lines = mend(project)
        assert len(lines) == 2
        assert "instance 5: made anew from its imported record and its edits" in lines[0]
        assert document(project) == before
        assert rest(project) == []

    @pytest.mark.parametrize("since", [True, False])
    def test_any_other_from_the_backup(self, project: Path, since: bool) -> None:
        with Store.open(project) as store:
            store.insert_instances(1, [human(store, rectangle(4, 4, 20, 10))])
        before = push(project, PaintMask(1, rectangle(0, 0, 5, 5)))
        made = back_up(project, now=BACKED_UP)
        assert made is not None
        if since:
            before = push(project, PaintMask(1, rectangle(30, 30, 5, 5)))
        else:  # another way was taken from there on
            with Store.open(project) as store:
                History(store, store.load_document(1)).undo()
            push(project, SetCategory(1, 1, 2))
        change(project, self.BREAK)
        told = f"from {made.name} and its edits since" if since else f"as it was in {made.name}"
        assert mend(project) == [f"../0.png: instance 1: made anew {told}"]
        assert document(project).instances[1].mask == before.instances[1].mask
        assert rest(project) == []

    def test_of_what_nothing_tells_the_row_is_kept_aside(self, reviewed: Path) -> None:
        change(reviewed, f"{self.BREAK} WHERE image_id = 2")
        assert mend(reviewed) == ["../1.png: instance 2: moved aside, nothing tells its mask"]
        assert document(reviewed, 2).instances == {}
        assert [each["row"]["id"] for each in aside(reviewed)] == [2]

    def test_strokes(self, drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mrcnn_gui.project.annotation_table.LARGE", 1)
        before = push(drawn, PaintMask(1, rectangle(0, 0, 6, 6)))
        change(drawn, "UPDATE strokes SET mask = x'00'")
        assert mend(drawn) == ["../0.png: instance 1: made anew from its edits"]
        assert document(drawn) == before
        assert rest(drawn) == []

    def test_a_stroke_of_which_nothing_tells(
        self, reviewed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = document(reviewed).instances[1]
        monkeypatch.setattr("mrcnn_gui.project.annotation_table.LARGE", 1)
        push(reviewed, PaintMask(1, rectangle(0, 0, 6, 6)))
        change(reviewed, "UPDATE strokes SET mask = x'00'")
        told = "../0.png: instance 1: its latest strokes were moved aside"
        assert mend(reviewed) == [told]
        assert document(reviewed).instances[1] == whole

    def test_regions_and_decisions(self, project: Path) -> None:
        known = Region(1, RegionKind.IGNORE, rectangle(0, 0, 9, 9))
        found = Suggestion.of("a", 0.5, rectangle(1, 2, 3, 4), "v1")
        push(project, AddRegion(known), RejectSuggestion(found))
        change(
            project,
            "UPDATE decisions SET mask = x'00'",
            "UPDATE regions SET mask = x'00'",
            "INSERT INTO regions SELECT 2, image_id, kind, x, y, width, height, mask FROM regions",
        )
        assert mend(project) == [
            "../0.png: region 1: made anew from its edits",
            "../0.png: region 2: moved aside, nothing tells its mask",
            f"../0.png: decision {found.key}: moved aside, the suggestion may come back",
        ]
        assert document(project).regions == {1: known}
        assert rest(project) == []


class TestHistory:
    """Afterwards what is left of it can be undone, and the document stays what it was."""

    @pytest.fixture
    def edited(self, drawn: Path) -> Path:
        push(drawn, *[PaintMask(1, rectangle(n, 1, 3, 3)) for n in range(4)])
        return drawn  # six edits

    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE edits SET edit = 'nonsense' WHERE position = 3",
            "DELETE FROM edits WHERE position = 3",
        ],
    )
    def test_it_begins_behind_what_cannot_be_read(self, edited: Path, damage: str) -> None:
        before = document(edited)
        change(edited, damage)
        [told] = mend(edited)
        assert told.startswith("../0.png: its history begins behind edit 3")
        self.check_undo(edited, before, steps=3)

    def test_what_was_undone_is_dropped(self, edited: Path) -> None:
        with Store.open(edited) as store:
            History(store, store.load_document(1)).jump(2)
        before = document(edited)
        change(edited, "DELETE FROM edits WHERE position = 5")
        [told] = mend(edited)
        assert "cannot be redone" in told
        self.check_undo(edited, before, steps=2)

    def test_a_cursor_out_of_range(self, edited: Path) -> None:
        before = document(edited)
        change(edited, "UPDATE images SET cursor = 9 WHERE id = 1")
        assert mend(edited) == ["../0.png: its history was at edit 9 of 6, and is at its end now"]
        self.check_undo(edited, before, steps=6)

    def test_the_last_edits_are_lost(self, edited: Path) -> None:
        before = document(edited)
        change(edited, "DELETE FROM edits WHERE position > 4")
        [told] = mend(edited)
        assert told.endswith("its history begins anew: edits 5 to 6 are missing")
        self.check_undo(edited, before, steps=0)

    def test_a_project_wide_edit_becomes_one_of_each_image(self, edited: Path) -> None:
        with Store.open(edited) as store:
            store.insert_instances(2, [human(store, rectangle(1, 1, 5, 5))])
            store.project_history.merge_category(1, 2)
        before = document(edited)
        change(edited, "UPDATE edits SET edit = '{}' WHERE image_id = 2")
        assert len(mend(edited)) == 1
        with Store.open(edited) as store:
            assert store.project_history.steps() == []
        assert document(edited) == before
        assert rest(edited) == []

    def check_undo(self, project: Path, before: ImageDocument, steps: int) -> None:
        assert rest(project) == []
        assert document(project) == before
        with Store.open(project) as store:
            loaded = store.load_document(1)
            history = History(store, loaded)
            assert history.position == steps
            while history.can_undo:
                history.undo()
            assert store.load_document(1) == loaded


class TestReferences:
    def test_a_category_is_made_anew(self, reviewed: Path) -> None:
        change(reviewed, "UPDATE instances SET category_id = 77 WHERE id < 3")
        assert mend(reviewed) == [
            "project.db: row 1 of instances: its category was made anew as 'recovered 77'",
            "project.db: row 2 of instances: its category was made anew as 'recovered 77'",
        ]
        assert document(reviewed).instances[1].category_id == 77
        assert rest(reviewed) == []

    def test_what_belongs_to_no_image_is_moved_aside(self, reviewed: Path) -> None:
        change(reviewed, "UPDATE instances SET image_id = 99 WHERE id = 3")
        [told] = mend(reviewed)
        assert (
            told == "project.db: row 3 of instances: moved aside, it belongs to nothing in images"
        )
        assert [each["row"]["image_id"] for each in aside(reviewed)] == [99]
        assert rest(reviewed) == []

    def test_an_import_that_is_not_there_is_forgotten(self, reviewed: Path) -> None:
        change(reviewed, "UPDATE images SET import_id = 5 WHERE id = 1")
        assert mend(reviewed) == ["project.db: row 1 of images: it refers to no imports any more"]
        assert rest(reviewed) == []


class TestFiles:
    def test_suggestions_are_deleted(self, drawn: Path) -> None:
        (drawn / "suggestions.db").write_bytes(b"nonsense" * 1000)
        [told] = mend(drawn)
        assert told == "suggestions.db: deleted; a new run makes the suggestions again"
        assert rest(drawn) == []
        with SuggestionStore(drawn) as suggestions:
            assert suggestions.for_image("ff") == []

    def test_damaged_versions_are_moved_aside(self, drawn: Path) -> None:
        save_tiny(drawn / "models" / "v1")
        save_tiny(drawn / "models" / "v2")
        (drawn / "models" / "v2" / "card.json").write_text("[]")
        with Store.open(drawn) as store:
            store.set_setting("active_model", "v2")
        assert mend(drawn) == [
            f"models/v2: moved to {ASIDE}/v2",
            "project.db: the model v2 is not there: the starter is used",
        ]
        assert (drawn / ASIDE / "v2" / "model.safetensors").is_file()
        assert [path.name for path in (drawn / "models").iterdir()] == ["v1"]
        assert rest(drawn) == []

    def test_the_card_of_a_deleted_version_stays(self, drawn: Path) -> None:
        save_tiny(drawn / "models" / "v1")
        (drawn / "models" / "v1" / "model.safetensors").unlink()
        assert mend(drawn) == []
        with Store.open(drawn) as store:
            store.set_setting("active_model", "v1")
        assert mend(drawn) == ["project.db: the model v1 is not there: the starter is used"]
        assert (drawn / "models" / "v1" / "card.json").is_file()
        assert rest(drawn) == []

    @pytest.mark.parametrize("same_size", [True, False])
    def test_a_changed_image_keeps_its_annotations_where_its_size_agrees(
        self, drawn: Path, photos: Path, same_size: bool
    ) -> None:
        with Store.open(drawn) as store:
            store.update_image(1, content_hash=content_hash(photos / "0.png"))
        width = WIDTH if same_size else WIDTH + 1
        write_picture(photos / "0.png", 99, width=width, height=HEIGHT)
        found = [each.problem for each in examine(drawn, deep=True)]
        lines = mend(drawn, deep=True)
        if same_size:
            assert rest(drawn) == []  # without --deep only a known size in bytes tells
            assert found == ["the file has changed: it has another hash"]
            assert lines == ["../0.png: its hash and size are those of the changed file now"]
            with Store.open(drawn, read_only=True) as store:
                assert store.image(1).content_hash == content_hash(photos / "0.png")
            assert list(examine(drawn, deep=True)) == []
        else:
            assert lines == []
            assert len(found) == 1
            assert "the image has changed: expected 96 x 64" in found[0]

    def test_the_size_in_bytes_tells_without_reading(self, drawn: Path, photos: Path) -> None:
        with Store.open(drawn) as store:
            store._images.set_columns(1, {"file_size": (photos / "0.png").stat().st_size + 1})
        assert rest(drawn)[0].startswith("the file has changed: expected")
        assert len(mend(drawn)) == 1
        assert rest(drawn) == []


def test_an_accepted_suggestion_is_made_anew(project: Path) -> None:
    with Store.open(project) as store:
        made = human(store, rectangle(1, 2, 3, 4))
    found = Suggestion.of("a", 0.5, made.mask, "v1")
    before = push(project, AcceptSuggestion(found, made))
    change(project, "UPDATE instances SET attributes = '['")
    assert mend(project) == ["../0.png: instance 1: made anew from its edits"]
    assert document(project) == before


def test_two_repairs_in_one_second_have_folders_of_their_own(drawn: Path) -> None:
    for name in ("", "-2"):
        change(drawn, "UPDATE instances SET mask = x'00'")
        [first, _] = list(repair(drawn, now=NOW))
        assert first.repair == f"copied to {ASIDE}{name}/project.db"
