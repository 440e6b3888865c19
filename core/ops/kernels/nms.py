"""Non-maximum suppression of many groups by the fused kernels."""

import numpy as np
import torch
import triton
from torch import Tensor

from core.ops.kernels.nms_kernels import WORD, keep, overlaps, rank

_RANKED = 32  # boxes per program of `rank`


def fused_keep(
    boxes_xyxy: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float, largest: int | None
) -> Tensor:
    """Return which boxes stay: `core.ops.nms.nms_by_group` without waiting for the device.

    Args:
        boxes_xyxy: [N, 4].
        scores: [N]; boxes of minus infinity stand for none: they neither stay nor suppress.
        groups: [N] integers; boxes of different groups leave each other alone.
        iou_threshold: 0..1.
        largest: how many boxes one group has at most; None: N. It saves memory: N * largest / 8
            bytes are used.

    Returns:
        [N] int32, 1 for a box that stays.
    """
    count = len(boxes_xyxy)
    kept = torch.empty(count, dtype=torch.int32, device=boxes_xyxy.device)
    if count == 0:
        return kept
    boxes, scores = boxes_xyxy.float().contiguous(), scores.float().contiguous()
    order, first, last = _ranked(scores, groups.contiguous())
    blocks = triton.cdiv(count, WORD)
    # A group that does not begin with a block touches one more.
    words = min(blocks, triton.cdiv(min(largest or count, count), WORD) + 1)
    bits = torch.empty((count, words), dtype=torch.int64, device=boxes.device)
    # Without fused multiply-adds: the IoU is then the CPU's, to the last bit.
    limit = _not_above(iou_threshold)
    overlaps[(blocks, words)](
        boxes, order, first, bits, count, limit, words, enable_fp_fusion=False
    )
    chunks = triton.next_power_of_2(triton.cdiv(words, 16))
    keep[(count,)](bits, scores, order, first, last, kept, count, words, CHUNKS=chunks)
    return kept


def best_first(scores: Tensor, majors: Tensor) -> Tensor:
    """Return [N] int64: all places, sorted by majors [N] integers, then the best score first."""
    order, _, _ = _ranked(scores.float().contiguous(), majors.contiguous())
    return order.to(torch.int64)


def _not_above(threshold: float) -> float:
    """Return the largest float32 not above the threshold: no float32 lies between the two."""
    nearest = np.float32(threshold)
    return float(nearest if float(nearest) <= threshold else np.nextafter(nearest, np.float32(-1)))


def _ranked(scores: Tensor, majors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    count = len(scores)
    order, first, last = torch.empty((3, count), dtype=torch.int32, device=scores.device)
    rank[(triton.cdiv(count, _RANKED),)](scores, majors, order, first, last, count, BLOCK=_RANKED)
    return order, first, last
