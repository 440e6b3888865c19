import json
from pathlib import Path
from typing import Any

import pytest
import torch

from core.model.checkpoint import load_model, save_model
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.known_names import IDS, NamesNow
from mrcnn_gui.workflows.models import project_models
from mrcnn_gui.workflows.version_files import (
    export_version,
    export_version_onnx,
    import_version,
    missing_for_onnx,
)
from tests.workflows.conftest import save_tiny


@pytest.fixture
def versioned(project: Path, starter: Path) -> Path:
    """A project with a version of its own."""
    folder = save_tiny(project / "models" / "v1", "a", "b")
    card = {"parent": "starter", "run": "r1", "metrics": {"mask_ap": 0.5}}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return project


def test_an_exported_version_comes_back_with_its_card(versioned: Path, tmp_path: Path) -> None:
    out = tmp_path / "given" / "away.safetensors"
    out.parent.mkdir()
    card = export_version(versioned, "v1", out)
    assert {path.name for path in out.parent.iterdir()} == {"away.safetensors", "away.card.json"}
    assert json.loads(card.read_text(encoding="utf-8"))["version"] == "v1"
    assert import_version(versioned, out, should_stop=lambda: True) is None
    assert not list((versioned / "models").glob(".incoming-*"))
    added = import_version(versioned, out)
    assert added is not None
    assert (added.version, added.report) == ("v2", "It knows: a, b.")
    first, second = (load_model(versioned / "models" / name) for name in ("v1", "v2"))
    for name, value in first[0].state_dict().items():
        assert torch.equal(value, second[0].state_dict()[name])
    assert second[1] == {"metrics": {"mask_ap": 0.5}, "source": {"title": "away.safetensors"}}
    assert not list((versioned / "models").glob(".incoming-*"))


def test_in_another_project_the_categories_of_a_version_keep_their_names(
    versioned: Path, tmp_path: Path
) -> None:
    """The ids in its card are those of the project that it came from."""
    card = versioned / "models" / "v1" / "card.json"
    card.write_text(json.dumps({IDS: {"a": 1, "b": 2}}), encoding="utf-8")
    export_version(versioned, "v1", tmp_path / "w.safetensors")
    with Store.create(tmp_path / "other") as other:
        for name in ("b", "a"):
            other.add_category(name)
        added = import_version(other.folder, tmp_path / "w.safetensors")
        assert added is not None
        assert [NamesNow.of(other).name(added.version, name) for name in ("a", "b")] == ["a", "b"]
    with Store.open(versioned) as store:
        assert NamesNow.of(store).name("v1", "a") == "a"


def test_parts_as_onnx_compute_what_the_model_does(versioned: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    paths = export_version_onnx(versioned, "v1", tmp_path / "w.onnx")
    assert [path.name for path in paths] == ["w.pyramid.onnx", "w.box.onnx", "w.mask.onnx"]
    assert all(path.stat().st_size > 1000 for path in paths)
    card = json.loads((tmp_path / "w.card.json").read_text(encoding="utf-8"))
    assert card["model"]["categories"] == ["a", "b"]


def test_nothing_is_left_where_a_part_computes_something_else(
    project: Path, starter: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    model, card = load_model(starter)
    model.box_head.deltas.bias.data.fill_(torch.nan)
    save_model(project / "models" / "v1", model, card)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ProjectError, match=r"w\.box\.onnx computes something else"):
        export_version_onnx(project, "v1", out / "w.onnx")
    assert not list(out.iterdir())


def test_nothing_is_left_where_a_part_cannot_be_made(
    versioned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")

    def failing(*arguments: Any, **options: Any) -> None:
        if options["output_names"] == ["logits"]:
            raise RuntimeError("unsupported")
        export(*arguments, **options)

    export = torch.onnx.export
    monkeypatch.setattr("torch.onnx.export", failing)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ProjectError, match=r"w\.mask\.onnx cannot be made: unsupported"):
        export_version_onnx(versioned, "v1", out / "w.onnx")
    assert not list(out.iterdir())


def test_without_the_package_it_is_said_what_is_missing(
    versioned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert missing_for_onnx() == "the package onnx is not installed: pip install onnx"
    with pytest.raises(ProjectError, match="pip install onnx"):
        export_version_onnx(versioned, "v1", tmp_path / "w.onnx")


def test_weights_alone_are_enough(versioned: Path, tmp_path: Path) -> None:
    export_version(versioned, "v1", tmp_path / "w.safetensors").unlink()
    added = import_version(versioned, tmp_path / "w.safetensors")
    assert added is not None
    assert added.version == "v2"


def test_files_that_are_no_model_are_refused(versioned: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    with pytest.raises(ProjectError, match="damaged"):
        import_version(versioned, tmp_path / "broken.safetensors")
    with pytest.raises(ProjectError, match="v9"):
        export_version(versioned, "v9", tmp_path / "w.safetensors")
    with pytest.raises(ProjectError, match="cannot be written"):
        export_version(versioned, "v1", tmp_path / "missing" / "w.safetensors")
    assert [version.id for version in project_models(versioned).list()] == ["starter", "v1"]


def test_the_name_of_a_deleted_version_is_not_given_again(versioned: Path) -> None:
    models = project_models(versioned)
    models.delete("v1")
    assert [version.id for version in models.list()] == ["starter"]
    assert (versioned / "models" / "v1" / "card.json").is_file()
    staging = save_tiny(versioned / "models" / ".staging")
    assert models.publish(staging).id == "v2"
    for name in ("v1", "starter"):
        with pytest.raises(ProjectError):
            models.delete(name)
