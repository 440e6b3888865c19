from dataclasses import replace
from pathlib import Path

import pytest

from core.learning.config import TrainConfig
from core.learning.speed import Speed
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.recipe import (
    Facts,
    choose_settings,
    estimate_seconds,
    fit_to_machine,
    takes_too_long,
)
from tests.workflows.conftest import HEIGHT, WIDTH

SPEED = Speed(step=2.0, head_step=None, image=0.5, precision="bf16")
FACTS = Facts(16, 4, 0.2, 0.75)


def test_the_facts_are_those_of_the_done_images(reviewed: Path) -> None:
    with Store.open(reviewed) as store:
        facts = Facts.of(store)
    side = (WIDTH // 4 * (HEIGHT // 4)) ** 0.5 / WIDTH
    assert (facts.images, facts.validation_images) == (2, 1)
    assert (facts.object_side, facts.aspect) == pytest.approx((side, HEIGHT / WIDTH))


def test_a_project_without_objects_has_facts_too(project: Path) -> None:
    with Store.open(project) as store:
        facts = Facts.of(store)
    assert (facts.images, facts.object_side) == (0, 0)
    assert choose_settings(facts, 512)["image_size"] == 512


@pytest.mark.parametrize("images", [1, 2, 16, 100, 5000])
def test_few_images_are_seen_more_often_and_all_of_it_is_valid(images: int) -> None:
    settings = choose_settings(replace(FACTS, images=images), 640)
    steps = settings["epochs"] * -(-images // 2)
    assert steps >= 40
    assert settings["epochs"] >= 2
    assert 0 < settings["ema_decay"] < 1  # the average is as good sooner
    assert settings["patience"] >= settings["epochs"] // 2  # not before the rate falls
    places = {"train_json": "t", "train_images": "i", "output": "o"}
    assert TrainConfig.from_dict(settings | places).optimizer == "adamw"
    more = choose_settings(replace(FACTS, images=images * 4), 640)
    assert more["epochs"] <= settings["epochs"]


@pytest.mark.parametrize(
    ("side", "size"), [(0.2, 512), (24 / 512, 512), (0.04, 608), (0.01, 768), (0, 512)]
)
def test_small_objects_are_looked_at_in_larger_images(side: float, size: int) -> None:
    assert choose_settings(replace(FACTS, object_side=side), 512)["image_size"] == size


def test_images_never_become_smaller_than_the_parents_nor_too_large() -> None:
    assert choose_settings(replace(FACTS, object_side=0.01), 1333)["image_size"] == 1333
    assert choose_settings(replace(FACTS, object_side=0.01), 960)["image_size"] == 1024


def test_validation_takes_a_quarter_of_the_learning_at_most() -> None:
    settings = fit_to_machine(choose_settings(FACTS, 512), FACTS, SPEED)
    assert (settings["validate_every"], settings["precision"]) == (1, "bf16")
    many = replace(FACTS, validation_images=40)
    every = fit_to_machine(choose_settings(many, 512), many, SPEED)["validate_every"]
    assert every > 1
    assert 40 * 0.5 / every <= 0.25 * 8 * 2.5


def test_the_estimate_adds_up_what_the_run_does() -> None:
    settings = {"epochs": 10, "batch_size": 2, "image_size": 512, "scale_jitter": (1.0, 1.0)}
    seconds = estimate_seconds(settings, FACTS, SPEED)
    assert seconds == pytest.approx(4 + 20 * 0.05 + 80 * 2.5 + 12 * 4 * 0.5 + 10 * 0.8)
    assert estimate_seconds({**settings, "max_steps": 40}, FACTS, SPEED) == pytest.approx(
        4 + 1 + 40 * 2.5 + (5 + 2) * 4 * 0.5 + 5 * 0.8
    )
    square = estimate_seconds(settings, replace(FACTS, aspect=1.0), SPEED)
    assert seconds < square < 4 / 3 * seconds


def test_cross_judging_takes_time_too() -> None:
    settings = {"epochs": 10, "batch_size": 2, "scale_jitter": (1.0, 1.0), "cached_views": 4}
    crossed = replace(FACTS, is_cross_judged=True)
    more = estimate_seconds(settings, crossed, SPEED) - estimate_seconds(settings, FACTS, SPEED)
    assert more == pytest.approx(4 * 8 * 0.35 * 2.5 + 4 * 60 * 0.25 * 2.5 + 4 * 2 + 2 * 16 * 0.5)


def test_kept_features_make_later_epochs_cheap() -> None:
    heads = replace(SPEED, head_step=0.1)
    settings = {"epochs": 20, "batch_size": 2, "scale_jitter": (1.0, 1.0), "cached_views": 4}
    whole = estimate_seconds(settings, FACTS, heads)
    kept = estimate_seconds({**settings, "feature_cache": "cache"}, FACTS, heads)
    assert whole - kept == pytest.approx(160 * (2.5 - 0.1) - 4 * 8 * 0.35 * 2.5)


def test_too_long_is_said() -> None:
    settings = choose_settings(FACTS, 512)
    assert not takes_too_long(settings, FACTS, SPEED)
    assert takes_too_long(settings, FACTS, replace(SPEED, step=20.0))
