"""Non-maximum suppression with a fixed order of ties."""

import torch
import torchvision
from torch import Tensor

from core.ops.fused import fused_kernels_work

# Of the pairs of boxes that the fused kernel keeps a bit of: half a gigabyte.
_MOST_PAIRS = 2**32
_APART = 2**32  # between the groups of two images


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
    boxes_xyxy: Tensor,
    scores: Tensor,
    groups: Tensor,
    iou_threshold: float,
    largest: int | None = None,
) -> Tensor:
    """Run `nms` within each group, never across groups.

    A whole batch is done in one call: a group is an image and a pyramid level, or an image and a
    category (`join_groups`). Boxes are never shifted apart, as that would cost precision.

    Args:
        boxes_xyxy: [N, 4] float32.
        scores: [N].
        groups: [N] int64.
        iou_threshold: 0..1.
        largest: how many boxes one group has at most, where that is known.

    Returns:
        Indices of the kept boxes of all groups, best first.
    """
    if _fits_the_kernel(boxes_xyxy, largest):
        from core.ops.kernels.nms import best_first, fused_keep

        keep = fused_keep(boxes_xyxy, scores, groups, iou_threshold, largest)
        return best_first(scores, 1 - keep)[: int(keep.sum())]
    kept = []
    for group in torch.unique(groups):
        members = torch.nonzero(groups == group).flatten()
        kept.append(members[nms(boxes_xyxy[members], scores[members], iou_threshold)])
    if not kept:
        return torch.zeros(0, dtype=torch.int64, device=boxes_xyxy.device)
    indices = torch.cat(kept).sort().values
    return indices[torch.argsort(scores[indices], descending=True, stable=True)]


def nms_in_batch(
    boxes_xyxy: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float, *, limit: int
) -> tuple[Tensor, Tensor]:
    """Run `nms` within each group of each image; the answer's size depends on nothing found.

    On GPUs nothing waits for the device, where Triton is there.

    Args:
        boxes_xyxy: [B, M, 4] float32.
        scores: [B, M]; minus infinity where there is no box.
        groups: [B, M] int64, 0..2^31.
        iou_threshold: 0..1.
        limit: how many to return per image; at most M are.

    Returns:
        [B, limit] int64, per image its kept boxes, best first, then any others; and [B] int64, how
        many of them are kept.
    """
    images, most = scores.shape
    owners = torch.arange(images, device=scores.device)[:, None].expand(-1, most)
    if not _fits_the_kernel(boxes_xyxy.flatten(0, 1), most):
        return _nms_one_by_one(boxes_xyxy, scores, groups, iou_threshold, limit)
    from core.ops.kernels.nms import best_first, fused_keep

    apart = (owners * _APART + groups).flatten()
    keep = fused_keep(boxes_xyxy.flatten(0, 1), scores.flatten(), apart, iou_threshold, most)
    places = best_first(scores.flatten(), owners.flatten() * 2 + 1 - keep)
    counts = keep.view(images, most).sum(dim=1).clamp_max(limit)
    return places.view(images, most)[:, :limit] - owners[:, :limit] * most, counts


def _nms_one_by_one(
    boxes_xyxy: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float, limit: int
) -> tuple[Tensor, Tensor]:
    images, most = scores.shape
    places = torch.zeros((images, min(limit, most)), dtype=torch.int64, device=scores.device)
    counts = places.new_zeros(images)
    for image in range(images):
        real = torch.nonzero(scores[image] > -torch.inf).flatten()
        kept = nms_by_group(
            boxes_xyxy[image, real], scores[image, real], groups[image, real], iou_threshold
        )[:limit]
        places[image, : len(kept)] = real[kept]
        counts[image] = len(kept)
    return places, counts


def _fits_the_kernel(boxes_xyxy: Tensor, largest: int | None) -> bool:
    count = len(boxes_xyxy)
    pairs = count * min(largest or count, count)
    return boxes_xyxy.is_cuda and pairs <= _MOST_PAIRS and fused_kernels_work()


def join_groups(images: Tensor, members: Tensor) -> Tensor:
    """Return [N] int64, equal where both the image and the level or category are equal.

    Args:
        images: [N] int64, >= 0.
        members: [N] int64, >= 0: level or category.
    """
    return images * (int(members.max()) + 1 if len(members) else 1) + members
