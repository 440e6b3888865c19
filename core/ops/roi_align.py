"""RoIAlign over the levels of a feature pyramid."""

from collections.abc import Sequence

import torch
import torchvision
from torch import Tensor

from core.ops.boxes import box_area

_CANONICAL_SIDE = 224.0
_CANONICAL_LEVEL = 4
_SAMPLES_PER_BIN = 2


def pyramid_levels(boxes_xyxy: Tensor, lowest: int, highest: int) -> Tensor:
    """Return the level of each box: floor(4 + log2(sqrt(area) / 224) + 1e-6), clipped.

    Source: Feature Pyramid Networks (arXiv 1612.03144), equation 1.

    Args:
        boxes_xyxy: [N, 4]; a box without area goes to the lowest level.
        lowest: number of the finest level (2 for stride 4).
        highest: number of the coarsest level.

    Returns:
        [N] int64.
    """
    side = box_area(boxes_xyxy).sqrt().clamp_min(1e-6)
    level = torch.floor(_CANONICAL_LEVEL + torch.log2(side / _CANONICAL_SIDE) + 1e-6)
    return level.clamp(lowest, highest).to(torch.int64)


def pyramid_roi_align(levels: Sequence[Tensor], boxes: Sequence[Tensor], size: int) -> Tensor:
    """Pool each box from the one level that fits its size (aligned, 2 × 2 samples per bin).

    Args:
        levels: P2, P3, ... of strides 4, 8, ..., each [B, C, H, W].
        boxes: for each of the B images its `boxes_xyxy` [n, 4] in image pixels.
        size: side of the output in bins.

    Returns:
        [sum of n, C, size, size] in the order of `boxes`.
    """
    flat = torch.cat(list(boxes))  # [N, 4]
    images = torch.cat([box.new_full((len(box), 1), i) for i, box in enumerate(boxes)])
    rois = torch.cat((images, flat), dim=1)  # [N, 5]
    numbers = pyramid_levels(flat, 2, 1 + len(levels))
    pooled, places = [], []
    for number, features in enumerate(levels, start=2):
        members = torch.nonzero(numbers == number).flatten()
        if len(members) == 0:
            continue
        pooled.append(
            torchvision.ops.roi_align(
                features, rois[members], size, 1 / 2**number, _SAMPLES_PER_BIN, aligned=True
            )
        )
        places.append(members)
    if not pooled:
        return levels[0].new_zeros((0, levels[0].shape[1], size, size))
    return torch.cat(pooled)[torch.argsort(torch.cat(places))]
