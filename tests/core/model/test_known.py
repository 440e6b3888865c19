"""An object that nobody has labelled yet must not be taught as background."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.masks import Mask
from core.model.known import ignore_unknown, known_share
from core.model.mask_rcnn import Features, MaskRCNN, Target
from core.model.matcher import BACKGROUND, IGNORED
from tests.core.model.tiny import TINY, target_of

SIDE = 128
CONFIG = replace(TINY, fpn_norm="none", rpn_proposals_train=9999, rpn_candidates=9999)
LABELLED = Mask.from_bitmap(np.ones((30, 30), np.bool_), 8, 10)
UNLABELLED = (80, 76, 116, 112)  # x1, y1, x2, y2
FINISHED = Mask.from_bitmap(np.ones((SIDE, 60), np.bool_))


def test_the_known_share_counts_pixels() -> None:
    known = torch.rand(20, 30, generator=torch.Generator().manual_seed(0)) > 0.5
    boxes = torch.tensor(
        [[0, 0, 30, 20], [3, 4, 9, 6], [-5, -5, 4, 4], [29, 19, 40, 30], [31, 0, 40, 5]]
    ).float()
    slow = [
        known[max(0, y1) : y2, max(0, x1) : x2].float().mean().nan_to_num(0).item()
        for x1, y1, x2, y2 in boxes.int().tolist()
    ]
    assert known_share(boxes, known).tolist() == pytest.approx(slow)


def test_background_must_be_known() -> None:
    known = torch.zeros(10, 20, dtype=torch.bool)
    known[:, :10] = True
    boxes = torch.tensor([[0, 0, 8, 8], [0.0, 0, 11, 10], [4, 0, 14, 10], [9, 0, 18, 10]])
    matches = torch.full((4,), BACKGROUND)
    found = ignore_unknown(matches, boxes, known)
    assert found.tolist() == [BACKGROUND, BACKGROUND, IGNORED, IGNORED]
    assert torch.equal(ignore_unknown(matches, boxes, None), matches)
    owned = torch.zeros_like(matches)
    assert torch.equal(ignore_unknown(owned, boxes, known), owned)


def target(known: Mask | None) -> Target:
    bitmap = None if known is None else torch.from_numpy(known.to_bitmap(SIDE, SIDE))
    return {**target_of([LABELLED]), "known": bitmap}


def features(*, with_object: bool) -> Features:
    """Random features, and strong ones in the cells of the unlabelled object."""
    generator = torch.Generator().manual_seed(3)
    levels = []
    for stride in (4, 8, 16, 32, 64):
        cells = SIDE // stride
        level = torch.randn(1, CONFIG.fpn_channels, cells, cells, generator=generator)
        if with_object and stride <= 16:
            x1, y1, x2, y2 = (value // stride for value in UNLABELLED)
            level[:, :, y1:y2, x1:x2] += 6
        levels.append(level)
    return Features(levels, [(SIDE, SIDE)])


def learn(
    known: Mask | None, monkeypatch: pytest.MonkeyPatch, *, with_object: bool
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Losses and gradients of a model that takes every RoI that it may."""
    config = replace(CONFIG, rpn_samples=10**6, box_samples=10**6)
    model = MaskRCNN(config, seed=1).train()
    nn.init.zeros_(model.rpn.deltas.weight)  # proposals stay where their anchors are
    monkeypatch.setattr(model, "features", lambda _: features(with_object=with_object))
    losses = model([], [target(known)], torch.Generator().manual_seed(0))
    torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
    grads = {
        name: parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    return {name: value.item() for name, value in losses.items()}, grads


@pytest.mark.parametrize("known", [LABELLED, FINISHED])
def test_an_unlabelled_object_costs_nothing(known: Mask, monkeypatch: pytest.MonkeyPatch) -> None:
    losses, grads = learn(known, monkeypatch, with_object=False)
    there, grads_there = learn(known, monkeypatch, with_object=True)
    assert all(value > 0 for value in losses.values())
    assert losses == pytest.approx(there)
    assert grads.keys() == grads_there.keys()
    for name, grad in grads.items():
        assert torch.allclose(grad, grads_there[name], atol=1e-6), name


def test_where_all_is_labelled_it_would_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    losses, _ = learn(None, monkeypatch, with_object=False)
    there, _ = learn(None, monkeypatch, with_object=True)
    assert abs(losses["rpn_objectness"] - there["rpn_objectness"]) > 1e-3
    assert abs(losses["box_class"] - there["box_class"]) > 1e-4


def test_finished_regions_teach_background(monkeypatch: pytest.MonkeyPatch) -> None:
    losses, _ = learn(LABELLED, monkeypatch, with_object=False)
    more, _ = learn(FINISHED, monkeypatch, with_object=False)
    assert losses["rpn_objectness"] != more["rpn_objectness"]
