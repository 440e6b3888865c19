"""Box head: what a proposal shows, and where its box really ends (Fast R-CNN, 1504.08083)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from core.masks import Mask
from core.model.config import MaskRCNNConfig
from core.model.losses import box_loss, softmax_focal_loss
from core.model.matcher import match_boxes, sample_balanced
from core.model.rpn import ignore_covered
from core.model.structures import Boxes, Target
from core.ops.boxes import box_iou, clip_boxes, decode_boxes, encode_boxes, has_min_side
from core.ops.nms import nms_by_group

_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
_MIN_SIDE = 1.0  # pixels


@dataclass(frozen=True)
class RoiSample:
    """The proposals of one image that are trained on, the positive ones first.

    Attributes:
        boxes_xyxy: [S, 4].
        labels: [S] int64, 0 for background.
        true_boxes: [P, 4], of the positives.
        masks: P masks, of the positives.
    """

    boxes_xyxy: Tensor
    labels: Tensor
    true_boxes: Tensor
    masks: list[Mask]


class BoxHead(nn.Module):
    """Two fully connected layers, then scores (background and K categories) and box deltas."""

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        self.config = config
        inputs = config.fpn_channels * config.box_pool**2
        categories = len(config.categories)
        self.fc1 = nn.Linear(inputs, config.box_channels)
        self.fc2 = nn.Linear(config.box_channels, config.box_channels)
        self.classes = nn.Linear(config.box_channels, categories + 1)
        self.deltas = nn.Linear(
            config.box_channels, 4 if config.class_agnostic_box else 4 * categories
        )

    def forward(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [N, K + 1] and deltas [N, 1 or K, 4] of pooled RoIs [N, C, 7, 7]."""
        hidden = F.relu(self.fc1(pooled.flatten(1)))
        hidden = F.relu(self.fc2(hidden))
        return self.classes(hidden).float(), self.deltas(hidden).float().unflatten(1, (-1, 4))

    @torch.no_grad()
    def sample(
        self, proposals: Tensor, target: Target, generator: torch.Generator | None
    ) -> RoiSample:
        """Choose what to train on among the proposals [n, 4] and the true boxes themselves."""
        config = self.config
        candidates = torch.cat((proposals, target["boxes_xyxy"]))
        iou = box_iou(target["boxes_xyxy"], candidates)
        threshold = config.box_positive_iou
        matches = match_boxes(iou, positive=threshold, negative=threshold)
        matches = ignore_covered(matches, candidates, target["ignore_xyxy"])
        positive, negative = sample_balanced(
            matches, config.box_samples, config.box_positive_share, generator
        )
        owners = matches[positive]
        background = torch.zeros_like(negative)
        return RoiSample(
            candidates[torch.cat((positive, negative))],
            torch.cat((target["labels"][owners], background)),
            target["boxes_xyxy"][owners],
            [target["masks"][owner] for owner in owners.tolist()],
        )

    def losses(
        self, logits: Tensor, deltas: Tensor, samples: Sequence[RoiSample]
    ) -> dict[str, Tensor]:
        """Return `box_class` and `box_regression` for the samples' RoIs, in their order."""
        labels = torch.cat([sample.labels for sample in samples])
        positive = torch.nonzero(labels > 0).flatten()
        references = torch.cat([sample.boxes_xyxy for sample in samples])[positive]
        truth = encode_boxes(torch.cat([s.true_boxes for s in samples]), references, _WEIGHTS)
        moves = deltas[positive, self._delta_row(labels[positive])]
        return {
            "box_class": softmax_focal_loss(logits, labels, self.config.focal_gamma),
            "box_regression": box_loss(moves, truth, len(labels)),
        }

    def select(
        self,
        scored: tuple[Tensor, Tensor],
        proposals: Tensor,
        size: tuple[int, int],
        score_threshold: float,
    ) -> Boxes:
        """Return the final boxes of one image, best first.

        Args:
            scored: logits [n, K + 1] and deltas [n, 1 or K, 4].
            proposals: `boxes_xyxy` [n, 4].
            size: height and width of the image; boxes are clipped to it.
            score_threshold: applied before anything is decoded.
        """
        scores = F.softmax(scored[0], dim=1)[:, 1:]  # [n, K]
        rois, columns = torch.nonzero(scores >= score_threshold, as_tuple=True)
        labels = columns + 1
        deltas = scored[1][rois, self._delta_row(labels)]
        boxes = clip_boxes(decode_boxes(deltas, proposals[rois], _WEIGHTS), *size)
        usable = torch.nonzero(has_min_side(boxes, _MIN_SIDE)).flatten()
        boxes, labels, best = boxes[usable], labels[usable], scores[rois, columns][usable]
        kept = nms_by_group(boxes, best, labels, self.config.nms_threshold)
        return Boxes(boxes[kept], best[kept], labels[kept])

    def _delta_row(self, labels: Tensor) -> Tensor:
        """Return which row of deltas belongs to each label 1..K."""
        return torch.zeros_like(labels) if self.config.class_agnostic_box else labels - 1
