"""Published weights become a version of the project."""

from pathlib import Path

import pytest
import torch
from torchvision.models import resnet18

from core.model import catalogue
from core.model.checkpoint import load_model
from core.model.pretrained import read_pretrained
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.workflows.models import project_models
from mrcnn_gui.workflows.published_models import add_checkpoint, add_published


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """What torchvision would publish of a ResNet-18, with random weights."""
    path = tmp_path / "resnet18.pth"
    torch.save(resnet18(weights=None).state_dict(), path)
    return path


def test_a_file_becomes_the_next_version(project: Path, checkpoint: Path) -> None:
    added = add_checkpoint(project, checkpoint)
    assert added is not None
    assert added.version == "v1"
    assert "weights loaded" in added.report
    version = project_models(project).get("v1")
    assert version.card["source"] == {"title": "resnet18.pth"}
    ours, _ = load_model(version.folder)
    expected, _ = read_pretrained(checkpoint)
    names = [name for name in ours.state_dict() if name.startswith("backbone.")]
    assert len(names) > 50
    for name in names:
        assert torch.equal(ours.state_dict()[name], expected.state_dict()[name])


def test_what_is_no_checkpoint_leaves_nothing_behind(project: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pth"
    wrong.write_bytes(b"no weights")
    with pytest.raises(ProjectError, match=r"wrong\.pth is damaged"):
        add_checkpoint(project, wrong)
    assert [path.name for path in (project / "models").glob("*")] == []


def test_weights_of_the_catalogue_come_from_the_cache(
    project: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(weights: object, **_: object) -> Path:
        return checkpoint

    monkeypatch.setattr(catalogue, "fetch", fetch)
    weights = catalogue.CATALOGUE[0]
    added = add_published(project, weights)
    assert added is not None
    card = project_models(project).get(added.version).card
    assert card["source"] == {
        "title": weights.title,
        "address": weights.url,
        "licence": weights.licence,
    }


def test_stopping_while_a_file_is_read_adds_nothing(
    project: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert add_checkpoint(project, checkpoint, should_stop=lambda: True) is None
    monkeypatch.setattr(catalogue, "fetch", lambda *_, **__: checkpoint)
    assert add_published(project, catalogue.CATALOGUE[0], should_stop=lambda: True) is None
    assert list((project / "models").iterdir()) == []


def test_a_stopped_download_adds_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "fetch", lambda *_, **__: None)
    assert add_published(project, catalogue.CATALOGUE[0]) is None
    assert len(project_models(project).list()) <= 1  # the starter
