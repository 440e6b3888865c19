import dataclasses
from pathlib import Path
from typing import Any

import pytest

from core.learning.config import TrainConfig
from core.learning.speed import Speed
from mrcnn_gui.project.annotation import Side
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.finetune import finetune_project
from mrcnn_gui.workflows.finetune_options import FinetuneOptions
from mrcnn_gui.workflows.recipe import Facts
from mrcnn_gui.workflows.training_plan import TrainingPlan, device_name, plan_training
from mrcnn_gui.workflows.training_settings import (
    OF_THE_PROJECT,
    as_text,
    read_settings,
    setting_fields,
)
from tests.workflows.conftest import human, rectangle


def test_a_plan_counts_what_a_run_would_see(reviewed: Path, starter: Path) -> None:
    with Store.open(reviewed) as store:
        store.set_side(2, Side.TEST)
    plan = plan_training(reviewed, FinetuneOptions(device="cpu"))
    assert (plan.images, plan.validation_images, plan.instances) == (1, 1, 1)
    assert (plan.parent, plan.categories) == ("starter", ("a", "b"))
    assert "CPU" in plan.device
    assert (plan.settings["image_size"], plan.settings["epochs"]) == (96, 40)
    assert plan.seconds == plan.estimate(plan.settings) > 0


def test_images_that_the_parent_has_learned_from_do_not_judge(
    reviewed: Path, starter: Path
) -> None:
    with Store.open(reviewed) as store:
        boxes = [human(store, rectangle(9 * place, 40, 8, 8)) for place in range(10)]
        store.insert_instances(1, boxes)
    options = FinetuneOptions(epochs=1, device="cpu")
    facts = plan_training(reviewed, options).facts
    assert facts is not None
    assert facts.is_cross_judged
    finetune_project(reviewed, options, activate=True)
    plan = plan_training(reviewed, options)
    assert plan.parent == "v1"
    assert plan.facts == dataclasses.replace(facts, is_cross_judged=False)


def test_what_a_person_chose_goes_first(reviewed: Path, starter: Path) -> None:
    chosen = {"epochs": 3, "batch_size": 1, "learning_rate": 0.1, "precision": "bf16"}
    plan = plan_training(reviewed, FinetuneOptions(device="cpu", settings=chosen))
    assert {name: plan.settings[name] for name in chosen} == chosen
    assert plan.settings["warmup_steps"] == 3 * 2 // 5


@pytest.fixture
def plan() -> TrainingPlan:
    settings = {"epochs": 5, "image_size": 640, "batch_size": 2, "validate_every": 5}
    facts, speed = Facts(20, 5), Speed(2.0, None, 0.5, "fp32")
    return TrainingPlan("starter", 20, 5, 60, ("a",), "CPU", settings, 60.0, facts, speed)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 9},
        {"image_size": 1280},
        {"validate_every": 1},
        {"scale_jitter": (1.0, 2.0)},
    ],
)
def test_more_work_takes_longer(plan: TrainingPlan, change: dict[str, int]) -> None:
    assert plan.estimate(plan.settings | change) > plan.estimate(plan.settings)


@pytest.mark.parametrize("change", [{"stages": "roi_heads"}, {"max_steps": 10}])
def test_less_that_learns_and_fewer_steps_take_less_time(
    plan: TrainingPlan, change: dict[str, Any]
) -> None:
    assert plan.estimate(plan.settings | change) < plan.estimate(plan.settings)


def test_where_learning_takes_too_long_the_heads_alone_learn(
    reviewed: Path, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_model: object, config: TrainConfig, _cache: Path, *, objects: float) -> Speed:
        assert objects > 0
        heads = config.stages == "roi_heads"
        return Speed(100.0, 1.0 if heads else None, 1.0, "fp32")

    monkeypatch.setattr("core.learning.speed.measure_speed", slow)
    plan = plan_training(reviewed, FinetuneOptions(device="cpu"))
    assert (plan.settings["stages"], plan.settings["epochs"]) == ("roi_heads", 2 * 40)
    assert plan.settings["feature_cache"] == str(reviewed / "cache" / "features")
    chosen = FinetuneOptions(device="cpu", settings={"stages": "all"})
    assert plan_training(reviewed, chosen).settings["stages"] == "all"


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
