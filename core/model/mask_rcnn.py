"""Mask R-CNN (arXiv 1703.06870): the stages wired together."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import overload

import torch
from torch import Tensor, nn

from core.model.backbone import make_backbone
from core.model.box_head import BoxHead, RoiSample
from core.model.config import MaskRCNNConfig
from core.model.drawn_boxes import draw_boxes
from core.model.fpn import FeaturePyramid
from core.model.initialise import initialise
from core.model.mask_head import MaskHead
from core.model.mask_scores import rank_by_masks
from core.model.preprocess import to_batch
from core.model.roi_inputs import RoiInputs
from core.model.rpn import AnchorScores, RegionProposals
from core.model.structures import Boxes, Features, Prediction, Selection, Target
from core.ops.boxes import has_min_side
from core.ops.roi_align import Sampling, pyramid_levels, pyramid_roi_align

__all__ = ["Boxes", "Features", "MaskRCNN", "Prediction", "Selection", "Target"]

logger = logging.getLogger(__name__)

_MIN_SIDE = 1.0  # pixels; smaller true boxes are dropped
_FINEST, _COARSEST = 2, 5  # numbers of the levels that boxes are pooled from


class MaskRCNN(nn.Module):
    """The whole model; its stages are `backbone`, `fpn`, `rpn`, `box_head` and `mask_head`.

    Args:
        config: what to build.
        seed: of the initial weights; equal seeds give equal weights.
    """

    def __init__(self, config: MaskRCNNConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.backbone = make_backbone(config)
        self.fpn = FeaturePyramid(self.backbone.channels, config)
        self.rpn = RegionProposals(config)
        self.box_head = BoxHead(config)
        self.mask_head = MaskHead(config)
        self._sampling = Sampling(config.roi_aligned, config.roi_samples, config.roi_interpolation)
        initialise(self, torch.Generator().manual_seed(seed))
        if config.rpn_loss == "focal":
            self.rpn.set_prior()
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
            targets: one per image, in its pixels; boxes below one pixel, or not finite, are
                dropped.
            generator: on the CPU, draws the anchors and RoIs to train on; None: the global one.

        Returns:
            The losses by name (scalars to add up), or a `Prediction` per image.

        Raises:
            ValueError: a label is none of the config's categories.
        """
        features = self.features(images)
        if targets is None:
            return self.predict(features)
        return self._losses(features, self._usable(targets), generator)

    def features(self, images: Sequence[Tensor]) -> Features:
        """Normalise the images, pad them to one batch, and return what all heads start from."""
        few_sizes = self.training and images[0].is_cuda
        batch, sizes = to_batch(images, self.config, few_sizes=few_sizes)
        return Features(self.levels(batch), sizes)

    def levels(self, batch: Tensor) -> list[Tensor]:
        """Return P2..P6 of a batch [B, 3, H, W], in the type of the weights."""
        return self.fpn(self.backbone(batch.to(next(self.parameters()).dtype)))

    @property
    def selection(self) -> Selection:
        """Which boxes the config says to keep."""
        config = self.config
        return Selection(
            config.score_threshold,
            config.nms_threshold,
            config.class_agnostic_nms,
            config.detections_per_image,
        )

    def predict(self, features: Features, selection: Selection | None = None) -> list[Prediction]:
        """Return what is found in every image, with masks.

        Args:
            features: of the images.
            selection: which to keep, instead of the config's.
        """
        chosen = selection or self.selection
        found = self.detect(features, chosen)
        return self.with_masks(features, found, chosen.score_threshold)

    def with_masks(
        self, features: Features, found: Sequence[Boxes], lowest: float
    ) -> list[Prediction]:
        """Give detections their masks, and the score that is then theirs.

        Args:
            features: of the images.
            found: per image.
            lowest: what then has a lower score is left out.
        """
        probs = self.masks_for_boxes(
            features, [f.boxes_xyxy for f in found], [f.labels for f in found]
        )
        if self.config.mask_in_score:
            return [rank_by_masks(f, p, lowest) for f, p in zip(found, probs, strict=True)]
        return [
            Prediction(f.boxes_xyxy, f.scores, f.labels, p)
            for f, p in zip(found, probs, strict=True)
        ]

    def detect(self, features: Features, selection: Selection | None = None) -> list[Boxes]:
        """Return the boxes found in every image; none is a fine answer.

        Args:
            features: of the images.
            selection: which boxes to keep, instead of the config's.
        """
        proposals = self.rpn.propose(self.rpn(features.levels), features)
        scored = self.classify(features, proposals)
        return self.box_head.select(scored, proposals, features.sizes, selection or self.selection)

    def classify(self, features: Features, boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return what the box head says of given boxes: logits [N, K + 1], deltas [N, 1 or K, 4].

        Args:
            features: of the images.
            boxes: per image, `boxes_xyxy` [n, 4].
        """
        return self.box_head(self._pool(features, boxes, self.config.box_pool))

    def masks_for_boxes(
        self,
        features: Features,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        *,
        twice: bool = False,
    ) -> list[Tensor]:
        """Return the mask probabilities inside given boxes.

        Args:
            features: of the images.
            boxes: per image, `boxes_xyxy` [n, 4].
            labels: per image, [n] int64 in 1..K.
            twice: look at boxes that do not lie on the finest level a second time, on the next
                finer one, and return the means: better masks, for twice the time.

        Returns:
            Per image, [n, 28, 28] float32 in 0..1.
        """
        rows, size = torch.cat(list(labels)), self.config.mask_pool
        probs: Tensor = self.mask_head(self._pool(features, boxes, size), rows).sigmoid()
        coarse = [_is_coarse(each) for each in boxes] if twice else []
        if any(each.any() for each in coarse):
            again, few = torch.cat(coarse), [b[c] for b, c in zip(boxes, coarse, strict=True)]
            second = self.mask_head(self._pool(features, few, size, finer=1), rows[again])
            probs = probs.index_put((again,), (probs[again] + second.sigmoid()) / 2)
        return list(probs.split([len(b) for b in boxes]))

    def _usable(self, targets: Sequence[Target]) -> list[Target]:
        """Drop what cannot be encoded, and refuse labels that have no row."""
        usable = [_encodable(target) for target in targets]
        labels = torch.cat([target["labels"] for target in usable])
        most = len(self.config.categories)
        if ((labels < 1) | (labels > most)).any():
            raise ValueError(f"labels: expected 1..{most}, got {labels.unique().tolist()}")
        return usable

    def _losses(
        self, features: Features, targets: list[Target], generator: torch.Generator | None
    ) -> dict[str, Tensor]:
        scores = self.rpn(features.levels)
        inputs = self._roi_inputs(scores, features, targets, generator)
        return {**self.rpn.losses(scores, targets, generator), **self.roi_losses(inputs)}

    @torch.no_grad()
    def roi_inputs(
        self, images: Sequence[Tensor], targets: Sequence[Target], generator: torch.Generator | None
    ) -> RoiInputs:
        """Return what the RoI heads would learn from; for when all before them is frozen.

        Args:
            images: as for `forward`.
            targets: as for `forward`.
            generator: draws the RoIs.
        """
        features, usable = self.features(images), self._usable(targets)
        return self._roi_inputs(self.rpn(features.levels), features, usable, generator)

    def _roi_inputs(
        self,
        scores: AnchorScores,
        features: Features,
        targets: Sequence[Target],
        generator: torch.Generator | None,
    ) -> RoiInputs:
        proposals = self.rpn.propose(scores, features)
        samples = [
            self.box_head.sample(boxes, target, generator)
            for boxes, target in zip(proposals, targets, strict=True)
        ]
        drawn = self.config.mask_drawn_boxes
        pairs = zip(targets, features.sizes, strict=True)
        shown = [draw_boxes(*pair, drawn, generator) for pair in pairs] if drawn else samples
        masked = [s.boxes_xyxy[: len(s.masks)] for s in shown]
        return RoiInputs(
            boxes_xyxy=torch.cat([s.boxes_xyxy for s in samples]),
            labels=torch.cat([s.labels for s in samples]),
            true_boxes=torch.cat([s.true_boxes for s in samples]),
            mask_labels=torch.cat([s.labels[: len(s.masks)] for s in shown]),
            mask_targets=self.mask_head.targets(shown, features.sizes),
            box_pooled=self._pool(features, [s.boxes_xyxy for s in samples], self.config.box_pool),
            mask_pooled=self._pool(features, masked, self.config.mask_pool),
        )

    def roi_losses(self, inputs: RoiInputs) -> dict[str, Tensor]:
        """Return the losses of the RoI heads alone: `box_class`, `box_regression` and `mask`."""
        logits, deltas = self.box_head(inputs.box_pooled)
        sample = RoiSample(inputs.boxes_xyxy, inputs.labels, inputs.true_boxes, [])
        mask_logits = self.mask_head(inputs.mask_pooled, inputs.mask_labels)
        return {
            **self.box_head.losses(logits, deltas, [sample]),
            "mask": self.mask_head.loss_to(mask_logits, inputs.mask_targets),
        }

    def _pool(
        self, features: Features, boxes: Sequence[Tensor], size: int, finer: int = 0
    ) -> Tensor:
        """Pool from P2..P5; P6 serves the proposals alone."""
        sampling = replace(self._sampling, finer=finer)
        return pyramid_roi_align(features.levels[: _COARSEST - 1], boxes, size, sampling)


def _is_coarse(boxes_xyxy: Tensor) -> Tensor:
    """Whether there is a finer level than the one that each of [N] boxes is pooled from."""
    return pyramid_levels(boxes_xyxy, _FINEST, _COARSEST) > _FINEST


def _encodable(target: Target) -> Target:
    """Drop boxes too small to encode, whose logarithm would be infinite, and those that are."""
    boxes = target["boxes_xyxy"]
    keep = torch.nonzero(has_min_side(boxes, _MIN_SIDE) & boxes.isfinite().all(dim=1)).flatten()
    if dropped := len(boxes) - len(keep):
        why = "not finite, or with a side below one pixel"
        logger.warning("%d true boxes are left out: %s", dropped, why)
    return Target(
        boxes_xyxy=boxes[keep],
        labels=target["labels"][keep],
        masks=[target["masks"][i] for i in keep.tolist()],
        ignore_xyxy=target["ignore_xyxy"],
        known=target.get("known"),
    )
