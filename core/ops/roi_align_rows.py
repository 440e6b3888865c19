"""RoIAlign on CPUs: every bin is a weighted sum of rows of channels.

Features that lie channels last are a table with a row per cell. torch's embedding bag adds up
weighted rows in vector registers, in bf16 too; torchvision's kernel walks channel by channel and
knows float32 alone. Forward and back it takes six times as long.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def pool_rows(
    levels: Sequence[Tensor],
    rois: Tensor,
    numbers: Tensor,
    size: int,
    *,
    per_bin: int,
    aligned: bool,
) -> Tensor:
    """Pool each box from its level, bilinearly; gradients flow to the features alone.

    Args:
        levels: P2, P3, ... of strides 4, 8, ..., each [B, C, H, W].
        rois: [N, 5]: index of the image, and `boxes_xyxy` in image pixels.
        numbers: [N] int64, the place in `levels` of each box's level.
        size: side of the output in bins.
        per_bin: points per bin along each axis, at least 1.
        aligned: as in `core.ops.roi_align.Sampling`.

    Returns:
        [N, C, size, size], channels last.
    """
    channels = levels[0].shape[1]
    pooled = levels[0].new_empty((len(rois), size * size, channels))
    for number, level in enumerate(levels):
        members = torch.nonzero(numbers == number).flatten()
        if len(members) == 0:
            continue
        boxes = rois[members] * rois.new_tensor([1.0, *[0.25 / 2**number] * 4])
        cells, weights = _taps(boxes, level.shape, size, per_bin, aligned=aligned)
        table = level.permute(0, 2, 3, 1).reshape(-1, channels)
        if torch.is_grad_enabled() and table.dtype == torch.bfloat16 and table.requires_grad:
            table = table.float()  # a cell may get its gradient from hundreds of bins
        bins = F.embedding_bag(cells, table, mode="sum", per_sample_weights=weights.to(table.dtype))
        pooled[members] = bins.view(len(members), size * size, channels).to(pooled.dtype)
    return pooled.unflatten(1, (size, size)).permute(0, 3, 1, 2)


@torch.no_grad()
def _taps(
    boxes: Tensor, shape: torch.Size, size: int, per_bin: int, *, aligned: bool
) -> tuple[Tensor, Tensor]:
    """Return rows of the table and their weights, both [n * size * size, (2 * per_bin)^2].

    Args:
        boxes: [n, 5], the image and x1, y1, x2, y2 in cells.
        shape: of the features, B, C, H, W.
        size: side of the output in bins.
        per_bin: points per bin and axis.
        aligned: whether the centre of a cell lies in its middle.
    """
    height, width = shape[2:]
    rows, down = _axis_taps(boxes[:, 2], boxes[:, 4], height, size, per_bin, aligned=aligned)
    columns, across = _axis_taps(boxes[:, 1], boxes[:, 3], width, size, per_bin, aligned=aligned)
    first = boxes[:, 0].to(torch.int64) * height  # [n], in rows of cells
    rows = (rows + first[:, None, None]) * width
    cells = rows[:, :, None, :, None] + columns[:, None, :, None, :]  # [n, size, size, t, t]
    weights = down[:, :, None, :, None] * across[:, None, :, None, :]
    taps = (2 * per_bin) ** 2
    return cells.reshape(-1, taps), weights.reshape(-1, taps)


def _axis_taps(
    low: Tensor, high: Tensor, limit: int, size: int, per_bin: int, *, aligned: bool
) -> tuple[Tensor, Tensor]:
    """Return the cells [n, size, 2 * per_bin] of every bin along an axis, and their weights."""
    start = low - 0.5 if aligned else low
    side = (high - low) if aligned else (high - low).clamp_min(1.0)
    length = (side / size)[:, None, None]
    bins = torch.arange(size, dtype=low.dtype)[:, None] * length  # [n, size, 1]
    points = (torch.arange(per_bin, dtype=low.dtype) + 0.5) * length / per_bin  # [n, 1, per_bin]
    places = (start[:, None, None] + bins + points).flatten(1)  # rounded as torchvision's kernel
    inside = (places >= -1) & (places <= limit)
    places = places.clamp(0, limit - 1)
    lower = places.floor()
    share = places - lower
    cells = torch.stack((lower, (lower + 1).clamp_max(limit - 1)), dim=2).to(torch.int64)
    weights = torch.stack((1 - share, share), dim=2) * (inside / per_bin)[:, :, None]
    return cells.view(len(low), size, -1), weights.view(len(low), size, -1)
