"""The fused RoIAlign against the one of `core.ops`, on the GPU or in Triton's interpreter."""

from itertools import product

import pytest
import torch
from torch import Tensor

from core.ops.kernels.roi_align import Blocks, fused_roi_align
from core.ops.roi_align import Sampling, pyramid_levels, roi_align
from tests.core.ops.kernels.devices import DEVICE, HAS_GPU

FEW_PROGRAMS = Blocks(bins=16, tile=32)  # the interpreter takes a tenth of a second for each
BOXES = [  # image, then x1, y1, x2, y2 in pixels
    [0, 3.0, 5.5, 30.2, 41.0],
    [0, 0.0, 0.0, 250.0, 250.0],  # of P4; reaches below the image
    [0, -9.0, -7.0, 20.0, 70.0],  # reaches outside
    [1, 20.0, 20.0, 20.0, 20.0],  # without area
    [1, 10.0, 10.0, 200.0, 110.0],  # of P3
    [1, 150.0, 100.0, 230.0, 170.0],  # beyond the corner
]
# Each way to sample in the interpreter, all of them on the GPU.
ALL = [Sampling(*c) for c in product((True, False), (0, 2), ("bilinear", "bicubic"))]
SOME = [ALL[2], ALL[1], ALL[4], ALL[7]]


def pyramid(dtype: torch.dtype = torch.float64, channels: int = 3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    levels = [
        torch.rand(2, channels, 40 // 2**i, 56 // 2**i, generator=generator, dtype=torch.float64)
        for i in range(4)
    ]
    return [level.to(DEVICE, dtype) for level in levels]


def by_level(levels: list[Tensor], rois: Tensor, size: int, sampling: Sampling) -> Tensor:
    """The definition: every box alone, from its level."""
    rows = []
    for roi, level in zip(rois, pyramid_levels(rois[:, 1:], 2, 1 + len(levels)), strict=True):
        number = int(level) - 2
        rows.append(roi_align(levels[number], roi[None], size, 0.25 / 2**number, sampling))
    return torch.cat(rows)


def check(sampling: Sampling, dtype: torch.dtype, blocks: Blocks, tolerance: float) -> None:
    boxes = BOXES if sampling.per_bin or HAS_GPU else BOXES[::3]  # many points take long
    rois = torch.tensor(boxes, dtype=torch.promote_types(dtype, torch.float32), device=DEVICE)
    ours = [level.requires_grad_() for level in pyramid(dtype)]
    theirs = [level.double().requires_grad_() for level in pyramid(dtype)]
    pooled = fused_roi_align(ours, rois, 3, sampling, blocks)
    expected = by_level(theirs, rois.double(), 3, sampling)
    assert pooled.dtype == dtype
    torch.testing.assert_close(pooled.double(), expected, atol=tolerance, rtol=tolerance)
    weights = torch.rand(pooled.shape, generator=torch.Generator().manual_seed(1)).to(expected)
    torch.autograd.backward(((pooled.double() * weights).sum(), (expected * weights).sum()))
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.grad is not None
        wanted = torch.zeros_like(other) if other.grad is None else other.grad
        torch.testing.assert_close(
            mine.grad.double(), wanted, atol=4 * tolerance, rtol=4 * tolerance
        )


@pytest.mark.parametrize("sampling", SOME, ids=str)
def test_forward_and_backward_are_the_reference(sampling: Sampling) -> None:
    check(sampling, torch.float64, FEW_PROGRAMS, 1e-9)


def test_half_precision_is_summed_in_full() -> None:
    check(Sampling(), torch.bfloat16, FEW_PROGRAMS, 8e-3)


def test_the_cut_into_programs_changes_nothing() -> None:
    rois = torch.tensor(BOXES[:2], device=DEVICE)
    results = []
    for blocks in (FEW_PROGRAMS, Blocks(bins=2, tile=16, channels=2)):
        levels = [level.requires_grad_() for level in pyramid(torch.float32)[2:]]
        pooled = fused_roi_align(levels, rois, 2, Sampling(per_bin=1), blocks)
        torch.autograd.backward(pooled.square().sum())
        results.append([pooled, *(level.grad for level in levels if level.grad is not None)])
    for first, second in zip(*results, strict=True):
        assert torch.equal(first, second)


def test_no_boxes_give_no_rows_and_a_gradient_of_zeros() -> None:
    levels = [pyramid(torch.float32)[3].requires_grad_()]
    pooled = fused_roi_align(levels, torch.zeros(0, 5, device=DEVICE), 3, Sampling(), FEW_PROGRAMS)
    assert pooled.shape == (0, 3, 3, 3)
    torch.autograd.backward(pooled.sum())
    assert levels[0].grad is not None
    assert not levels[0].grad.any()


def test_levels_change_at_the_published_sides() -> None:
    sides = [20.0, 111.9, 112.0, 223.9, 224.0, 447.0, 448.0, 5000.0]
    halves = [side / 2 for side in sides]
    rois = torch.tensor([[0.0, -half, -half, half, half] for half in halves], device=DEVICE)
    levels = [torch.full((1, 1, 2, 2), float(i + 2), device=DEVICE) for i in range(4)]
    pooled = fused_roi_align(levels, rois, 1, Sampling(per_bin=1), FEW_PROGRAMS)
    assert pooled.flatten().tolist() == [2, 2, 3, 3, 4, 4, 5, 5]
    assert pyramid_levels(rois[:, 1:], 2, 5).tolist() == [2, 2, 3, 3, 4, 4, 5, 5]


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("sampling", ALL, ids=str)
def test_compiled_kernels_are_the_reference(sampling: Sampling, dtype: torch.dtype) -> None:
    check(sampling, dtype, Blocks(), 8e-3 if dtype == torch.bfloat16 else 1e-5)


@pytest.mark.gpu
def test_gradients_are_the_same_bits_every_time() -> None:
    generator = torch.Generator().manual_seed(3)
    corners = torch.rand(2, 300, 2, generator=generator) * 150
    boxes = torch.cat((corners, corners + torch.rand(2, 300, 2, generator=generator) * 90), dim=2)
    owners = torch.arange(2.0)[:, None, None].expand(-1, 300, 1)
    rois = torch.cat((owners, boxes), dim=2).flatten(0, 1).to(DEVICE)
    grads = []
    for _ in range(3):
        levels = [level.requires_grad_() for level in pyramid(torch.bfloat16, 64)]
        torch.autograd.backward(fused_roi_align(levels, rois, 7, Sampling()).square().sum())
        grads.append(torch.cat([x.grad.flatten() for x in levels if x.grad is not None]))
    assert torch.equal(grads[0], grads[1])
    assert torch.equal(grads[0], grads[2])
