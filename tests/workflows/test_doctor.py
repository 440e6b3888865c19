import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.errors import NotAProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows.doctor import examine
from mrcnn_gui.workflows.models import ACTIVE_MODEL, project_models
from tests.workflows.conftest import rectangle, save_tiny, write_picture


def found(project: Path) -> list[tuple[str, str]]:
    return [(finding.about, finding.problem) for finding in examine(project)]


def change(project: Path, statement: str) -> None:
    """Do what the program never does."""
    with closing(sqlite3.connect(project / "project.db")) as database:
        database.execute(statement)
        database.commit()


def test_nothing_is_wrong_with_a_sound_project(reviewed: Path) -> None:
    save_tiny(reviewed / "models" / "v1")
    with SuggestionStore(reviewed) as store:
        store.replace("ff", "v1", [Suggestion.of("a", 0.5, rectangle(1, 2, 3, 4), "v1")])
    before = {path: path.read_bytes() for path in reviewed.rglob("*") if path.is_file()}
    counts: list[tuple[int, int]] = []
    assert not list(examine(reviewed, on_progress=lambda *count: counts.append(count)))
    assert counts == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {path: path.read_bytes() for path in before} == before


def test_masks_that_cannot_be_read_are_named(reviewed: Path) -> None:
    change(reviewed, "UPDATE instances SET mask = x'00' WHERE image_id = 2")
    [(about, problem)] = found(reviewed)
    assert about == "../1.png"
    assert problem.startswith("instance 2: a stored mask is damaged")


def test_images_that_are_missing_or_changed_are_named(project: Path, photos: Path) -> None:
    (photos / "0.png").unlink()
    write_picture(photos / "1.png", width=50, height=40)
    (photos / "2.png").write_text("no image")
    (gone, missing), (other, changed), (broken, unreadable) = found(project)
    assert (gone, other, broken) == ("../0.png", "../1.png", "../2.png")
    assert "missing" in missing
    assert changed == "the image has changed: expected 96 x 64, got 50 x 40"
    assert "2.png" in unreadable


def test_references_to_nothing_are_found(reviewed: Path) -> None:
    change(reviewed, "UPDATE instances SET category_id = 77 WHERE id = 3")
    assert found(reviewed) == [
        ("project.db", "row 3 of instances refers to a row of categories that is not there")
    ]


def test_a_damaged_database_does_not_stop_the_other_checks(reviewed: Path) -> None:
    (reviewed / "project.db").write_bytes(b"no database at all" * 300)
    (reviewed / "suggestions.db").write_bytes(b"none either" * 300)
    assert [about for about, _ in found(reviewed)] == ["project.db", "suggestions.db"]


def test_model_versions_that_cannot_be_read_are_named(project: Path) -> None:
    cut, silent, hollow = (project / "models" / name for name in ("v1", "v2", "v3"))
    save_tiny(cut)
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    save_tiny(silent)
    (silent / "card.json").write_text("[]")
    hollow.mkdir()
    findings = found(project)
    assert [about for about, _ in findings] == [
        "models/v1", "models/v2", "models/v3", "models/v3",
    ]  # fmt: skip
    assert "model.safetensors cannot be read" in findings[0][1]
    assert findings[1][1] == "card.json is no JSON object"


def test_a_version_that_was_deleted_is_not_damaged(project: Path) -> None:
    save_tiny(project / "models" / "v1")
    project_models(project).delete("v1")
    assert not found(project)


def test_a_version_in_use_without_weights_is_found(project: Path) -> None:
    with Store.open(project) as store:
        store.set_setting(ACTIVE_MODEL, "v1")
    missing = ("project.db", "the model version in use, v1, is not there")
    assert found(project) == [missing]
    save_tiny(project / "models" / "v1")
    assert not found(project)
    (project / "models" / "v1" / "model.safetensors").unlink()
    assert found(project) == [missing]


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAProjectError):
        found(tmp_path)
    (tmp_path / "project.db").touch()
    with pytest.raises(NotAProjectError):
        found(tmp_path)
