from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from core.masks import Mask
from core.model.box_head import DELTA_WEIGHTS, BoxHead, RoiSample
from core.model.config import MaskRCNNConfig
from core.model.losses import giou_loss, softmax_focal_loss
from core.model.mask_head import MaskHead
from core.model.matcher import BACKGROUND, IGNORED
from core.model.rpn import AnchorScores, RegionProposals, ignore_covered
from core.model.structures import Boxes, Features, Selection
from core.ops.boxes import decode_boxes, encode_boxes
from core.ops.inference_conv import onednn_clips
from tests.core.model.tiny import TINY, target_of

TWO = replace(TINY, categories=("a", "b"), class_agnostic_box=False, class_agnostic_mask=False)

SIZE = (96, 128)
USUAL = Selection(0.05, 0.5, class_agnostic_nms=False, limit=100)


def select(
    config: MaskRCNNConfig,
    scored: tuple[Tensor, Tensor],
    proposals: Tensor,
    selection: Selection = USUAL,
) -> Boxes:
    return BoxHead(config).select(scored, [proposals], [SIZE], selection)[0]


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
    matches = torch.tensor([BACKGROUND, BACKGROUND, BACKGROUND, 0])
    boxes = torch.tensor([[0.0, 0, 10, 10], [4.0, 0, 14, 10], [6.0, 0, 16, 10], [0.0, 0, 10, 10]])
    crowd = torch.tensor([[0.0, 0.0, 10.0, 10.0]])  # covers 1, .6, .4 and 1 of them
    assert ignore_covered(matches, boxes, crowd).tolist() == [IGNORED, IGNORED, BACKGROUND, 0]


def test_true_boxes_are_proposals_too_b5() -> None:
    target = target_of([square(10, 10, 20), square(50, 40, 30)], [1, 1])
    sample = BoxHead(TINY).sample(torch.zeros(0, 4), target, None)
    assert sample.labels.tolist() == [1, 1]
    assert torch.equal(sample.boxes_xyxy, target["boxes_xyxy"])
    assert sample.masks == target["masks"]


def test_samples_have_the_number_and_the_share_of_positives_that_the_config_names() -> None:
    config = replace(
        TINY, box_samples=40, box_positive_share=0.25, rpn_samples=30, rpn_positive_share=0.2
    )
    on, off = torch.tensor([[10.0, 10, 40, 40]]), torch.tensor([[60.0, 60, 90, 90]])
    boxes, target = (
        torch.cat((on.expand(50, 4), off.expand(50, 4))),
        target_of([square(10, 10, 30)]),
    )
    rois = BoxHead(config).sample(boxes, target, None)
    assert rois.labels.tolist() == [1] * 10 + [0] * 30
    anchors = RegionProposals(config)._sample(boxes, target, None)
    assert (len(anchors.positive), len(anchors.negative)) == (6, 24)
    assert anchors.positive.max() < 50 <= anchors.negative.min()
    assert torch.equal(anchors.owners, on.expand(6, 4))


def test_an_image_without_objects_gives_background_samples_a8() -> None:
    proposals = torch.tensor([[0.0, 0.0, 20.0, 20.0], [5.0, 5.0, 9.0, 30.0]])
    sample = BoxHead(TINY).sample(proposals, target_of([]), None)
    assert sample.labels.tolist() == [0, 0]
    assert len(sample.true_boxes) == len(sample.masks) == 0


def test_one_proposal_can_be_several_categories_b7() -> None:
    logits = torch.tensor([[0.0, 1.0, 0.8]])
    deltas = torch.zeros(1, 2, 4)
    deltas[0, 1, 0] = 5.0  # category b moves by half a width
    found = select(TWO, (logits, deltas), torch.tensor([[10.0, 10.0, 30.0, 30.0]]))
    assert found.labels.tolist() == [1, 2]
    assert found.boxes_xyxy.tolist() == [[10.0, 10.0, 30.0, 30.0], [20.0, 10.0, 40.0, 30.0]]


def test_boxes_are_neither_rounded_nor_kept_when_degenerate_b6() -> None:
    proposals = torch.tensor([[10.25, 10.5, 30.125, 30.75], [127.5, 0.0, 150.0, 50.0]])
    scored = torch.tensor([[0.0, 3.0]] * 2), torch.zeros(2, 1, 4)
    found = select(TINY, scored, proposals)
    torch.testing.assert_close(found.boxes_xyxy, proposals[:1])


def test_nothing_above_the_threshold_gives_no_boxes_a7() -> None:
    scored = torch.tensor([[9.0, 0.0]]), torch.zeros(1, 1, 4)
    found = select(TINY, scored, torch.tensor([[0.0, 0, 9, 9]]))
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
    assert MaskHead(TINY).loss(logits, [sample], [SIZE]) < 1e-6
    assert MaskHead(TINY).loss(-logits, [sample], [SIZE]) > 10


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
    assert MaskHead(TINY).loss(logits, [sample], [SIZE]) < 1e-6


def test_score_nms_and_top_k_are_arguments() -> None:
    proposals = torch.tensor([[10.0, 10.0, 30.0, 30.0], [12.0, 10.0, 32.0, 30.0]])
    scored = torch.tensor([[0.0, 3.0], [0.0, 2.0]]), torch.zeros(2, 1, 4)
    loose = replace(USUAL, nms_threshold=0.9)
    choices = (USUAL, loose, replace(loose, limit=1), replace(loose, score_threshold=0.9))
    found = [select(TINY, scored, proposals, choice) for choice in choices]
    assert [len(boxes.scores) for boxes in found] == [1, 2, 1, 1]


def test_class_agnostic_nms_leaves_one_category_per_place() -> None:
    scored = torch.tensor([[0.0, 1.0, 0.8]]), torch.zeros(1, 2, 4)
    proposals = torch.tensor([[10.0, 10.0, 30.0, 30.0]])
    assert select(TWO, scored, proposals).labels.tolist() == [1, 2]
    agnostic = replace(USUAL, class_agnostic_nms=True)
    assert select(TWO, scored, proposals, agnostic).labels.tolist() == [1]


def test_a_batch_is_selected_like_each_image_alone() -> None:
    head = BoxHead(TWO)
    generator = torch.Generator().manual_seed(0)
    logits, deltas = (
        torch.randn(30, 3, generator=generator),
        torch.randn(30, 2, 4, generator=generator),
    )
    corners = torch.rand(30, 2, generator=generator) * 60
    boxes = torch.cat((corners, corners + 5 + torch.rand(30, 2, generator=generator) * 40), dim=1)
    parts, sizes = [boxes[:12], boxes[12:12], boxes[12:]], [SIZE, (20, 20), (64, 80)]
    together = head.select((logits, deltas), parts, sizes, USUAL)
    starts = (0, 12, 12)
    for found, part, size, start in zip(together, parts, sizes, starts, strict=True):
        rows = slice(start, start + len(part))
        alone = head.select((logits[rows], deltas[rows]), [part], [size], USUAL)[0]
        assert torch.equal(found.boxes_xyxy, alone.boxes_xyxy)
        assert torch.equal(found.labels, alone.labels)


def test_the_box_head_with_convolutions_has_one_fully_connected_layer() -> None:
    head = BoxHead(replace(TINY, box_convs=4, box_fcs=1, head_norm="group"))
    logits, deltas = head(torch.randn(3, 16, 7, 7))
    assert logits.shape == (3, 2)
    assert deltas.shape == (3, 1, 4)
    assert sum(isinstance(m, torch.nn.Linear) for m in head.modules()) == 3
    assert sum(isinstance(m, torch.nn.Conv2d) for m in head.modules()) == 4


def test_masks_of_56_cells_come_from_28() -> None:
    head = MaskHead(replace(TINY, mask_pool=28))
    assert head(torch.randn(2, 16, 28, 28), torch.tensor([1, 1])).shape == (2, 56, 56)


def test_dice_adds_to_the_mask_loss() -> None:
    box = torch.tensor([[10.0, 10.0, 40.0, 40.0]])
    sample = RoiSample(box, torch.tensor([1]), box, [square(10, 10, 15)])
    logits = torch.randn(1, 28, 28)
    plain = MaskHead(TINY).loss(logits, [sample], [SIZE])
    dice = MaskHead(replace(TINY, mask_dice=0.5)).loss(logits, [sample], [SIZE])
    assert 0.1 < dice - plain < 0.5


def test_the_box_losses_are_those_that_the_config_names() -> None:
    proposals = torch.tensor([[10.0, 10.0, 40.0, 40.0], [50.0, 50.0, 80.0, 80.0]])
    truth = torch.tensor([[12.0, 8.0, 45.0, 40.0]])
    sample = RoiSample(proposals, torch.tensor([1, 0]), truth, [square(12, 8, 9)])
    logits, deltas = torch.tensor([[0.5, -1.0], [2.0, 0.3]]), torch.full((2, 1, 4), 0.7)

    def losses(**settings: Any) -> dict[str, Tensor]:
        return BoxHead(replace(TINY, **settings)).losses(logits, deltas, [sample])

    for gamma in (0.0, 0.5, 2.0):
        expected = softmax_focal_loss(logits, sample.labels, gamma)
        assert torch.equal(losses(focal_gamma=gamma)["box_class"], expected)
    boxes = decode_boxes(deltas[:1, 0], proposals[:1], DELTA_WEIGHTS)
    targets = encode_boxes(truth, proposals[:1], DELTA_WEIGHTS)
    for settings, expected in (
        ({"box_loss": "giou"}, giou_loss(boxes, truth) / 2),
        ({"smooth_l1_beta": 0.0}, (targets - 0.7).abs().sum() / 2),
        ({"smooth_l1_beta": 0.5}, F.smooth_l1_loss(deltas[:1, 0], targets, beta=0.5) * 4 / 2),
    ):
        torch.testing.assert_close(losses(**settings)["box_regression"], expected)


@pytest.mark.parametrize(("loss", "divisor"), [("sampled", 256.0), ("focal", 90.1)])
@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_the_rpns_box_loss_has_its_beta_and_its_divisor(
    loss: str, divisor: float, beta: float
) -> None:
    """All samples, or the running mean of positives: .9 of 100 and .1 of this one."""
    rpn = RegionProposals(replace(TINY, rpn_loss=loss, smooth_l1_beta=beta)).train()
    anchors = torch.tensor([[10.0, 10.0, 40.0, 40.0]] + [[80.0, 80.0, 90.0, 90.0]] * 300)
    moves = torch.full((1, 301, 4), 0.7)
    scores = AnchorScores([anchors], [torch.zeros(1, 301)], [moves])
    losses = rpn.losses(scores, [target_of([square(10, 10, 30)])], None)
    expected = 4 * (0.7 - 0.5 * beta)
    assert losses["rpn_box"].item() == pytest.approx(expected / divisor)


def test_the_focal_rpn_has_the_alpha_and_gamma_that_the_config_names() -> None:
    config = replace(TINY, rpn_loss="focal", rpn_focal_alpha=0.1, rpn_focal_gamma=1.5)
    rpn = RegionProposals(config).train()
    scores = rpn([torch.randn(1, 16, 24 // 2**i or 1, 32 // 2**i or 1) for i in range(5)])
    found = rpn.losses(scores, [target_of([])], None)["rpn_objectness"]
    p = torch.cat(scores.logits, dim=1).sigmoid()
    expected = (0.9 * p**1.5 * -(1 - p).log()).sum() / 90  # .9 of 100 positives, none new
    torch.testing.assert_close(found, expected)


def test_the_focal_rpn_trains_on_all_anchors_and_remembers_the_positives() -> None:
    rpn = RegionProposals(replace(TINY, rpn_loss="focal")).train()
    rpn.set_prior()
    levels = [torch.randn(1, 16, 24 // 2**i or 1, 32 // 2**i or 1) for i in range(5)]
    torch.nn.init.zeros_(rpn.objectness.weight)
    scores = rpn(levels)
    torch.testing.assert_close(scores.logits[0].sigmoid(), torch.full_like(scores.logits[0], 0.01))
    losses = rpn.losses(scores, [target_of([square(10, 10, 30)])], None)
    mean = float(rpn.positives_mean)
    assert 90 < mean < 91
    # Every negative anchor costs (1 - alpha) p^2 -log(1 - p).
    negatives = losses["rpn_objectness"].item() * mean / (0.75 * 0.01**2 * -np.log(0.99))
    assert negatives > 1000
    again = rpn.eval().losses(scores, [target_of([])], None)
    assert float(rpn.positives_mean) == mean
    assert again["rpn_box"].item() == 0


def test_two_convolutions_come_before_the_scores_when_asked() -> None:
    rpn = RegionProposals(replace(TINY, rpn_convs=2, separable_convs=False))
    assert [type(m).__name__ for m in rpn.conv] == ["Conv2d", "ReLU"] * 2


class _Ran(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The names of the operators that run."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.skipif(not onednn_clips(), reason="there is nothing faster here")
def test_without_gradients_the_mask_head_has_the_faster_convolution() -> None:
    head, hidden = MaskHead(TINY), torch.rand(2, 16, 14, 14)
    learning, predicting = _Ran(), _Ran()
    with learning:
        slow = head._fine_logits(hidden)
    with torch.no_grad(), predicting:
        fast = head._fine_logits(hidden)
    name = "mkldnn._convolution_pointwise.default"
    assert (name in learning.names, name in predicting.names) == (False, True)
    torch.testing.assert_close(fast, slow.detach(), atol=1e-5, rtol=1e-5)
    assert slow.requires_grad
