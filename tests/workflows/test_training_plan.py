import dataclasses
from pathlib import Path

import pytest

from core.learning.config import TrainConfig
from mrcnn_gui.project.annotation import Side
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.finetune_options import FinetuneOptions
from mrcnn_gui.workflows.training_plan import (
    default_settings,
    device_name,
    estimate_seconds,
    plan_training,
)
from mrcnn_gui.workflows.training_settings import (
    OF_THE_PROJECT,
    as_text,
    read_settings,
    setting_fields,
)


def test_a_plan_counts_what_a_run_would_see(reviewed: Path, starter: Path) -> None:
    with Store.open(reviewed) as store:
        store.set_side(2, Side.TEST)
    plan = plan_training(reviewed, FinetuneOptions(device="cpu"))
    assert (plan.images, plan.validation_images, plan.instances) == (1, 1, 1)
    assert (plan.parent, plan.categories) == ("starter", ("a", "b"))
    assert "CPU" in plan.device
    assert (plan.settings["image_size"], plan.settings["epochs"]) == (64, 20)
    assert plan.seconds == estimate_seconds(plan.settings, 1, 1)


def test_what_a_person_chose_goes_first() -> None:
    options = FinetuneOptions(settings={"epochs": 3, "batch_size": 4, "learning_rate": 0.1})
    settings = default_settings(40, 640, options)
    assert (settings["epochs"], settings["batch_size"], settings["learning_rate"]) == (3, 4, 0.1)
    assert settings["warmup_steps"] == 3 * 10 // 5


@pytest.mark.parametrize(
    "change", [{"epochs": 9}, {"image_size": 1280}, {"batch_size": 2, "validate_every": 1}]
)
def test_more_work_takes_longer(change: dict[str, int]) -> None:
    settings = {"epochs": 5, "image_size": 640, "batch_size": 2, "validate_every": 5}
    settings |= {"device": "cpu"}  # type: ignore[dict-item]
    assert estimate_seconds(settings | change, 20, 5) > estimate_seconds(settings, 20, 5)


def test_less_that_learns_and_fewer_steps_take_less_time() -> None:
    settings = {"epochs": 5, "image_size": 640, "batch_size": 2, "device": "cpu"}
    whole = estimate_seconds(settings, 20, 5)
    assert estimate_seconds(settings | {"stages": "roi_heads"}, 20, 5) < whole
    assert estimate_seconds(settings | {"max_steps": 10}, 20, 5) < whole


def test_a_gpu_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _: "Some GPU")
    assert device_name("auto") == "Some GPU"


def test_the_form_has_every_setting_with_its_help() -> None:
    fields = setting_fields()
    names = {field.name for field in dataclasses.fields(TrainConfig)}
    assert {field.name for field in fields} == names - OF_THE_PROJECT
    assert [field.name for field in fields if not field.help] == []
    assert {field.group for field in fields} >= {"Length", "Images", "Learning", "Machine"}


def test_the_texts_of_a_form_come_back_as_settings() -> None:
    texts = {field.name: as_text(field.default) for field in setting_fields()}
    settings, problems = read_settings(texts)
    assert problems == {}
    config = TrainConfig(train_json=Path("t"), train_images=Path("i"), output=Path("o"))
    read = TrainConfig.from_dict(
        {**settings, "train_json": "t", "train_images": "i", "output": "o"}
    )
    assert read == config


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("epochs", "many", "a whole number is needed"),
        ("epochs", "1.5", "a whole number is needed"),
        ("epochs", "", "a value is needed"),
        ("epochs", "0", "expected more than 0, got 0"),
        ("crop", "2", "expected 0..1, got 2.0"),
        ("scale_jitter", "2, 1", "expected 0 < low <= high, got (2.0, 1.0)"),
        ("scale_jitter", "a, 1", "a number is needed"),
    ],
)
def test_what_is_wrong_is_said_of_the_setting(name: str, text: str, problem: str) -> None:
    texts = {field.name: as_text(field.default) for field in setting_fields()}
    assert read_settings(texts | {name: text})[1] == {name: problem}
