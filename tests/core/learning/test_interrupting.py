import json
from dataclasses import fields, replace
from typing import Any

import pytest
import torch

from core.learning.run_folder import RunFolder
from core.learning.train import (
    Progress,
    Stop,
    TrainConfig,
    TrainingError,
    fit,
)
from core.model.checkpoint import load_model
from tests.core.learning.runs import reports_of, same, stop_after, weights

SETTINGS: dict[str, dict[str, Any]] = {
    "sgd": {},
    "adamw": {"optimizer": "adamw", "learning_rate": 1e-3, "crop": 0.7, "copy_paste": 0.7},
    "heads in parts": {"stages": "heads", "micro_batch": 1, "seed": 5},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("interrupted_after", [1, 2, 3])
def test_an_interrupted_run_goes_on_to_the_same_result(
    config: TrainConfig, interrupted_after: int, settings: dict[str, Any]
) -> None:
    config = replace(config, checkpoint_seconds=0, ema_decay=0.9, **settings)
    whole = fit(replace(config, output=config.output.parent / "whole"))

    def crash(progress: Progress) -> None:
        if progress.phase == "train" and progress.step == interrupted_after + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(config, on_progress=crash)
    result, reports = reports_of(config)
    assert reports[0].step == interrupted_after
    assert result.best_metrics == whole.best_metrics
    assert whole.model_folder is not None
    assert result.model_folder is not None
    assert same(weights(result.model_folder), weights(whole.model_folder))


@pytest.mark.parametrize(("phase", "step"), [("prepare", 0), ("train", 1), ("validate", 2)])
def test_a_suspended_run_goes_on_to_the_same_result(
    config: TrainConfig, phase: str, step: int
) -> None:
    whole = fit(replace(config, output=config.output.parent / "whole"))
    at = ("", 0)

    def note(progress: Progress) -> None:
        nonlocal at
        at = progress.phase, progress.step

    def ask() -> Stop:
        return Stop.SUSPEND if at == (phase, step) else Stop.NO

    suspended = fit(config, on_progress=note, should_stop=ask)
    assert (suspended.suspended, suspended.cancelled) == (True, False)
    assert suspended.model_folder is None
    assert [path.name for path in config.output.iterdir()] == ["checkpoint.pt"]
    result, reports = reports_of(config)
    assert reports[0].step == step
    validated = [r.step for r in reports if r.phase == "validate" and r.metrics]
    assert validated == [2, 4]  # none is left out
    assert result.best_metrics == whole.best_metrics
    assert whole.model_folder is not None
    assert result.model_folder is not None
    assert same(weights(result.model_folder), weights(whole.model_folder))


def test_a_run_that_is_killed_while_it_validates_validates_again(config: TrainConfig) -> None:
    config = replace(config, checkpoint_seconds=0)
    whole = fit(replace(config, output=config.output.parent / "whole"))

    def crash(progress: Progress) -> None:
        if progress.phase == "validate":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(config, on_progress=crash)
    result, reports = reports_of(config)
    assert [r.step for r in reports if r.phase == "validate" and r.metrics] == [2, 4]
    assert result.best_metrics == whole.best_metrics


def test_a_run_goes_on_where_its_folders_were_moved(config: TrainConfig) -> None:
    interrupt(config)
    here = config.output.parent
    there = here.with_name("elsewhere")
    here.rename(there)
    settings = config.to_dict()
    paths = {name: value for name, value in settings.items() if str(here) in str(value)}
    assert len(paths) == 6
    moved = {name: str(value).replace(str(here), str(there)) for name, value in paths.items()}
    result, reports = reports_of(TrainConfig.from_dict(settings | moved))
    assert reports[0].step > 0
    assert result.model_folder is not None


def test_other_data_is_another_run(config: TrainConfig) -> None:
    interrupt(config)
    other = config.train_json.with_name("others.json")
    other.write_bytes(config.train_json.read_bytes())
    with pytest.raises(TrainingError, match=r"other settings \(train_json\)"):
        fit(replace(config, train_json=other))


def refuse(*_: object) -> None:
    """What torch.save says where the disk is full."""
    raise RuntimeError("unexpected pos 704 vs 598")


def test_a_run_goes_on_where_no_checkpoint_can_be_written(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(config)
    before = (config.output / "checkpoint.pt").read_bytes()
    on_progress, should_stop = stop_after(3, Stop.SUSPEND)
    with monkeypatch.context() as patch:
        patch.setattr("core.learning.run_folder.torch.save", refuse)
        with pytest.raises(OSError, match=r"checkpoint\.pt cannot be written: unexpected pos"):
            fit(config, on_progress=on_progress, should_stop=should_stop)
        assert (config.output / "checkpoint.pt").read_bytes() == before
        result = fit(replace(config, checkpoint_seconds=0))
    assert result.epochs_done == 2
    assert [note for note in result.notes if "cannot be written" in note] == list(result.notes)
    assert len(result.notes) == 1


def test_a_checkpoint_may_lack_every_setting_that_has_a_default(config: TrainConfig) -> None:
    folder = RunFolder(config.output, replace(config, renamed=(), epochs=3))
    folder.save({"step": 7})
    path = config.output / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    known = {each.name: each.default for each in fields(TrainConfig)}
    settings = json.loads(state["settings"])
    old = {name: value for name, value in settings.items() if value != json_value(known[name])}
    assert len(old) < len(settings) - 10
    torch.save({**state, "settings": json.dumps(old)}, path)
    assert folder.load() == {"step": 7}


def json_value(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def test_a_checkpoint_from_before_a_setting_existed_goes_on(config: TrainConfig) -> None:
    interrupt(config)
    path = config.output / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    settings = json.loads(state["settings"])
    del settings["copy_paste"]
    torch.save({**state, "settings": json.dumps(settings)}, path)
    with pytest.raises(TrainingError, match=r"other settings \(copy_paste\)"):
        fit(replace(config, copy_paste=0.5))
    result, reports = reports_of(config)
    assert reports[0].step > 0
    assert result.model_folder is not None


def test_a_checkpoint_of_other_settings_is_refused(config: TrainConfig) -> None:
    interrupt(config)
    with pytest.raises(TrainingError, match=r"other settings \(learning_rate\)"):
        fit(replace(config, learning_rate=0.1))


def test_a_damaged_checkpoint_is_named(config: TrainConfig) -> None:
    interrupt(config)
    path = config.output / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"checkpoint\.pt is damaged"):
        fit(config)


def interrupt(config: TrainConfig) -> None:
    def crash(progress: Progress) -> None:
        if progress.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(replace(config, checkpoint_seconds=0), on_progress=crash)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_cancelling_leaves_nothing_behind(config: TrainConfig, steps: int) -> None:
    on_progress, should_stop = stop_after(steps, Stop.CANCEL)
    config = replace(config, checkpoint_seconds=0)
    result = fit(config, on_progress=on_progress, should_stop=should_stop)
    assert result.cancelled
    assert result.model_folder is None
    assert not config.output.exists()


def test_cancelling_leaves_what_others_put_into_the_folder(config: TrainConfig) -> None:
    config.output.mkdir()
    (config.output / "notes.txt").write_text("mine")
    on_progress, should_stop = stop_after(3, Stop.CANCEL)
    fit(config, on_progress=on_progress, should_stop=should_stop)
    assert [path.name for path in config.output.iterdir()] == ["notes.txt"]


def test_stopping_keeps_the_best_so_far(config: TrainConfig) -> None:
    on_progress, should_stop = stop_after(3, Stop.KEEP_BEST)
    result = fit(config, on_progress=on_progress, should_stop=should_stop)
    assert not result.cancelled
    assert result.epochs_done == 1
    assert result.best_metrics is not None
    assert result.model_folder is not None
    assert load_model(result.model_folder)[1]["steps"] == 2  # the validated end of epoch 1


def test_stopping_before_a_validation_keeps_the_weights_of_now(config: TrainConfig) -> None:
    on_progress, should_stop = stop_after(1, Stop.KEEP_BEST)
    result = fit(config, on_progress=on_progress, should_stop=should_stop)
    assert result.best_metrics is None
    assert result.model_folder is not None
    assert load_model(result.model_folder)[1]["steps"] == 1


def test_stopping_before_the_first_step_keeps_nothing(config: TrainConfig) -> None:
    result = fit(config, should_stop=lambda: Stop.KEEP_BEST)
    assert (result.model_folder, result.cancelled) == (None, False)
    assert not config.output.exists()


def test_stopping_works_between_validation_images(config: TrainConfig) -> None:
    asked_while_validating = 0
    phase = ""

    def note(progress: Progress) -> None:
        nonlocal phase
        phase = progress.phase

    def should_stop() -> Stop:
        nonlocal asked_while_validating
        asked_while_validating += phase == "validate"
        return Stop.KEEP_BEST if asked_while_validating == 3 else Stop.NO

    result = fit(config, on_progress=note, should_stop=should_stop)
    assert result.best_metrics is None
    assert asked_while_validating == 3
