import json
import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

import core.learning.run
from core.learning.learner import Learner
from core.learning.run import Run
from core.learning.train import (
    FitResult,
    Progress,
    Stop,
    TrainConfig,
    TrainingError,
    fit,
    main,
)
from core.model.checkpoint import load_model
from tests.core.learning.runs import reports_of, same, weights
from tests.core.learning.scenes import SIZE


def test_a_model_learns_the_scenes_it_is_shown(config: TrainConfig) -> None:
    config = replace(
        config,
        epochs=50,
        validate_every=25,
        optimizer="adamw",
        learning_rate=4e-3,
        warmup_steps=10,
        scale_jitter=(1.0, 1.0),
        categories=("egg",),
    )
    result, reports = reports_of(config)
    steps = [report for report in reports if report.phase == "train"]
    assert steps[-1].losses["total"] < 0.5 * steps[0].losses["total"]
    assert result.best_metrics is not None
    assert result.best_metrics["mask_ap50"] > 0.6
    assert result.best_metrics["mask_ap"] > 0.3
    assert result.best_metrics["mean_mask_iou"] > 0.65


def test_reports_tell_the_whole_story(config: TrainConfig) -> None:
    result, reports = reports_of(config)
    phases = [report.phase for report in reports]
    epoch = ["train", "train", "validate", "validate"]
    assert phases == ["prepare", *epoch, *epoch, "done"]
    steps = [report for report in reports if report.phase == "train"]
    assert [(r.epoch, r.epochs, r.step, r.steps) for r in steps] == [
        (1, 2, 1, 4),
        (1, 2, 2, 4),
        (2, 2, 3, 4),
        (2, 2, 4, 4),
    ]
    for report in steps:
        parts = [value for name, value in report.losses.items() if name != "total"]
        assert report.losses["total"] == pytest.approx(sum(parts))
        assert report.images_per_second > 0
        assert report.seconds_left is not None
        assert math.isfinite(report.seconds_left)
        assert report.memory_bytes > 50_000_000  # torch alone is larger
    assert reports[0].seconds_left is None
    shown = [report for report in reports if report.phase == "validate" and report.metrics]
    for report in shown:
        assert report.per_category is not None
        assert [preview.size for preview in report.previews] == [SIZE] * 4
    assert reports[-1].metrics == result.best_metrics
    assert (result.epochs_done, result.skipped_steps, result.cancelled) == (2, 0, False)


def test_the_result_is_a_model_with_its_card_and_nothing_else(config: TrainConfig) -> None:
    result = fit(config)
    assert result.model_folder == config.output / "model"
    assert sorted(path.name for path in config.output.iterdir()) == ["model"]
    _, card = load_model(config.output / "model")
    assert card["training_image_ids"] == [1, 2, 3, 4]
    assert card["metrics"] == result.best_metrics
    assert (card["seed"], card["steps"]) == (config.seed, 4)
    assert card["training"]["learning_rate"] == config.learning_rate
    assert str(config.output.parent) not in json.dumps(card)


def test_the_best_validated_weights_are_kept(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[dict[str, torch.Tensor]] = []
    scores = [0.3, 0.7, 0.5]

    def validate(_model: object, state: dict[str, torch.Tensor], *_: object) -> Any:
        measured.append(state)
        return FixedValidation(scores[len(measured) - 1])

    monkeypatch.setattr(core.learning.run, "validate", validate)
    result = fit(replace(config, epochs=3))
    assert result.best_metrics == {"mask_ap": 0.7}
    assert result.model_folder is not None
    assert same(weights(result.model_folder), measured[1])


class FixedValidation:
    per_category: ClassVar[dict[str, float]] = {}
    previews = ()

    def __init__(self, mask_ap: float) -> None:
        self.metrics = self
        self._mask_ap = mask_ap

    def to_dict(self) -> dict[str, Any]:
        return {"mask_ap": self._mask_ap, "per_category": {}}


def test_without_validation_the_last_weights_are_kept(config: TrainConfig) -> None:
    config = replace(config, val_json=None, val_images=None)
    result, reports = reports_of(config)
    assert result.best_metrics is None
    assert result.model_folder is not None
    assert {report.phase for report in reports} == {"prepare", "train", "done"}
    assert not same(weights(result.model_folder), weights(config.output.parent / "initial"))


def test_equal_runs_give_equal_weights_and_the_seed_matters(config: TrainConfig) -> None:
    config = replace(config, val_json=None, val_images=None)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.rand(7)  # the global generator, which other threads use too, plays no part
        fit(replace(config, output=config.output / name, seed=seed))
    first = weights(config.output / "a" / "model")
    assert same(first, weights(config.output / "b" / "model"))
    assert not same(first, weights(config.output / "c" / "model"))


def test_runs_in_a_thread_whatever_modes_that_thread_has(config: TrainConfig) -> None:
    results: list[FitResult] = []

    def work() -> None:
        with torch.inference_mode():
            results.append(fit(config))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results[0].epochs_done == 2
    assert results[0].skipped_steps == 0


def test_a_failing_callback_ends_the_run_and_its_thread(config: TrainConfig) -> None:
    def fail(progress: Progress) -> None:
        if progress.step == 1:
            raise RuntimeError("the window is gone")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="the window is gone"):
        fit(config, on_progress=fail)
    assert threading.active_count() == before


def test_an_unreadable_photo_ends_the_run_by_name(config: TrainConfig) -> None:
    (config.train_images / "2.png").write_bytes(b"")
    with pytest.raises(Exception, match=r"2\.png"):
        fit(config)


def test_no_images_are_refused(config: TrainConfig) -> None:
    empty: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    config.train_json.write_text(json.dumps(empty))
    with pytest.raises(TrainingError, match=r"scenes\.json names no images"):
        fit(config)


def test_a_gpu_that_is_too_small_gets_smaller_images_then_an_error(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []

    def learn(_self: Learner, images: list[torch.Tensor], _targets: object) -> dict[str, float]:
        sides.append(max(max(image.shape) for image in images))
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(Learner, "learn", learn)
    config = replace(config, image_size=512, scale_jitter=(1.0, 1.0))
    with pytest.raises(TrainingError, match="the GPU's memory cannot hold one small image"):
        fit(config)
    assert sides == [512, 256, 128]


def test_a_gpu_that_is_too_small_for_a_validation_is_told_in_words(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict(*_: object, **_options: object) -> None:
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr("core.learning.validation.predict_results", predict)
    with pytest.raises(TrainingError, match="hold a validation"):
        fit(replace(config, max_steps=1))


def test_every_epoch_sees_all_images_in_an_order_of_its_own(config: TrainConfig) -> None:
    run = Run(replace(config, epochs=6, batch_size=1), lambda _: None, lambda: Stop.NO)
    keys = list(run._keys(0))
    orders = [tuple(key.indices[0] for key in keys[i : i + 4]) for i in range(0, 24, 4)]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len(set(orders)) > 3
    assert [key.step for key in keys] == list(range(24))
    assert list(run._keys(7)) == keys[7:]  # a resumed run goes on in the same order


def test_max_steps_ends_the_run_with_a_validation(config: TrainConfig) -> None:
    result, reports = reports_of(replace(config, max_steps=3))
    assert [r.step for r in reports if r.phase == "train"] == [1, 2, 3]
    assert reports[-2].metrics is not None
    assert result.epochs_done == 1


def test_the_model_looks_at_images_of_the_size_that_it_learnt_from(config: TrainConfig) -> None:
    result = fit(replace(config, max_steps=1, image_size=128, val_json=None, val_images=None))
    assert result.model_folder is not None
    assert load_model(result.model_folder)[0].config.image_size == 128


def test_a_run_without_initial_weights_starts_a_new_model(config: TrainConfig) -> None:
    config = replace(
        config, initial=None, max_steps=1, categories=("egg", "cup"), val_json=None, val_images=None
    )
    result = fit(config)
    assert result.model_folder is not None
    model, _ = load_model(result.model_folder)
    assert model.config.categories == ("egg", "cup")
    assert model.config.image_size == 96


def test_the_command_trains_from_a_file(
    config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(config.to_dict()))
    assert main([str(path)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["phase"] == "done"
    assert (config.output / "model" / "model.safetensors").is_file()


def test_the_command_explains_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_command_names_what_went_wrong(
    config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    assert main([str(path)]) == 1
    assert "run.json" in capsys.readouterr().err
    path.write_text(json.dumps(config.to_dict() | {"initial": str(tmp_path / "none")}))
    assert main([str(path)]) == 1
    assert "no such model file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("scores", "validations"), [([0.5, 0.4, 0.5, 0.9, 0.9], 3), ([0.1, 0.2, 0.2, 0.3, 0.1], 5)]
)
def test_a_run_that_gains_no_more_ends_early_and_says_so(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, scores: list[float], validations: int
) -> None:
    left = iter(scores)
    monkeypatch.setattr(core.learning.run, "validate", lambda *_: FixedValidation(next(left)))
    result, reports = reports_of(replace(config, epochs=5, patience=2))
    assert len([it for it in reports if it.metrics and it.phase == "validate"]) == validations
    assert result.best_metrics == {"mask_ap": max(scores[:validations])}
    ended_early = validations < 5
    assert len(result.notes) == ended_early
    if ended_early:
        assert result.notes == ("Ended at step 6 of 10: 2 validations in a row brought no gain.",)
    assert reports[-1].notes == result.notes
    assert not (config.output / "checkpoint.pt").exists()
