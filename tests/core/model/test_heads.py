from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from core.masks import Mask
from core.model.box_head import BoxHead, RoiSample
from core.model.mask_head import MaskHead
from core.model.matcher import BACKGROUND, IGNORED
from core.model.rpn import RegionProposals, ignore_covered
from core.model.structures import Features
from tests.core.model.tiny import TINY, target_of

TWO = replace(TINY, categories=("a", "b"), class_agnostic_box=False, class_agnostic_mask=False)


def square(x: int, y: int, side: int) -> Mask:
    return Mask.from_bitmap(np.ones((side, side), np.bool_), x, y)


def test_proposals_are_clipped_few_and_best_first() -> None:
    rpn = RegionProposals(TINY).eval()
    levels = [torch.randn(2, 16, 24 // 2**i or 1, 32 // 2**i or 1) for i in range(5)]
    features = Features(levels, [(96, 128), (60, 70)])
    with torch.no_grad():
        proposals = rpn.propose(rpn(levels), features)
    for boxes, (height, width) in zip(proposals, features.sizes, strict=True):
        assert 0 < len(boxes) <= TINY.rpn_proposals_test
        assert boxes.min() >= 0
        assert boxes[:, 2].max() <= width
        assert boxes[:, 3].max() <= height
        assert (boxes[:, 2:] - boxes[:, :2]).min() >= 1


def test_background_in_crowds_is_ignored_but_true_boxes_stay() -> None:
    matches = torch.tensor([BACKGROUND, BACKGROUND, 0])
    boxes = torch.tensor([[0.0, 0, 10, 10], [6.0, 0, 16, 10], [0.0, 0, 10, 10]])
    crowd = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    assert ignore_covered(matches, boxes, crowd).tolist() == [IGNORED, BACKGROUND, 0]


def test_true_boxes_are_proposals_too_b5() -> None:
    target = target_of([square(10, 10, 20), square(50, 40, 30)], [1, 1])
    sample = BoxHead(TINY).sample(torch.zeros(0, 4), target, None)
    assert sample.labels.tolist() == [1, 1]
    assert torch.equal(sample.boxes_xyxy, target["boxes_xyxy"])
    assert sample.masks == target["masks"]


def test_an_image_without_objects_gives_background_samples_a8() -> None:
    proposals = torch.tensor([[0.0, 0.0, 20.0, 20.0], [5.0, 5.0, 9.0, 30.0]])
    sample = BoxHead(TINY).sample(proposals, target_of([]), None)
    assert sample.labels.tolist() == [0, 0]
    assert len(sample.true_boxes) == len(sample.masks) == 0


def test_one_proposal_can_be_several_categories_b7() -> None:
    head = BoxHead(TWO)
    logits = torch.tensor([[0.0, 1.0, 0.8]])
    deltas = torch.zeros(1, 2, 4)
    deltas[0, 1, 0] = 5.0  # category b moves by half a width
    found = head.select((logits, deltas), torch.tensor([[10.0, 10.0, 30.0, 30.0]]), (96, 128), 0.05)
    assert found.labels.tolist() == [1, 2]
    assert found.boxes_xyxy.tolist() == [[10.0, 10.0, 30.0, 30.0], [20.0, 10.0, 40.0, 30.0]]


def test_boxes_are_neither_rounded_nor_kept_when_degenerate_b6() -> None:
    proposals = torch.tensor([[10.25, 10.5, 30.125, 30.75], [127.5, 0.0, 150.0, 50.0]])
    scored = torch.tensor([[0.0, 3.0]] * 2), torch.zeros(2, 1, 4)
    found = BoxHead(TINY).select(scored, proposals, (96, 128), 0.05)
    torch.testing.assert_close(found.boxes_xyxy, proposals[:1])


def test_nothing_above_the_threshold_gives_no_boxes_a7() -> None:
    scored = torch.tensor([[9.0, 0.0]]), torch.zeros(1, 1, 4)
    found = BoxHead(TINY).select(scored, torch.tensor([[0.0, 0, 9, 9]]), (96, 128), 0.05)
    assert found.boxes_xyxy.shape == (0, 4)


@pytest.mark.parametrize("config", [TINY, TWO])
def test_mask_logits_are_those_of_the_published_layers(config: object) -> None:
    head = MaskHead(TWO if config is TWO else TINY)
    torch.nn.init.normal_(head.upsample.weight)
    pooled, labels = torch.randn(4, 16, 14, 14), torch.tensor([1, 2, 2, 1])
    with torch.no_grad():
        hidden = pooled
        for conv in head.convs:
            hidden = F.relu(conv(hidden))
        slow = head.logits(F.relu(head.upsample(hidden)))
        rows = labels - 1 if config is TWO else torch.zeros_like(labels)
        torch.testing.assert_close(head(pooled, labels), slow[torch.arange(4), rows])


def test_mask_loss_knows_objects_that_fill_their_box_b2() -> None:
    sample = RoiSample(
        torch.tensor([[10.0, 10.0, 40.0, 40.0]]),
        torch.tensor([1]),
        torch.tensor([[10.0, 10.0, 40.0, 40.0]]),
        [square(10, 10, 30)],
    )
    logits = torch.full((1, 28, 28), 20.0)
    assert MaskHead(TINY).loss(logits, [sample]) < 1e-6
    assert MaskHead(TINY).loss(-logits, [sample]) > 10


def test_mask_targets_follow_the_proposal_not_the_true_box_b3() -> None:
    """The left half of the RoI lies outside of the object."""
    sample = RoiSample(
        torch.tensor([[0.0, 10.0, 40.0, 30.0]]),
        torch.tensor([1]),
        torch.tensor([[20.0, 10.0, 40.0, 30.0]]),
        [square(20, 10, 20)],
    )
    logits = torch.full((1, 28, 28), 20.0)
    logits[:, :, :14] = -20.0
    assert MaskHead(TINY).loss(logits, [sample]) < 1e-6
