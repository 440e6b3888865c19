import json
from pathlib import Path
from typing import Any

import pytest

from core.learning.config import TrainConfig


def config(**changes: Any) -> TrainConfig:
    paths: dict[str, Any] = {"train_json": Path("t.json"), "train_images": Path(), "output": Path()}
    return TrainConfig(**(paths | changes))


def test_settings_survive_json() -> None:
    original = config(
        val_json=Path("v.json"),
        val_images=Path("photos"),
        categories=("cup", "egg"),
        scale_jitter=(0.5, 1.5),
        frozen_modules=("backbone.stem",),
        ema_decay=0.99,
    )
    assert TrainConfig.from_dict(json.loads(json.dumps(original.to_dict()))) == original


def test_settings_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(config(epochs=3).to_dict()))
    assert TrainConfig.load(path).epochs == 3
    path.write_text("[]")
    with pytest.raises(ValueError, match=r"run\.json: expected a JSON object"):
        TrainConfig.load(path)


def test_unknown_missing_and_mistyped_settings_are_refused() -> None:
    values = config().to_dict()
    with pytest.raises(ValueError, match="unknown training settings: colour"):
        TrainConfig.from_dict(values | {"colour": 1})
    with pytest.raises(ValueError, match="wrong type"):
        TrainConfig.from_dict(values | {"epochs": "three"})
    del values["output"]
    with pytest.raises(ValueError, match="missing training settings: output"):
        TrainConfig.from_dict(values)


@pytest.mark.parametrize(
    "change",
    [
        {"stages": "some"},
        {"optimizer": "magic"},
        {"epochs": 0},
        {"batch_size": 0},
        {"micro_batch": 0},
        {"crop": 1.5},
        {"copy_paste": -0.1},
        {"precision": "fp8"},
        {"learning_rate": 0.0},
        {"scale_jitter": (1.2, 0.6)},
        {"val_json": Path("v.json")},
    ],
)
def test_settings_out_of_range_are_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(change))}.*expected .* got "):
        config(**change)
