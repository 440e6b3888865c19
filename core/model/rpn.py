"""Region proposal network (Faster R-CNN, arXiv 1506.01497)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.model.anchors import pyramid_anchors
from core.model.config import MaskRCNNConfig
from core.model.fpn import separable_conv
from core.model.losses import box_loss, objectness_loss
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
from core.ops.nms import nms_by_group

_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
_MIN_SIDE = 1.0  # pixels
_COVERED = 0.5  # candidates with a larger share in a crowd are no background


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


class RegionProposals(nn.Module):
    """Score and move the anchors; the best become proposals."""

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        self.config = config
        channels, anchors = config.fpn_channels, len(config.anchor_ratios)
        self.conv = nn.Sequential(*separable_conv(channels, bias=True), nn.ReLU(inplace=True))
        self.objectness = nn.Conv2d(channels, anchors, 1)
        self.deltas = nn.Conv2d(channels, anchors * 4, 1)

    def forward(self, levels: Sequence[Tensor]) -> AnchorScores:
        """Score the anchors of P2..P6."""
        config = self.config
        scores = AnchorScores(
            pyramid_anchors(levels, config.anchor_sizes, config.anchor_ratios), [], []
        )
        for level in levels:
            hidden = self.conv(level)
            batch = len(hidden)
            logits = self.objectness(hidden).permute(0, 2, 3, 1)
            deltas = self.deltas(hidden).permute(0, 2, 3, 1)
            scores.logits.append(logits.reshape(batch, -1).float())
            scores.deltas.append(deltas.reshape(batch, -1, 4).float())
        return scores

    @torch.no_grad()
    def propose(self, scores: AnchorScores, features: Features) -> list[Tensor]:
        """Return for every image its proposals `boxes_xyxy` [n, 4], best first."""
        limit = self.config.rpn_proposals_train if self.training else self.config.rpn_proposals_test
        return [
            self._propose_one(scores, image, size)[:limit]
            for image, size in enumerate(features.sizes)
        ]

    def _propose_one(self, scores: AnchorScores, image: int, size: tuple[int, int]) -> Tensor:
        """Choose on every level, decode only those, suppress on every level by itself."""
        boxes, logits, levels = [], [], []
        for number, anchors in enumerate(scores.anchors):
            count = min(self.config.rpn_candidates, len(anchors))
            best, places = scores.logits[number][image].topk(count)
            deltas = scores.deltas[number][image][places]
            boxes.append(clip_boxes(decode_boxes(deltas, anchors[places], _WEIGHTS), *size))
            logits.append(best)
            levels.append(torch.full_like(places, number))
        all_boxes = torch.cat(boxes)
        usable = torch.nonzero(has_min_side(all_boxes, _MIN_SIDE)).flatten()
        all_boxes = all_boxes[usable]
        kept = nms_by_group(
            all_boxes,
            torch.cat(logits)[usable],
            torch.cat(levels)[usable],
            self.config.rpn_nms_threshold,
        )
        return all_boxes[kept]

    def losses(
        self, scores: AnchorScores, targets: Sequence[Target], generator: torch.Generator | None
    ) -> dict[str, Tensor]:
        """Return `rpn_objectness` and `rpn_box` of sampled anchors."""
        anchors = torch.cat(scores.anchors)
        logits, deltas = torch.cat(scores.logits, dim=1), torch.cat(scores.deltas, dim=1)
        sampled_logits, sampled_truth, moves, true_moves = [], [], [], []
        for image, target in enumerate(targets):
            matches = self._match(anchors, target)
            positive, negative = sample_balanced(
                matches, self.config.rpn_samples, self.config.rpn_positive_share, generator
            )
            sampled = torch.cat((positive, negative))
            sampled_logits.append(logits[image, sampled])
            sampled_truth.append((matches[sampled] >= 0).to(logits.dtype))
            moves.append(deltas[image, positive])
            owners = target["boxes_xyxy"][matches[positive]]
            true_moves.append(encode_boxes(owners, anchors[positive], _WEIGHTS))
        truth = torch.cat(sampled_truth)
        return {
            "rpn_objectness": objectness_loss(torch.cat(sampled_logits), truth),
            "rpn_box": box_loss(torch.cat(moves), torch.cat(true_moves), len(truth)),
        }

    def _match(self, anchors: Tensor, target: Target) -> Tensor:
        matches = match_boxes(
            box_iou(target["boxes_xyxy"], anchors),
            positive=self.config.rpn_positive_iou,
            negative=self.config.rpn_negative_iou,
            keep_best=True,
        )
        return ignore_covered(matches, anchors, target["ignore_xyxy"])


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
