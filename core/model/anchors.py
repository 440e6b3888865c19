"""Anchor boxes: the references of the region proposal network."""

from collections.abc import Sequence

import torch
from torch import Tensor

LOWEST_STRIDE = 4  # of P2; every further level doubles it


def level_anchors(
    shape: tuple[int, int], stride: int, size: float, ratios: Sequence[float]
) -> Tensor:
    """Return the anchors of one level, centred on its cells, not rounded.

    Args:
        shape: rows and columns of the level.
        stride: pixels of the image per cell.
        size: square root of an anchor's area, in pixels.
        ratios: height / width, one anchor each per cell.

    Returns:
        `boxes_xyxy` [rows * columns * ratios, 4], ordered by row, column, ratio.
    """
    root = torch.tensor(ratios).sqrt()
    half = torch.stack((size / root, size * root), dim=1) / 2  # [A, 2]
    base = torch.cat((-half, half), dim=1)  # [A, 4]
    y, x = torch.meshgrid(
        (torch.arange(shape[0]) + 0.5) * stride,
        (torch.arange(shape[1]) + 0.5) * stride,
        indexing="ij",
    )
    centres = torch.stack((x, y, x, y), dim=-1)  # [H, W, 4]
    return (centres[:, :, None] + base).reshape(-1, 4)


def pyramid_anchors(
    levels: Sequence[Tensor], sizes: Sequence[float], ratios: Sequence[float]
) -> list[Tensor]:
    """Return the anchors of every level of a pyramid [B, C, H, W], on its device."""
    return [
        level_anchors(
            (level.shape[-2], level.shape[-1]), LOWEST_STRIDE * 2**number, size, ratios
        ).to(level.device)
        for number, (level, size) in enumerate(zip(levels, sizes, strict=True))
    ]
