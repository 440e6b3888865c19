import math

import pytest
import torch
import torchvision

from core.ops.roi_align import Sampling, pyramid_levels, pyramid_roi_align

LEVELS = [torch.rand(2, 3, 64 // 2**i, 96 // 2**i) for i in range(4)]


def test_one_level_is_torchvisions_aligned_roi_align() -> None:
    boxes = [torch.tensor([[3.0, 5.5, 30.2, 41.0]]), torch.tensor([[0.0, 0.0, 10.0, 90.0]])]
    rois = torch.cat([torch.tensor([[0.0], [1.0]]), torch.cat(boxes)], dim=1)
    expected = torchvision.ops.roi_align(LEVELS[0], rois, 7, 0.25, 2, aligned=True)
    torch.testing.assert_close(pyramid_roi_align(LEVELS, boxes, 7), expected)


def test_bins_are_sampled_at_their_own_places_b3() -> None:
    """On a plane that equals its own x, a bin's mean is the x of its centre."""
    plane = (torch.arange(64) + 0.5).mul(4).expand(1, 1, 64, 64).contiguous()
    pooled = pyramid_roi_align([plane], [torch.tensor([[40.0, 40.0, 110.0, 110.0]])], 7)
    torch.testing.assert_close(pooled[0, 0, 3], 45.0 + 10 * torch.arange(7.0))


def test_boxes_of_all_sizes_keep_their_order() -> None:
    sides = (500.0, 20.0, 250.0, 120.0, 30.0)
    levels = [torch.full((1, 1, 256 // 2**i, 256 // 2**i), float(i + 2)) for i in range(4)]
    boxes = torch.tensor([[0.0, 0.0, s, s] for s in sides])
    pooled = pyramid_roi_align(levels, [boxes], 2)
    assert pooled[:, 0, 0, 0].tolist() == [5.0, 2.0, 4.0, 3.0, 2.0]


def test_a_finer_level_is_taken_as_far_as_there_is_one() -> None:
    levels = [torch.full((1, 1, 256 // 2**i, 256 // 2**i), float(i + 2)) for i in range(4)]
    boxes = torch.tensor([[0.0, 0.0, s, s] for s in (500.0, 250.0, 120.0, 20.0)])
    for interpolation in ("bilinear", "bicubic"):
        pooled = pyramid_roi_align(levels, [boxes], 2, Sampling(True, 2, interpolation, 1))
        assert pooled[:, 0, 0, 0].tolist() == [4.0, 3.0, 2.0, 2.0]
    plane = (torch.arange(64) + 0.5).mul(4).expand(1, 1, 64, 64).contiguous()
    pooled = pyramid_roi_align([plane] * 2, [boxes[2:3] + 40], 6, Sampling(finer=1))
    torch.testing.assert_close(pooled[0, 0, 3], 50.0 + 20 * torch.arange(6.0))


def test_levels_follow_the_formula_with_floor_b9() -> None:
    sides = [1.0, 111.0, 112.0, 223.9, 224.0, 447.0, 448.0, 5000.0]
    boxes = torch.tensor([[10.0, 10.0, 10 + s, 10 + s] for s in sides])
    expected = [min(5, max(2, math.floor(4 + math.log2(s / 224) + 1e-6))) for s in sides]
    assert pyramid_levels(boxes, 2, 5).tolist() == expected
    inexact = torch.tensor([[33.3, 33.3, 257.3, 257.3]])  # 224 pixels but for float32's last bit
    assert pyramid_levels(inexact, 2, 5).tolist() == [4]


def test_a_box_without_area_goes_to_the_finest_level_b9() -> None:
    assert pyramid_levels(torch.tensor([[5.0, 5.0, 5.0, 50.0]]), 2, 5).tolist() == [2]


def test_no_boxes_give_no_rows_a7() -> None:
    assert pyramid_roi_align(LEVELS, [torch.zeros(0, 4)] * 2, 7).shape == (0, 3, 7, 7)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("per_bin", [1, 2, 3])
def test_without_gradients_the_same_is_pooled_faster(aligned: bool, per_bin: int) -> None:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(2, 40, 2, generator=generator) * 200 - 30
    sides = 8 * 40 ** torch.rand(2, 40, 2, generator=generator)
    boxes = list(torch.cat((corners, corners + sides), dim=2))  # some reach outside
    sampling = Sampling(aligned, per_bin)
    learning = [level.clone().requires_grad_() for level in LEVELS]
    expected = pyramid_roi_align(learning, boxes, 7, sampling)
    pooled = pyramid_roi_align(LEVELS, boxes, 7, sampling)
    assert expected.requires_grad
    torch.testing.assert_close(pooled, expected, atol=1e-6, rtol=1e-5)
    half = pyramid_roi_align([level.bfloat16() for level in LEVELS], boxes, 7, sampling)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected.detach(), atol=2e-2, rtol=2e-2)
