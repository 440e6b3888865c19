"""RoIAlign in all its settings against its slow definition, and its gradients."""

from itertools import product

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from core.ops.roi_align import Sampling, pyramid_roi_align, roi_align
from tests.core.ops.slow_roi_align import slow_roi_align

SETTINGS = [
    Sampling(*choice) for choice in product((True, False), (0, 1, 2), ("bilinear", "bicubic"))
]
BOXES = [  # image, then x1, y1, x2, y2 in pixels, four to a cell
    [0, 3.0, 5.5, 30.2, 41.0],
    [1, 0.0, 0.0, 48.0, 40.0],  # the whole image
    [0, -9.0, -7.0, 20.0, 70.0],  # reaches outside
    [1, 17.0, 18.0, 18.0, 19.0],  # one pixel
    [0, 20.0, 20.0, 20.0, 20.0],  # without area
    [0, 47.0, 39.0, 60.0, 55.0],  # beyond the corner
    [1, 3.0, 5.5, 30.2, 41.0],
]


def maps(dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 10, 12, generator=generator, dtype=dtype)


def check(features: Tensor, rois: Tensor, size: int, sampling: Sampling) -> None:
    pooled = roi_align(features, rois, size, 0.25, sampling)
    slow = slow_roi_align(features.numpy(), rois.numpy(), size, 0.25, sampling)
    np.testing.assert_allclose(pooled.numpy(), slow, atol=1e-9)


@pytest.mark.parametrize("sampling", SETTINGS, ids=str)
@pytest.mark.parametrize("size", [1, 3])
def test_every_setting_is_its_definition(sampling: Sampling, size: int) -> None:
    check(maps(), torch.tensor(BOXES, dtype=torch.float64), size, sampling)


coordinates = st.floats(-20, 70, width=32)


@settings(max_examples=60, deadline=None)
@given(
    sampling=st.sampled_from(SETTINGS),
    boxes=st.lists(
        st.tuples(st.integers(0, 1), coordinates, coordinates, coordinates, coordinates), max_size=3
    ),
    size=st.integers(1, 4),
)
def test_any_boxes_are_pooled_by_definition(
    sampling: Sampling, boxes: list[tuple[int, float, float, float, float]], size: int
) -> None:
    rois = torch.tensor(
        [[i, min(a, b), min(c, d), max(a, b), max(c, d)] for i, a, b, c, d in boxes],
        dtype=torch.float64,
    ).reshape(-1, 5)
    # Whether a point on the very edge of the map counts is decided by the last bit of its place.
    check(maps(), rois + torch.tensor([0, 1e-3, 1e-3, 1e-3, 1e-3]), size, sampling)


@pytest.mark.parametrize("sampling", SETTINGS, ids=str)
def test_gradients_are_right_in_double_precision(sampling: Sampling) -> None:
    features = maps()[:, :1, :6, :7].clone().requires_grad_()
    rois = torch.tensor(BOXES[:4], dtype=torch.float64) * torch.tensor([1, 0.5, 0.5, 0.5, 0.5])
    assert torch.autograd.gradcheck(lambda x: roi_align(x, rois, 2, 0.25, sampling), (features,))


@pytest.mark.parametrize("sampling", SETTINGS, ids=str)
def test_gradients_of_a_pyramid_are_right_in_double_precision(sampling: Sampling) -> None:
    levels = [maps()[:, :1, : 16 // 2**i, : 20 // 2**i].clone().requires_grad_() for i in range(2)]
    boxes = [torch.tensor([[3.0, 2.0, 40.0, 55.0], [9.0, 9.0, 70.0, 58.0]], dtype=torch.float64)]
    boxes.append(torch.tensor([[0.0, 0.0, 300.0, 280.0]], dtype=torch.float64))

    def pool(*maps: Tensor) -> Tensor:
        return pyramid_roi_align(maps, boxes, 2, sampling)

    assert torch.autograd.gradcheck(pool, levels)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("per_bin", [0, 2])
def test_no_boxes_give_no_rows_a7(interpolation: str, per_bin: int) -> None:
    sampling, none = Sampling(True, per_bin, interpolation), torch.zeros(0, 5, dtype=torch.float64)
    for features in (maps(), maps().requires_grad_()):
        assert roi_align(features, none, 3, 0.25, sampling).shape == (0, 3, 3, 3)
        pooled = pyramid_roi_align([features], [none[:, 1:]] * 2, 3, sampling)
        assert pooled.shape == (0, 3, 3, 3)


def test_bicubic_is_sharper_at_a_step_than_bilinear() -> None:
    step = (torch.arange(24) > 11).double().expand(1, 1, 24, 24).contiguous()
    rois = torch.tensor([[0, 20.0, 20.0, 60.0, 60.0]], dtype=torch.float64)
    bilinear, bicubic = (
        roi_align(step, rois, 20, 0.25, Sampling(True, 1, kind))[0, 0, 0]
        for kind in ("bilinear", "bicubic")
    )
    assert bilinear.min() >= 0
    assert bicubic.min() < -0.01  # the kernel overshoots at edges
    assert bicubic.max() > 1.01
    assert bicubic.diff().max() > bilinear.diff().max()


@pytest.mark.parametrize("sampling", SETTINGS, ids=str)
def test_a_pyramid_is_pooled_in_one_call_each_box_from_its_level(sampling: Sampling) -> None:
    generator = torch.Generator().manual_seed(1)
    levels = [torch.rand(2, 2, 96 // 2**i, 96 // 2**i, generator=generator) for i in range(4)]
    levels = [level.double().requires_grad_() for level in levels]
    boxes = [
        torch.tensor([[5.0, 5.0, 45.0, 60.0], [0.0, 0.0, 380.0, 380.0]], dtype=torch.float64),
        torch.tensor([[30.0, 9.0, 160.0, 140.0]], dtype=torch.float64),
    ]
    pooled = pyramid_roi_align(levels, boxes, 3, sampling)
    torch.autograd.backward(pooled.sum())
    for row, (image, box, level) in enumerate(
        [(0, boxes[0][0], 2), (0, boxes[0][1], 4), (1, boxes[1][0], 3)]
    ):
        roi = torch.cat((box.new_tensor([image]), box))[None]
        alone = roi_align(levels[level - 2], roi, 3, 1 / 2**level, sampling)
        torch.testing.assert_close(pooled[row], alone[0])
    assert [level.grad is not None and bool(level.grad.any()) for level in levels] == [
        True,
        True,
        True,
        False,
    ]


def test_the_bilinear_one_is_torchvisions_forward_and_backward() -> None:
    rois = torch.tensor(BOXES)
    for aligned, per_bin in product((True, False), (0, 2)):
        ours, theirs = maps(torch.float32).requires_grad_(), maps(torch.float32).requires_grad_()
        mine = roi_align(ours, rois, 3, 0.25, Sampling(aligned, per_bin))
        other = torchvision.ops.roi_align(theirs, rois, 3, 0.25, per_bin or -1, aligned=aligned)
        torch.testing.assert_close(mine, other)
        torch.autograd.backward((mine.square().sum(), other.square().sum()))
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_half_precision_features_are_looked_up_at_exact_places(interpolation: str) -> None:
    features, rois = maps(torch.float32).bfloat16(), torch.tensor(BOXES)
    sampling = Sampling(interpolation=interpolation)
    with torch.autocast("cpu", torch.bfloat16):
        pooled = roi_align(features, rois, 3, 0.25, sampling)
    assert pooled.dtype == torch.bfloat16
    exact = roi_align(features.float(), rois, 3, 0.25, sampling)
    torch.testing.assert_close(pooled.float(), exact, atol=8e-3, rtol=8e-3)
