from pathlib import Path

import pytest
import torch

from mrcnn_gui import resources
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.resources import resource
from mrcnn_gui.workflows.models import (
    ACTIVE_MODEL,
    Compute,
    load_judged,
    load_predictor,
    project_models,
    resolve_model,
)
from tests.workflows.conftest import save_tiny


def test_the_starter_is_used_until_another_version_is_active(project: Path, starter: Path) -> None:
    assert resolve_model(None, None) == ("starter", starter)
    assert resolve_model(project, None) == ("starter", starter)
    folder = save_tiny(project / "models" / "v1")
    assert resolve_model(project, "v1") == ("v1", folder)
    with Store.open(project) as store:
        store.set_setting(ACTIVE_MODEL, "v1")
    assert resolve_model(project, None) == ("v1", folder)
    assert resolve_model(project, "starter") == ("starter", starter)


def test_a_file_and_a_folder_name_a_model(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "mine")
    assert resolve_model(None, str(folder)) == ("mine", folder)
    assert resolve_model(None, str(folder / "model.safetensors"))[0] == "model"


def test_a_file_is_not_called_as_a_version_is(tmp_path: Path) -> None:
    for name in ("v1", "starter"):
        path = tmp_path / name
        path.mkdir()
        assert resolve_model(None, str(path)) == (str(path), path)


def test_a_model_that_is_not_there_is_named(project: Path, starter: Path) -> None:
    with pytest.raises(ProjectError, match="'v7'; versions: starter"):
        resolve_model(project, "v7")


def test_the_folder_at_hand_lends_no_versions(
    project: Path, starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(tmp_path / "v1")
    monkeypatch.chdir(tmp_path)
    with Store.open(project) as store:
        store.set_setting(ACTIVE_MODEL, "v1")
    with pytest.raises(ProjectError, match="'v1'; versions: starter"):
        resolve_model(project, None)
    assert [version.id for version in project_models(None).list()] == ["starter"]


def test_a_missing_starter_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise FileNotFoundError(name)

    monkeypatch.setattr("mrcnn_gui.workflows.models.resource", missing)
    with pytest.raises(ProjectError, match="'starter'; versions: none"):
        resolve_model(project, None)


@pytest.mark.parametrize("damage", ["truncated", "emptied", "no model"])
def test_a_damaged_model_is_refused(tmp_path: Path, damage: str) -> None:
    weights = save_tiny(tmp_path / "model") / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(
        {"truncated": content[:5000], "emptied": b"", "no model": b"x" * 99}[damage]
    )
    with pytest.raises(ProjectError, match=r"model\.safetensors"):
        load_predictor(tmp_path / "model")


def test_what_is_compared_is_computed_exactly_on_cpus(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.model.precision.bf16_gain", lambda *_: 9.0)
    assert load_judged(tiny_model, "cpu").precision == "fp32"
    assert load_predictor(tiny_model, Compute("cpu")).precision == "bf16"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_is_named(tiny_model: Path) -> None:
    with pytest.raises(ProjectError, match="no CUDA GPU"):
        load_predictor(tiny_model, Compute("cuda"))


def test_resources_are_found_in_the_source_tree_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "mrcnn_gui"
    (package / "resources" / "starter").mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert resource("starter") == package / "resources" / "starter"
    (tmp_path / "resources" / "starter").mkdir(parents=True)
    assert resource("starter") == tmp_path / "resources" / "starter"
    with pytest.raises(FileNotFoundError, match="no resource 'other'"):
        resource("other")
