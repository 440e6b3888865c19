"""What the RoI heads learn from: all that comes before them, computed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class RoiInputs:
    """The sampled RoIs of one or more images; of each image, the positives first.

    Attributes:
        boxes_xyxy: [S, 4].
        labels: [S] int64, 0 for background.
        true_boxes: [P, 4], of the positives.
        mask_labels: [M] int64, of the boxes for the mask head: the positives, or drawn ones.
        mask_targets: [M, 28, 28], their true masks.
        box_pooled: [S, C, 7, 7].
        mask_pooled: [M, C, 14, 14].
    """

    boxes_xyxy: Tensor
    labels: Tensor
    true_boxes: Tensor
    mask_labels: Tensor
    mask_targets: Tensor
    box_pooled: Tensor
    mask_pooled: Tensor

    @classmethod
    def joined(cls, parts: "Sequence[RoiInputs]") -> "RoiInputs":
        """Those of several images, behind each other."""
        return cls(**{name: torch.cat([getattr(it, name) for it in parts]) for name in NAMES})

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name."""
        return {name: getattr(self, name) for name in NAMES}


NAMES = tuple(field.name for field in fields(RoiInputs))
