"""Box head: what a proposal shows, and where its box really ends (Fast R-CNN, 1504.08083)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from core.masks import Mask
from core.model.config import MaskRCNNConfig
from core.model.known import ignore_unknown
from core.model.losses import at_least_float32, giou_loss, smooth_l1_loss, softmax_focal_loss
from core.model.matcher import match_boxes, sample_balanced
from core.model.norms import make_norm
from core.model.rpn import ignore_covered
from core.model.structures import Boxes, Selection, Target
from core.ops.boxes import box_iou, clip_boxes, decode_boxes, encode_boxes, has_min_side
from core.ops.nms import join_groups, nms_by_group

DELTA_WEIGHTS = (10.0, 10.0, 5.0, 5.0)


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
    """Convolutions, fully connected layers, then scores (background first) and box deltas."""

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        self.config = config
        channels, categories = config.fpn_channels, len(config.categories)
        bias = config.head_norm == "none"
        self.convs = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1, bias=bias) for _ in range(config.box_convs)
        )
        self.norms = nn.ModuleList(make_norm(config.head_norm, channels) for _ in self.convs)
        self.fc1 = nn.Linear(channels * config.box_pool**2, config.box_channels)
        self.fc2 = _second_layer(config)
        self.classes = nn.Linear(config.box_channels, categories + 1)
        self.deltas = nn.Linear(
            config.box_channels, 4 if config.class_agnostic_box else 4 * categories
        )

    def forward(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [N, K + 1] and deltas [N, 1 or K, 4] of pooled RoIs [N, C, 7, 7]."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            pooled = F.relu(norm(conv(pooled)))
        hidden = F.relu(self.fc1(pooled.flatten(1)))
        if self.fc2 is not None:
            hidden = F.relu(self.fc2(hidden))
        logits, deltas = (
            at_least_float32(self.classes(hidden)),
            at_least_float32(self.deltas(hidden)),
        )
        return logits, deltas.unflatten(1, (-1, 4))

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
        matches = ignore_unknown(matches, candidates, target.get("known"))
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
        truth = torch.cat([sample.true_boxes for sample in samples])
        moves = deltas[positive, self._delta_row(labels[positive])]
        return {
            "box_class": softmax_focal_loss(logits, labels, self.config.focal_gamma),
            # Over all samples, not the positives: so every instance weighs the same.
            "box_regression": self._box_loss(moves, references, truth) / max(1, len(labels)),
        }

    def _box_loss(self, moves: Tensor, references: Tensor, truth: Tensor) -> Tensor:
        if self.config.box_loss == "giou":
            return giou_loss(decode_boxes(moves, references, DELTA_WEIGHTS), truth)
        targets = encode_boxes(truth, references, DELTA_WEIGHTS)
        return smooth_l1_loss(moves, targets, self.config.smooth_l1_beta)

    def select(
        self,
        scored: tuple[Tensor, Tensor],
        proposals: Sequence[Tensor],
        sizes: Sequence[tuple[int, int]],
        selection: Selection,
    ) -> list[Boxes]:
        """Return the final boxes of every image of a batch, best first.

        Args:
            scored: logits [N, K + 1] and deltas [N, 1 or K, 4] of all proposals.
            proposals: per image, `boxes_xyxy` [n, 4].
            sizes: height and width of every image; boxes are clipped to it.
            selection: what is good enough; its score limit works before anything is decoded.
        """
        counts = torch.tensor([len(boxes) for boxes in proposals])
        images = torch.repeat_interleave(torch.arange(len(counts)), counts).to(scored[0].device)
        scores = F.softmax(scored[0], dim=1)[:, 1:]  # [N, K]
        rois, columns = torch.nonzero(scores >= selection.score_threshold, as_tuple=True)
        best, labels, images = scores[rois, columns], columns + 1, images[rois]
        deltas = scored[1][rois, self._delta_row(labels)]
        boxes = decode_boxes(deltas, torch.cat(list(proposals))[rois], DELTA_WEIGHTS)
        limits = torch.tensor(list(sizes), device=boxes.device)[images]  # [n, 2]
        boxes = clip_boxes(boxes, limits[:, :1], limits[:, 1:])
        usable = torch.nonzero(has_min_side(boxes, self.config.box_min_side)).flatten()
        boxes, labels, images, best = (x[usable] for x in (boxes, labels, images, best))
        categories = torch.zeros_like(labels) if selection.class_agnostic_nms else labels
        groups = join_groups(images, categories)
        kept = nms_by_group(boxes, best, groups, selection.nms_threshold)
        found = Boxes(boxes[kept], best[kept], labels[kept])
        return [found.where(images[kept] == i).first(selection.limit) for i in range(len(sizes))]

    def _delta_row(self, labels: Tensor) -> Tensor:
        """Return which row of deltas belongs to each label 1..K."""
        return torch.zeros_like(labels) if self.config.class_agnostic_box else labels - 1


def _second_layer(config: MaskRCNNConfig) -> nn.Linear | None:
    return nn.Linear(config.box_channels, config.box_channels) if config.box_fcs == 2 else None
