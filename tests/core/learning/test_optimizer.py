from dataclasses import replace

import pytest
import torch
from torch import nn

from core.learning.config import STAGES as ALL_STAGES
from core.learning.optimizer import WeightAverage, freeze, learning_rate, make_optimizer
from core.model.mask_rcnn import MaskRCNN
from tests.core.learning.scenes import TINY
from tests.core.learning.test_config import config
from tests.core.model.tiny import scene, target_of, to_tensor

RESNET = replace(TINY, backbone="resnet18")
ROI_HEADS = ("box_head", "mask_head")
HEADS = ("fpn", "rpn", *ROI_HEADS)
STAGES = {
    "roi_heads": (ROI_HEADS, ROI_HEADS),
    "heads": (HEADS, HEADS),
    "5+": (
        (*HEADS, "backbone.stages.5", "backbone.stages.6"),
        (*HEADS, "backbone.stages.3"),
    ),
    "4+": (
        (*HEADS, *(f"backbone.stages.{i}" for i in (3, 4, 5, 6))),
        (*HEADS, "backbone.stages.2", "backbone.stages.3"),
    ),
    "3+": (
        (*HEADS, *(f"backbone.stages.{i}" for i in (2, 3, 4, 5, 6))),
        (*HEADS, *(f"backbone.stages.{i}" for i in (1, 2, 3))),
    ),
    "all": (
        (*HEADS, "backbone.stem", *(f"backbone.stages.{i}" for i in range(7))),
        (*HEADS, "backbone.stem", *(f"backbone.stages.{i}" for i in range(4))),
    ),
}


@pytest.mark.parametrize("stages", STAGES)
@pytest.mark.parametrize("before", ["all", "roi_heads"])
@pytest.mark.parametrize("network", [0, 1])
def test_exactly_the_chosen_stages_learn_whatever_did_before_b1(
    stages: str, before: str, network: int
) -> None:
    model = MaskRCNN((TINY, RESNET)[network])
    freeze(model, before)
    freeze(model, stages)
    learning = {name for name, p in model.named_parameters() if p.requires_grad}
    expected = tuple(f"{module}." for module in STAGES[stages][network])
    assert learning == {n for n, _ in model.named_parameters() if n.startswith(expected)}
    for module in expected:  # no module of the list is misspelt or empty
        assert any(name.startswith(module) for name in learning)


def test_every_stage_can_be_chosen() -> None:
    assert set(STAGES) == set(ALL_STAGES)


def test_what_does_not_learn_stays_bit_for_bit_and_what_does_changes_b1() -> None:
    every = 100_000  # anchor: so that each level of the pyramid has a gradient
    model = MaskRCNN(replace(RESNET, backbone_norm="batch", rpn_samples=every)).train()
    freeze(model, "4+")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = make_optimizer(model, config(optimizer="sgd", weight_decay=0.1))
    losses = model([to_tensor(scene(0)[0])], [target_of(scene(0)[1])])
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    optimizer.step()
    learning = tuple(f"{module}." for module in STAGES["4+"][1])
    changed = {name for name, value in model.state_dict().items() if not value.equal(before[name])}
    assert all(name.startswith(learning) for name in changed)  # running statistics included
    assert {name for name, _ in model.named_parameters() if name.startswith(learning)} <= changed


def test_further_modules_can_be_frozen_by_name() -> None:
    model = MaskRCNN(TINY)
    freeze(model, "all", ("backbone.stem",))
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"backbone.stem.weight"}
    with pytest.raises(ValueError, match=r"no module 'backbone\.stern'"):
        freeze(model, "all", ("backbone.stern",))


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_each_learning_weight_is_optimised_once_and_only_matrices_decay(name: str) -> None:
    model = MaskRCNN(TINY)
    freeze(model, "all", ("mask_head",))
    settings = config(optimizer=name, weight_decay=0.1, backbone_rate_factor=0.5)
    groups = make_optimizer(model, settings).param_groups
    optimised = [id(p) for group in groups for p in group["params"]]
    assert sorted(optimised) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    backbone = {id(p) for p in model.backbone.parameters()}
    for group in groups:
        for parameter in group["params"]:
            assert group["weight_decay"] == (0.1 if parameter.ndim > 1 else 0)
            assert group["rate_factor"] == (0.5 if id(parameter) in backbone else 1)


def test_the_momentum_is_that_of_sgd_and_the_first_beta_of_adamw() -> None:
    model = MaskRCNN(TINY)
    adamw = make_optimizer(model, config(optimizer="adamw", momentum=0.8))
    sgd = make_optimizer(model, config(optimizer="sgd", momentum=0.8))
    assert {group["betas"] for group in adamw.param_groups} == {(0.8, 0.999)}
    assert {group["momentum"] for group in sgd.param_groups} == {0.8}


def test_the_rate_rises_then_falls_to_nothing() -> None:
    settings = config(learning_rate=0.1, warmup_steps=10)
    rates = [learning_rate(settings, step, 110) for step in range(110)]
    assert rates[:10] == pytest.approx([0.01 * (step + 1) for step in range(10)])
    assert rates[10] == pytest.approx(0.1)
    assert rates[60] == pytest.approx(0.05)  # half way down the cosine
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] < 1e-4


def test_a_short_run_still_reaches_the_full_rate() -> None:
    settings = config(learning_rate=0.1, warmup_steps=50)
    assert max(learning_rate(settings, step, 4) for step in range(4)) == pytest.approx(0.1)
    assert learning_rate(settings, 0, 1) == pytest.approx(0.1)


def test_the_average_follows_the_weights_with_its_decay() -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = WeightAverage(model, decay=0.5)
    with torch.no_grad():
        model.weight.fill_(1.0)
    expected = 0.0
    for update in range(1, 20):
        average.update(model)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay)
        assert average.state["weight"].item() == pytest.approx(expected)


def test_a_model_for_other_categories_learns_all_of_its_weights() -> None:
    model = MaskRCNN(replace(TINY, categories=("cup", "egg")))
    freeze(model, "all")
    assert all(parameter.requires_grad for parameter in model.parameters())
