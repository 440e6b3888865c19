from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from core.learning import speed, validation
from core.learning.config import TrainConfig
from core.learning.speed import Speed, measure_speed
from core.learning.validation import validate
from core.model.mask_rcnn import MaskRCNN
from core.model.precision import Precision
from core.predictor import Predictor
from tests.core.learning.scenes import TINY, write_scenes
from tests.core.learning.test_config import config as any_config


def config(**changes: object) -> TrainConfig:
    return replace(any_config(), image_size=96, batch_size=2, device="cpu", **changes)  # type: ignore[arg-type]


def test_a_measurement_is_kept_for_the_same_model_settings_and_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, model = tmp_path / "cache" / "speeds.json", MaskRCNN(TINY, seed=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = measure_speed(model, config(precision="fp32"), path)
    assert first.step > 0
    assert first.image > 0
    assert (first.head_step, first.precision) == (None, "fp32")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

    monkeypatch.setattr(speed, "_measure", lambda *_: Speed(1, 2, 3, "bf16"))
    assert measure_speed(model, config(precision="fp32"), path) == first
    other = Speed(1, 2, 3, "bf16")
    assert measure_speed(model, config(precision="fp32"), path, objects=7) == first
    assert measure_speed(model, config(precision="fp32"), path, objects=50) == other
    assert measure_speed(model, config(precision="fp32", stages="heads"), path) == other
    path.write_text("{")
    assert measure_speed(model, config(precision="fp32"), path) == other


def test_steps_of_the_heads_alone_are_measured_too(tmp_path: Path) -> None:
    found = measure_speed(
        MaskRCNN(TINY, seed=1),
        config(stages="roi_heads", precision="fp32"),
        tmp_path / "speeds.json",
    )
    assert found.head_step is not None
    assert found.head_step > 0


@pytest.mark.parametrize(("half", "chosen"), [(1.0, "bf16"), (1.9, "fp32")])
def test_half_precision_is_taken_where_it_is_clearly_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: float, chosen: str
) -> None:
    monkeypatch.setattr(speed, "choose_precision", lambda _: Precision(torch.bfloat16, "fast"))
    monkeypatch.setattr(speed, "_steps", lambda *given: (half if given[3] == "bf16" else 2.0, None))
    found = measure_speed(MaskRCNN(TINY, seed=1), config(), tmp_path / "speeds.json")
    assert found.precision == chosen


def test_an_image_takes_what_a_validation_computes_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was measured a moment ago chooses it: figures of two models are compared."""
    asked: list[str] = []

    def watched(*given: Any, precision: str, **options: Any) -> Predictor:
        asked.append(precision)
        return Predictor(*given, precision=precision, **options)

    monkeypatch.setattr(speed, "Predictor", watched)
    monkeypatch.setattr(validation, "Predictor", watched)
    monkeypatch.setattr(speed, "_steps", lambda *_: (1.0, None))
    model = MaskRCNN(TINY, seed=1)
    measure_speed(model, config(precision="fp32"), tmp_path / "speeds.json")
    photos = tmp_path / "photos"
    photos.mkdir()
    judged = config(val_json=write_scenes(photos, 1), val_images=photos)
    assert validate(model, model.state_dict(), judged, "cpu", lambda: False) is not None
    assert asked == ["fp32", "fp32"]
