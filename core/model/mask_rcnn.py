"""Mask R-CNN (arXiv 1703.06870): the stages wired together."""

from collections.abc import Sequence
from typing import overload

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from core.model.box_head import BoxHead
from core.model.config import MaskRCNNConfig
from core.model.efficientnet_lite import EfficientNetLite
from core.model.fpn import FeaturePyramid
from core.model.initialise import initialise
from core.model.mask_head import MaskHead
from core.model.rpn import AnchorScores, RegionProposals
from core.model.structures import Boxes, Features, Prediction, Target
from core.ops.boxes import has_min_side
from core.ops.roi_align import pyramid_roi_align

__all__ = ["Boxes", "Features", "MaskRCNN", "Prediction", "Target"]

# The published EfficientNet-Lite weights expect (byte - 127) / 128; images here are 0..1.
_MEAN = 127 / 255
_STD = 128 / 255
_MULTIPLE = 32  # the stride of C5
_MIN_SIDE = 1.0  # pixels; smaller true boxes are dropped


class MaskRCNN(nn.Module):
    """The whole model; its stages are `backbone`, `fpn`, `rpn`, `box_head` and `mask_head`.

    Args:
        config: what to build.
        seed: of the initial weights; equal seeds give equal weights.
    """

    def __init__(self, config: MaskRCNNConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.backbone = EfficientNetLite(config.backbone_width)
        self.fpn = FeaturePyramid(self.backbone.channels, config.fpn_channels)
        self.rpn = RegionProposals(config)
        self.box_head = BoxHead(config)
        self.mask_head = MaskHead(config)
        initialise(self, torch.Generator().manual_seed(seed))
        self.to(memory_format=torch.channels_last)  # 1.7 times as fast on CPUs

    @overload
    def forward(self, images: Sequence[Tensor], targets: None = None) -> list[Prediction]: ...
    @overload
    def forward(
        self,
        images: Sequence[Tensor],
        targets: Sequence[Target],
        generator: torch.Generator | None = None,
    ) -> dict[str, Tensor]: ...
    def forward(
        self,
        images: Sequence[Tensor],
        targets: Sequence[Target] | None = None,
        generator: torch.Generator | None = None,
    ) -> dict[str, Tensor] | list[Prediction]:
        """Train (with targets) or predict.

        Args:
            images: each [3, H, W] float32 RGB in 0..1; sizes may differ; nothing is resized.
            targets: one per image, in its pixels; boxes below one pixel are dropped.
            generator: on the CPU, draws the anchors and RoIs to train on; None: the global one.

        Returns:
            The losses by name (scalars to add up), or a `Prediction` per image.
        """
        features = self.features(images)
        if targets is None:
            found = self.detect(features)
            probs = self.masks_for_boxes(
                features, [f.boxes_xyxy for f in found], [f.labels for f in found]
            )
            return [
                Prediction(f.boxes_xyxy, f.scores, f.labels, p)
                for f, p in zip(found, probs, strict=True)
            ]
        return self._losses(features, [_usable(target) for target in targets], generator)

    def features(self, images: Sequence[Tensor]) -> Features:
        """Normalise the images, pad them to one batch, and return what all heads start from."""
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        height = _next_multiple(max(size[0] for size in sizes))
        width = _next_multiple(max(size[1] for size in sizes))
        batch = torch.stack(
            [
                F.pad((image - _MEAN) / _STD, (0, width - w, 0, height - h))
                for image, (h, w) in zip(images, sizes, strict=True)
            ]
        ).contiguous(memory_format=torch.channels_last)
        return Features(self.fpn(self.backbone(batch)), sizes)

    def detect(
        self,
        features: Features,
        *,
        score_threshold: float | None = None,
        limit: int | None = None,
    ) -> list[Boxes]:
        """Return the boxes found in every image; none is a fine answer.

        Args:
            features: of the images.
            score_threshold: lowest score, instead of the config's.
            limit: most boxes per image, instead of the config's.
        """
        threshold = self.config.score_threshold if score_threshold is None else score_threshold
        limit = self.config.detections_per_image if limit is None else limit
        proposals = self.rpn.propose(self.rpn(features.levels), features)
        logits, deltas = self.box_head(self._pool(features, proposals, self.config.box_pool))
        counts = [len(boxes) for boxes in proposals]
        scored = zip(logits.split(counts), deltas.split(counts), strict=True)
        return [
            self.box_head.select(s, boxes, size, threshold).first(limit)
            for s, boxes, size in zip(scored, proposals, features.sizes, strict=True)
        ]

    def masks_for_boxes(
        self, features: Features, boxes: Sequence[Tensor], labels: Sequence[Tensor]
    ) -> list[Tensor]:
        """Return the mask probabilities inside given boxes.

        Args:
            features: of the images.
            boxes: per image, `boxes_xyxy` [n, 4].
            labels: per image, [n] int64 in 1..K.

        Returns:
            Per image, [n, 28, 28] float32 in 0..1.
        """
        logits = self._mask_logits(features, boxes, torch.cat(list(labels)))
        return list(logits.sigmoid().split([len(b) for b in boxes]))

    def _losses(
        self, features: Features, targets: list[Target], generator: torch.Generator | None
    ) -> dict[str, Tensor]:
        scores: AnchorScores = self.rpn(features.levels)
        proposals = self.rpn.propose(scores, features)
        samples = [
            self.box_head.sample(boxes, target, generator)
            for boxes, target in zip(proposals, targets, strict=True)
        ]
        rois = [sample.boxes_xyxy for sample in samples]
        logits, deltas = self.box_head(self._pool(features, rois, self.config.box_pool))
        positives = [s.boxes_xyxy[: len(s.masks)] for s in samples]
        labels = torch.cat([s.labels[: len(s.masks)] for s in samples])
        mask_logits = self._mask_logits(features, positives, labels)
        return {
            **self.rpn.losses(scores, targets, generator),
            **self.box_head.losses(logits, deltas, samples),
            "mask": self.mask_head.loss(mask_logits, samples),
        }

    def _mask_logits(self, features: Features, boxes: Sequence[Tensor], labels: Tensor) -> Tensor:
        return self.mask_head(self._pool(features, boxes, self.config.mask_pool), labels)

    def _pool(self, features: Features, boxes: Sequence[Tensor], size: int) -> Tensor:
        """Pool from P2..P5; P6 serves the proposals alone."""
        return pyramid_roi_align(features.levels[:4], boxes, size)


def _usable(target: Target) -> Target:
    """Drop boxes too small to encode: their logarithm would be infinite."""
    keep = torch.nonzero(has_min_side(target["boxes_xyxy"], _MIN_SIDE)).flatten()
    return Target(
        boxes_xyxy=target["boxes_xyxy"][keep],
        labels=target["labels"][keep],
        masks=[target["masks"][i] for i in keep.tolist()],
        ignore_xyxy=target["ignore_xyxy"],
    )


def _next_multiple(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE
