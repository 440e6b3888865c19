"""Region proposal network (Faster R-CNN, arXiv 1506.01497)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.model.anchors import pyramid_anchors
from core.model.config import MaskRCNNConfig
from core.model.fpn import conv3x3
from core.model.known import ignore_unknown
from core.model.losses import (
    at_least_float32,
    focal_objectness_loss,
    objectness_loss,
    smooth_l1_loss,
)
from core.model.matcher import BACKGROUND, IGNORED, match_boxes, sample_balanced
from core.model.structures import Features, Target
from core.ops.boxes import (
    box_iou,
    clip_boxes,
    covered_share,
    decode_boxes,
    encode_boxes,
    has_min_side,
)
from core.ops.nms import join_groups, nms_by_group

_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
_COVERED = 0.5  # candidates with a larger share in a crowd are no background
# Of the focal loss: the probability that an untrained network gives to objects, and the running
# mean of positive anchors per batch, with the value it starts from.
_PRIOR = 0.01
_MEAN_DECAY, _FIRST_MEAN = 0.9, 100.0


@dataclass(frozen=True)
class AnchorScores:
    """What the network says of every anchor of a batch, level by level.

    Attributes:
        anchors: per level, `boxes_xyxy` [A, 4].
        logits: per level, [B, A].
        deltas: per level, [B, A, 4].
    """

    anchors: list[Tensor]
    logits: list[Tensor]
    deltas: list[Tensor]


@dataclass(frozen=True)
class AnchorSample:
    """The anchors of one image that are trained on.

    Attributes:
        positive: [P] int64, indices.
        negative: [Q] int64, indices.
        owners: `boxes_xyxy` [P, 4], the true boxes of the positives.
    """

    positive: Tensor
    negative: Tensor
    owners: Tensor


class RegionProposals(nn.Module):
    """Score and move the anchors; the best become proposals."""

    positives_mean: Tensor

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        self.config = config
        channels, anchors = config.fpn_channels, len(config.anchor_ratios)
        self.conv = nn.Sequential()
        for _ in range(config.rpn_convs):
            self.conv.extend([*conv3x3(channels, config, bias=True), nn.ReLU(inplace=True)])
        self.objectness = nn.Conv2d(channels, anchors, 1)
        self.deltas = nn.Conv2d(channels, anchors * 4, 1)
        if config.rpn_loss == "focal":
            self.register_buffer("positives_mean", torch.tensor(_FIRST_MEAN))

    def forward(self, levels: Sequence[Tensor]) -> AnchorScores:
        """Score the anchors of P2..P6."""
        scores = AnchorScores(pyramid_anchors(levels, self.config), [], [])
        for level in levels:
            hidden = self.conv(level)
            batch = len(hidden)
            logits = self.objectness(hidden).permute(0, 2, 3, 1)
            deltas = self.deltas(hidden).permute(0, 2, 3, 1)
            scores.logits.append(at_least_float32(logits.reshape(batch, -1)))
            scores.deltas.append(at_least_float32(deltas.reshape(batch, -1, 4)))
        return scores

    def set_prior(self) -> None:
        """Let all anchors start as objects with the probability 0.01 (arXiv 1708.02002, 4.1)."""
        assert self.objectness.bias is not None
        nn.init.constant_(self.objectness.bias, -math.log((1 - _PRIOR) / _PRIOR))

    @torch.no_grad()
    def propose(self, scores: AnchorScores, features: Features) -> list[Tensor]:
        """Return for every image its proposals `boxes_xyxy` [n, 4], best first.

        The best are chosen on every level by itself, only those are decoded, and they suppress
        each other on every level by itself.
        """
        parts = [self._candidates(scores, i, size) for i, size in enumerate(features.sizes)]
        boxes, logits, levels = (torch.cat(part) for part in zip(*parts, strict=True))
        images = torch.cat([torch.full_like(part[2], i) for i, part in enumerate(parts)])
        groups = join_groups(images, levels)
        threshold = self.config.rpn_nms_threshold
        kept = nms_by_group(boxes, logits, groups, threshold, self._limit())
        limit = self.config.rpn_proposals_train if self.training else self.config.rpn_proposals_test
        return [boxes[kept[images[kept] == i][:limit]] for i in range(len(parts))]

    def _candidates(
        self, scores: AnchorScores, image: int, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the best boxes [n, 4] of all levels of an image, their logits and levels [n]."""
        limit = self._limit()
        boxes, logits, levels = [], [], []
        for number, anchors in enumerate(scores.anchors):
            best, places = scores.logits[number][image].topk(min(limit, len(anchors)))
            deltas = scores.deltas[number][image][places]
            boxes.append(clip_boxes(decode_boxes(deltas, anchors[places], _WEIGHTS), *size))
            logits.append(best)
            levels.append(torch.full_like(places, number))
        found = torch.cat(boxes)
        usable = torch.nonzero(has_min_side(found, self.config.rpn_min_side)).flatten()
        return found[usable], torch.cat(logits)[usable], torch.cat(levels)[usable]

    def _limit(self) -> int:
        """Return how many candidates a level has at most."""
        if self.training and self.config.rpn_candidates_train is not None:
            return self.config.rpn_candidates_train
        return self.config.rpn_candidates

    def losses(
        self, scores: AnchorScores, targets: Sequence[Target], generator: torch.Generator | None
    ) -> dict[str, Tensor]:
        """Return `rpn_objectness` and `rpn_box`, of sampled anchors or of all of them."""
        anchors = torch.cat(scores.anchors)  # [A, 4]
        logits, deltas = torch.cat(scores.logits, dim=1), torch.cat(scores.deltas, dim=1)
        samples = [self._sample(anchors, target, generator) for target in targets]
        # From here on the images of the batch lie behind each other: [B * A].
        positive = torch.cat([i * len(anchors) + s.positive for i, s in enumerate(samples)])
        negative = torch.cat([i * len(anchors) + s.negative for i, s in enumerate(samples)])
        truth = torch.cat((torch.ones_like(positive), torch.zeros_like(negative))).to(logits.dtype)
        picked = logits.flatten()[torch.cat((positive, negative))]
        owners = torch.cat([sample.owners for sample in samples])
        true_moves = encode_boxes(owners, anchors[positive % len(anchors)], _WEIGHTS)
        moves = deltas.flatten(0, 1)[positive]
        box_sum = smooth_l1_loss(moves, true_moves, self.config.smooth_l1_beta)
        if self.config.rpn_loss == "focal":
            count = self._mean_of_positives(len(positive))
            return {
                "rpn_objectness": self._focal(picked, truth) / count,
                "rpn_box": box_sum / count,
            }
        # Over all samples, not the positives: so every instance weighs the same.
        objectness = objectness_loss(picked, truth)
        return {"rpn_objectness": objectness, "rpn_box": box_sum / max(1, len(truth))}

    def _focal(self, logits: Tensor, truth: Tensor) -> Tensor:
        alpha, gamma = self.config.rpn_focal_alpha, self.config.rpn_focal_gamma
        return focal_objectness_loss(logits, truth, alpha=alpha, gamma=gamma)

    def _sample(
        self, anchors: Tensor, target: Target, generator: torch.Generator | None
    ) -> AnchorSample:
        matches = match_boxes(
            box_iou(target["boxes_xyxy"], anchors),
            positive=self.config.rpn_positive_iou,
            negative=self.config.rpn_negative_iou,
            keep_best=True,
        )
        matches = ignore_covered(matches, anchors, target["ignore_xyxy"])
        matches = ignore_unknown(matches, anchors, target.get("known"))
        if self.config.rpn_loss == "focal":
            positive = torch.nonzero(matches >= 0).flatten()
            negative = torch.nonzero(matches == BACKGROUND).flatten()
        else:
            positive, negative = sample_balanced(
                matches, self.config.rpn_samples, self.config.rpn_positive_share, generator
            )
        return AnchorSample(positive, negative, target["boxes_xyxy"][matches[positive]])

    def _mean_of_positives(self, count: int) -> Tensor:
        """Return the running mean of positive anchors per batch, at least 1; learn in training.

        The number of one batch alone would let photos without objects weigh far too much.
        """
        if self.training:
            self.positives_mean.lerp_(self.positives_mean.new_tensor(count), 1 - _MEAN_DECAY)
        return self.positives_mean.clamp_min(1.0)


def ignore_covered(matches: Tensor, candidates: Tensor, regions: Tensor) -> Tensor:
    """Return the matches, where candidates that lie in a crowd are ignored instead of background.

    Candidates of a true box stay with it: instances are often annotated inside of crowds.

    Args:
        matches: [N] as `match_boxes` returns them.
        candidates: `boxes_xyxy` [N, 4].
        regions: crowds, `boxes_xyxy` [M, 4].
    """
    covered = covered_share(candidates, regions) > _COVERED
    return torch.where(covered & (matches == BACKGROUND), IGNORED, matches)
