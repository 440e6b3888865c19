"""The images for training judge where too few others do."""

from pathlib import Path

import pytest

from core.learning.progress import TrainingError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.finetune import FinetuneOptions, Verdict, finetune
from mrcnn_gui.workflows.models import ACTIVE_MODEL
from tests.workflows.conftest import human, rectangle

ONE_EPOCH = FinetuneOptions(epochs=1, device="cpu")


def many_instances(project: Path) -> None:
    """Six on each of the two images to train on."""
    with Store.open(project) as store:
        for image_id in (1, 2):
            boxes = [rectangle(12 * place, 40, 10, 10) for place in range(5)]
            store.insert_instances(image_id, [human(store, box) for box in boxes])


def test_where_too_few_judge_the_images_for_training_are_cross_judged(
    reviewed: Path, starter: Path
) -> None:
    many_instances(reviewed)
    result = finetune(reviewed, ONE_EPOCH)
    assert result.verdict in (Verdict.PROMOTED, Verdict.UNDECIDED)
    assert "on 2 images for training, each judged by a model without it" in result.reason
    assert result.metrics is not None
    assert (result.metrics.images, result.metrics.instances) == (2, 12)
    assert not (reviewed / "runs" / "r1" / "folds").exists()
    with Store.open(reviewed) as store:
        store.set_setting(ACTIVE_MODEL, "v1")
    again = finetune(reviewed, ONE_EPOCH)  # its parent has learned from them
    assert (again.verdict, again.parent) == (Verdict.UNDECIDED, "v1")


def test_where_the_cross_judging_fails_the_version_is_made_all_the_same(
    reviewed: Path, starter: Path, monkeypatch: pytest.MonkeyPatch, expected_logs: list[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TrainingError("the losses of a fold are not finite")

    expected_logs.append("could not judge: the losses of a fold")
    many_instances(reviewed)
    monkeypatch.setattr("mrcnn_gui.workflows.finetune.cross_judge", fail)
    result = finetune(reviewed, ONE_EPOCH)
    assert (result.version, result.verdict) == ("v1", Verdict.UNDECIDED)
