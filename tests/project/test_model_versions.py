"""Versions are listed, found and published."""

from pathlib import Path

import pytest

from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import ModelVersions


def folder_with_weights(path: Path, card: str = '{"name": "x"}') -> Path:
    path.mkdir(parents=True)
    (path / "model.safetensors").write_bytes(b"weights")
    (path / "card.json").write_text(card)
    return path


def test_the_starter_comes_first(tmp_path: Path) -> None:
    starter = folder_with_weights(tmp_path / "resources" / "starter")
    versions = ModelVersions(tmp_path / "models", starter)
    assert [version.id for version in versions.list()] == ["starter"]
    for _ in range(11):
        versions.publish(folder_with_weights(tmp_path / "staging"))
    assert [version.id for version in versions.list()] == [
        "starter",
        *(f"v{number}" for number in range(1, 12)),
    ]
    assert versions.get("v10").folder == tmp_path / "models" / "v10"
    assert versions.get("v10").card == {"name": "x"}
    assert not (tmp_path / "staging").exists()


def test_incomplete_folders_are_not_versions_but_keep_their_number(tmp_path: Path) -> None:
    models = tmp_path / "models"
    (models / "v3").mkdir(parents=True)
    (models / "notes").mkdir()
    (models / "v7").write_text("a file")
    versions = ModelVersions(models, None)
    assert versions.list() == []
    assert versions.publish(folder_with_weights(tmp_path / "staging")).id == "v8"


@pytest.mark.parametrize("card", ["", "{", "[1]"])
def test_a_damaged_card_is_an_empty_one(tmp_path: Path, card: str) -> None:
    folder_with_weights(tmp_path / "models" / "v1", card)
    assert ModelVersions(tmp_path / "models", None).get("v1").card == {}


def test_an_unknown_version_is_named_with_those_there_are(tmp_path: Path) -> None:
    folder_with_weights(tmp_path / "models" / "v1")
    with pytest.raises(ProjectError, match=r"'v9'.*v1"):
        ModelVersions(tmp_path / "models", None).get("v9")


def test_a_version_comes_of_others_whose_weights_may_be_gone(tmp_path: Path) -> None:
    models = tmp_path / "models"
    for name, parent in (("v1", "starter"), ("v2", "v1"), ("v3", "v1"), ("v4", "v2")):
        folder_with_weights(models / name, f'{{"parent": "{parent}", "run": "of {name}"}}')
    folder_with_weights(models / "v5", "{}")
    folder_with_weights(models / "v6", '{"parent": "v6"}')
    versions = ModelVersions(models, folder_with_weights(tmp_path / "starter"))
    versions.delete("v1")
    assert [card["run"] for card in versions.lineage("v4")] == ["of v4", "of v2", "of v1"]
    assert list(versions.lineage("starter")) == []
    assert list(versions.lineage("v5")) == [{}]
    assert list(versions.lineage("v6")) == [{"parent": "v6"}]
