"""RoIAlign (Mask R-CNN, arXiv 1703.06870, section 3) over the levels of a feature pyramid.

A bin's value is the mean of the features at points spread evenly over it, each interpolated from
the cells around it: 4 for "bilinear", 16 for "bicubic" (Keys 1981, a = -0.75, as in torch).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
import torchvision
from torch import Tensor

from core.ops.boxes import box_area
from core.ops.fused import MOST_LEVELS, fused_kernels_work
from core.ops.roi_align_rows import pool_rows

_CANONICAL_SIDE = 224.0
_CANONICAL_LEVEL = 4


@dataclass(frozen=True)
class Sampling:
    """Where and how features are looked up.

    Attributes:
        aligned: cell (i, j) has its centre at (i + 0.5, j + 0.5). If not, at (i, j), which shifts
            all by half a cell, and boxes below one cell count as one cell: the RoIAlign that
            torchvision's published weights were trained with.
        per_bin: points per bin along each axis; 0 is as many as the bin has cells, rounded up.
        interpolation: "bilinear" or "bicubic".
        finer: levels below the one that fits a box, as far as there are any.
    """

    aligned: bool = True
    per_bin: int = 2
    interpolation: str = "bilinear"
    finer: int = 0


_DEFAULT = Sampling()


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


def pyramid_roi_align(
    levels: Sequence[Tensor], boxes: Sequence[Tensor], size: int, sampling: Sampling = _DEFAULT
) -> Tensor:
    """Pool each box from the one level that fits its size.

    Args:
        levels: P2, P3, ... of strides 4, 8, ..., each [B, C, H, W].
        boxes: for each of the B images its `boxes_xyxy` [n, 4] in image pixels.
        size: side of the output in bins.
        sampling: where and how features are looked up.

    Returns:
        [sum of n, C, size, size] in the order of `boxes`.
    """
    flat = torch.cat(list(boxes))  # [N, 4]
    images = torch.cat([box.new_full((len(box), 1), i) for i, box in enumerate(boxes)])
    rois = torch.cat((images, flat), dim=1)  # [N, 5]
    return pyramid_roi_align_flat(levels, rois, size, sampling)


def pyramid_roi_align_flat(
    levels: Sequence[Tensor], rois: Tensor, size: int, sampling: Sampling = _DEFAULT
) -> Tensor:
    """Pool as `pyramid_roi_align` does, from boxes of all images in one tensor.

    On GPUs it is one launch that nothing waits for, where Triton is there.

    Args:
        levels: P2, P3, ... of strides 4, 8, ..., each [B, C, H, W].
        rois: [N, 5]: index of the image, and `boxes_xyxy` in image pixels.
        size: side of the output in bins.
        sampling: where and how features are looked up.

    Returns:
        [N, C, size, size].
    """
    if rois.is_cuda and _can_fuse(levels, sampling) and fused_kernels_work():
        from core.ops.kernels.roi_align import fused_roi_align

        return fused_roi_align(levels, rois, size, sampling)
    flat = rois[:, 1:]
    numbers = (pyramid_levels(flat, 2, 1 + len(levels)) - sampling.finer).clamp_min(2)
    if _can_pool_rows(levels, sampling):
        points, aligned = sampling.per_bin, sampling.aligned
        return pool_rows(levels, rois, numbers - 2, size, per_bin=points, aligned=aligned)
    pooled, places = [], []
    for number, features in enumerate(levels, start=2):
        members = torch.nonzero(numbers == number).flatten()
        if len(members) == 0:
            continue
        pooled.append(roi_align(features, rois[members], size, 1 / 2**number, sampling))
        places.append(members)
    if not pooled:
        return levels[0].new_zeros((0, levels[0].shape[1], size, size))
    return torch.cat(pooled)[torch.argsort(torch.cat(places))]


def _can_fuse(levels: Sequence[Tensor], sampling: Sampling) -> bool:
    return len(levels) <= MOST_LEVELS and sampling.finer == 0


def _can_pool_rows(levels: Sequence[Tensor], sampling: Sampling) -> bool:
    """Whether the fast way of CPUs will do: a fixed number of points."""
    first = levels[0]
    fixed = sampling.interpolation == "bilinear" and sampling.per_bin > 0
    known = first.dtype in (torch.float64, torch.float32, torch.bfloat16)
    return first.device.type == "cpu" and known and fixed


def roi_align(
    features: Tensor, rois: Tensor, size: int, scale: float, sampling: Sampling = _DEFAULT
) -> Tensor:
    """Pool boxes from one map of features; gradients flow to the features alone.

    Args:
        features: [B, C, H, W].
        rois: [N, 5]: index of the image, and `boxes_xyxy` in image pixels.
        size: side of the output in bins.
        scale: cells of `features` per pixel.
        sampling: where and how features are looked up.

    Returns:
        [N, C, size, size].
    """
    if sampling.interpolation == "bicubic":
        return _bicubic_roi_align(features, rois, size, scale, sampling)
    exact = features.to(rois.dtype)  # there is no kernel for bf16
    pooled = torchvision.ops.roi_align(
        exact, rois, size, scale, sampling.per_bin or -1, aligned=sampling.aligned
    )
    return pooled.to(features.dtype)


def _bicubic_roi_align(
    features: Tensor, rois: Tensor, size: int, scale: float, sampling: Sampling
) -> Tensor:
    """Pool together what shares an image and a number of points: one call of grid_sample each."""
    precise = features.to(torch.promote_types(features.dtype, torch.float32))
    images = rois[:, 0].to(torch.int64)
    corners = rois[:, 1:].detach() * scale - (0.5 if sampling.aligned else 0.0)  # [N, 4], cells
    sides = corners[:, 2:] - corners[:, :2]
    if not sampling.aligned:
        sides = sides.clamp_min(1.0)
    counts = torch.full_like(sides, sampling.per_bin).to(torch.int64)  # [N, 2]: across, down
    if sampling.per_bin == 0:
        counts = torch.ceil(sides / size).to(torch.int64).clamp_min(0)
    keys, groups = torch.unique(
        torch.cat((images[:, None], counts), dim=1), dim=0, return_inverse=True
    )
    pooled = features.new_zeros((len(rois), features.shape[1], size, size))
    for group, (image, across, down) in enumerate(keys.tolist()):
        if across * down == 0:  # no area, no points: 0, as in the bilinear kernel
            continue
        members = torch.nonzero(groups == group).flatten()
        starts, lengths = corners[members, :2], sides[members]
        xs = _points(starts[:, 0], lengths[:, 0], size * across)
        ys = _points(starts[:, 1], lengths[:, 1], size * down)
        values = _bicubic(precise[image], xs, ys)  # [C, n, ys, xs]
        bins = values.unflatten(3, (size, across)).unflatten(2, (size, down)).mean(dim=(3, 5))
        pooled = pooled.index_copy(0, members, bins.transpose(0, 1).to(pooled.dtype))
    return pooled


def _points(starts: Tensor, lengths: Tensor, count: int) -> Tensor:
    """Return [n, count]: the middles of `count` equal parts of each interval."""
    shares = (torch.arange(count, device=starts.device, dtype=starts.dtype) + 0.5) / count
    return starts[:, None] + lengths[:, None] * shares


def _bicubic(features: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """Look up [C, H, W] on n grids of xs [n, X] and ys [n, Y], in cells.

    As in the bilinear kernel, a point more than one cell outside gives 0, and the border is
    repeated for the others.

    Returns:
        [C, n, Y, X].
    """
    height, width = features.shape[-2:]
    inside = _reaches(ys, height)[:, :, None] & _reaches(xs, width)[:, None]  # [n, Y, X]
    xs, ys = xs.clamp(0, width - 1), ys.clamp(0, height - 1)
    grid = torch.stack(  # -1..1 over the map, as grid_sample wants it; [n, Y, X, 2]
        (
            ((2 * xs + 1) / width - 1)[:, None].expand(-1, ys.shape[1], -1),
            ((2 * ys + 1) / height - 1)[:, :, None].expand(-1, -1, xs.shape[1]),
        ),
        dim=-1,
    )
    values = F.grid_sample(
        features[None],
        grid.flatten(0, 1)[None].to(features.dtype),
        mode="bicubic",
        padding_mode="border",
        align_corners=False,
    )
    return values[0].unflatten(1, inside.shape[:2]) * inside


def _reaches(positions: Tensor, limit: int) -> Tensor:
    return (positions >= -1) & (positions <= limit)
