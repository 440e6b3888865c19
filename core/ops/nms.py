"""Non-maximum suppression with a fixed order of ties."""

import torch
import torchvision
from torch import Tensor


def nms(boxes_xyxy: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Keep the best boxes, dropping those that overlap a better one.

    A box goes when its IoU with a kept box is above (not at) the threshold. Of equal scores the
    smaller index comes first, on every device.

    Args:
        boxes_xyxy: [N, 4] float32.
        scores: [N].
        iou_threshold: 0..1.

    Returns:
        Indices of the kept boxes, best first.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    # The kernel sorts again; falling ranks are free of ties, so it keeps our order.
    ranks = torch.arange(len(order), 0, -1, dtype=torch.float32, device=boxes_xyxy.device)
    return order[torchvision.ops.nms(boxes_xyxy[order].float(), ranks, iou_threshold)]


def nms_by_group(
    boxes_xyxy: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float
) -> Tensor:
    """Run `nms` within each group, never across groups.

    A whole batch is done in one call: a group is an image and a pyramid level, or an image and a
    category (`join_groups`). Boxes are never shifted apart, as that would cost precision.

    Args:
        boxes_xyxy: [N, 4] float32.
        scores: [N].
        groups: [N] int64.
        iou_threshold: 0..1.

    Returns:
        Indices of the kept boxes of all groups, best first.
    """
    kept = []
    for group in torch.unique(groups):
        members = torch.nonzero(groups == group).flatten()
        kept.append(members[nms(boxes_xyxy[members], scores[members], iou_threshold)])
    if not kept:
        return torch.zeros(0, dtype=torch.int64, device=boxes_xyxy.device)
    indices = torch.cat(kept).sort().values
    return indices[torch.argsort(scores[indices], descending=True, stable=True)]


def join_groups(images: Tensor, members: Tensor) -> Tensor:
    """Return [N] int64, equal where both the image and the level or category are equal.

    Args:
        images: [N] int64, >= 0.
        members: [N] int64, >= 0: level or category.
    """
    return images * (int(members.max()) + 1 if len(members) else 1) + members
