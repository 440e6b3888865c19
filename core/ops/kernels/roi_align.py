"""RoIAlign of a pyramid by the fused kernels, with its gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor

from core.ops.fused import MOST_LEVELS
from core.ops.kernels.roi_align_backward import gather
from core.ops.kernels.roi_align_forward import pool
from core.ops.roi_align import Sampling

_FINEST_SCALE = 0.25  # cells of P2 per pixel


@dataclass(frozen=True)
class Blocks:
    """How the work is cut into programs; results do not depend on it.

    Attributes:
        bins: that a program pools.
        tile: side, in cells, of the square whose gradient a program gathers.
        channels: per program, at most.
        warps: of a program.
    """

    bins: int = 4
    tile: int = 4
    channels: int = 256
    warps: int = 4


_USUAL = Blocks()


def fused_roi_align(
    levels: Sequence[Tensor],
    rois: Tensor,
    size: int,
    sampling: Sampling,
    blocks: Blocks = _USUAL,
) -> Tensor:
    """Pool each box from the level that fits its size; gradients flow to the features alone.

    Nothing waits for the device, and no sum depends on the order in which its programs run.

    Args:
        levels: P2, P3, ..., at most four, each [B, C, H, W]; fastest where channels are last.
        rois: [N, 5]: index of the image, and `boxes_xyxy` in image pixels.
        size: side of the output in bins.
        sampling: where and how features are looked up.
        blocks: how the work is cut.

    Returns:
        [N, C, size, size], channels last, of the features' type.
    """
    return _FusedRoiAlign.apply(rois, size, sampling, blocks, *levels)


class _FusedRoiAlign(torch.autograd.Function):
    """The two kernels as one differentiable function of the levels."""

    @staticmethod
    def forward(
        ctx: Any, rois: Tensor, size: int, sampling: Sampling, blocks: Blocks, *levels: Tensor
    ) -> Tensor:
        """Pool; remember the boxes and their levels, not the features."""
        exact = torch.promote_types(levels[0].dtype, torch.float32)
        rois = rois.detach().to(exact).contiguous()
        features = [x.contiguous(memory_format=torch.channels_last) for x in levels]
        count, channels = len(rois), levels[0].shape[1]
        pooled = levels[0].new_empty((count, size, size, channels))
        chosen = torch.empty(count, dtype=torch.int32, device=rois.device)
        settings = _settings(features, size, sampling, blocks)
        if count:
            bins, parts = triton.cdiv(size * size, blocks.bins), _parts(settings)
            pool[(count, bins, parts)](
                *_padded(features), *_sides(features), rois, pooled, chosen, _FINEST_SCALE,
                BINS=blocks.bins, **settings,
            )  # fmt: skip
        ctx.save_for_backward(rois, chosen)
        ctx.size, ctx.sampling, ctx.blocks = size, sampling, blocks
        ctx.shapes = [x.shape for x in levels]
        return pooled.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        """Gather the gradient of every level."""
        rois, chosen = ctx.saved_tensors
        gradient = outer[0].permute(0, 2, 3, 1).contiguous()
        grads = [gradient.new_empty((b, h, w, c)).permute(0, 3, 1, 2) for b, c, h, w in ctx.shapes]
        order, starts = _by_image_and_level(rois, chosen, len(grads[0]), len(grads))
        tile = ctx.blocks.tile
        tiles = [b * triton.cdiv(h, tile) * triton.cdiv(w, tile) for b, _, h, w in ctx.shapes]
        ends = _ends_from_the_coarsest(tiles)
        settings = _settings(grads, ctx.size, ctx.sampling, ctx.blocks)
        gather[(sum(tiles), _parts(settings))](
            *_padded(grads), *_sides(grads), *ends, rois, order, starts, gradient, _FINEST_SCALE,
            TILE=tile, **settings,
        )  # fmt: skip
        return (None, None, None, None, *grads)


def _by_image_and_level(
    rois: Tensor, chosen: Tensor, images: int, levels: int
) -> tuple[Tensor, Tensor]:
    """Return the boxes sorted by image, then level, and where each such group starts."""
    keys = rois[:, 0].to(torch.int32) * levels + chosen
    keys, order = torch.sort(keys, stable=True)
    groups = torch.arange(images * levels + 1, dtype=torch.int32, device=rois.device)
    return order.to(torch.int32), torch.searchsorted(keys, groups, out_int32=True)


def _padded(levels: Sequence[Tensor]) -> list[Tensor]:
    """Return four levels, where the last stands for those that are not there."""
    return [*levels, *[levels[-1]] * (MOST_LEVELS - len(levels))]


def _sides(levels: Sequence[Tensor]) -> list[int]:
    return [side for level in _padded(levels) for side in level.shape[2:]]


def _ends_from_the_coarsest(tiles: list[int]) -> tuple[int, int, int]:
    """Return the last tiles of P5, P4 and P3 where the coarsest level is counted first."""
    _, p3, p4, p5 = [*tiles, 0, 0, 0][:MOST_LEVELS]
    return p5, p5 + p4, p5 + p4 + p3


def _settings(
    levels: Sequence[Tensor], size: int, sampling: Sampling, blocks: Blocks
) -> dict[str, int | bool]:
    channels = levels[0].shape[1]
    return {
        "C": channels,
        "BLOCK_C": min(blocks.channels, triton.next_power_of_2(channels)),
        "SIZE": size,
        "LEVELS": len(levels),
        "PER_BIN": sampling.per_bin,
        "ALIGNED": sampling.aligned,
        "BICUBIC": sampling.interpolation == "bicubic",
        "num_warps": blocks.warps,
    }


def _parts(settings: dict[str, int | bool]) -> int:
    """Return how many programs share the channels."""
    return triton.cdiv(settings["C"], settings["BLOCK_C"])
