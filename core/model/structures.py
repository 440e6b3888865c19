"""The values that enter and leave a `MaskRCNN`."""

from dataclasses import dataclass
from typing import NotRequired, TypedDict

from torch import Tensor

from core.masks import Mask


class Target(TypedDict):
    """What is true of one training image, in its own pixels.

    Attributes:
        boxes_xyxy: [N, 4] float; N may be 0.
        labels: [N] int64, 1..K.
        masks: N masks.
        ignore_xyxy: [M, 4] float, regions (crowds) where background is not known.
        known: [H, W] bool, the pixels whose objects are all labelled; absent or None: every pixel.
    """

    boxes_xyxy: Tensor
    labels: Tensor
    masks: list[Mask]
    ignore_xyxy: Tensor
    known: NotRequired[Tensor | None]


@dataclass(frozen=True)
class Boxes:
    """Found boxes of one image, best first.

    Attributes:
        boxes_xyxy: [n, 4] float32.
        scores: [n] float32, 0..1.
        labels: [n] int64, 1..K.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor

    def where(self, keep: Tensor) -> "Boxes":
        """Return those that `keep` [n] bool picks."""
        return Boxes(self.boxes_xyxy[keep], self.scores[keep], self.labels[keep])

    def first(self, limit: int) -> "Boxes":
        """Return the best `limit` of them."""
        return Boxes(self.boxes_xyxy[:limit], self.scores[:limit], self.labels[:limit])


@dataclass(frozen=True)
class Selection:
    """Which of the scored boxes become detections.

    Attributes:
        score_threshold: lowest score, 0..1.
        nms_threshold: of two boxes with a larger IoU the better one stays.
        class_agnostic_nms: whether that goes for boxes of different categories too.
        limit: most detections per image.
    """

    score_threshold: float
    nms_threshold: float
    class_agnostic_nms: bool
    limit: int


@dataclass(frozen=True)
class Prediction(Boxes):
    """Found boxes of one image with a mask each.

    Attributes:
        mask_probs: [n, 28, 28] float32: each mask's probabilities on a grid over its box
            (`core.ops.paste.paste_mask` brings it to the image).
    """

    mask_probs: Tensor


@dataclass(frozen=True)
class Features:
    """What the backbone and the pyramid say of a batch; every head starts from it.

    Attributes:
        levels: P2..P6, each [B, C, H, W].
        sizes: height and width of every image, without the batch's padding.
    """

    levels: list[Tensor]
    sizes: list[tuple[int, int]]
