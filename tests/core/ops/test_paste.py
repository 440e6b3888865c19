import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.masks import Mask, encode_rle
from core.ops.paste import Box, MaskGrid, paste_mask, paste_run_lengths

BOXES: list[Box] = [
    (10.3, 7.7, 43.1, 38.9),
    (-12.4, -3.2, 20.0, 70.5),
    (50.5, 30.0, 90.25, 64.9),
    (0.0, 0.0, 80.0, 60.0),
    (30.2, 20.1, 33.9, 22.6),
]


def paste_by_grid_sample(
    prob: NDArray[np.float32], box: Box, height: int, width: int
) -> NDArray[np.bool_]:
    """Paste by definition: look up every pixel's centre of the whole image in the grid."""
    x1, y1, x2, y2 = box
    xs, ys = torch.arange(width).double() + 0.5, torch.arange(height).double() + 0.5
    u, v = (xs - x1) / (x2 - x1), (ys - y1) / (y2 - y1)
    grid = torch.stack(torch.meshgrid(u * 2 - 1, v * 2 - 1, indexing="xy"), dim=-1)
    values = F.grid_sample(
        torch.from_numpy(prob).double()[None, None],
        grid[None],
        padding_mode="border",
        align_corners=False,
    )[0, 0]
    inside = ((v >= 0) & (v < 1))[:, None] & ((u >= 0) & (u < 1))[None]
    return ((values >= 0.5) & inside).numpy()


@pytest.mark.parametrize("box", BOXES)
def test_no_pixel_differs_from_the_definition(box: Box) -> None:
    for seed in range(5):
        prob = np.random.default_rng(seed).random((28, 28), dtype=np.float32)
        pasted = paste_mask(prob, box, 60, 80)
        np.testing.assert_array_equal(
            pasted.to_bitmap(60, 80), paste_by_grid_sample(prob, box, 60, 80)
        )


def test_a_mask_that_never_reaches_the_threshold_is_empty_b2() -> None:
    prob = np.full((28, 28), 0.45, np.float32)
    prob[5:20, 5:20] = 0.49
    assert paste_mask(prob, (5.0, 5.0, 40.0, 40.0), 60, 80).is_empty


def test_a_full_grid_fills_its_box() -> None:
    mask = paste_mask(np.ones((28, 28), np.float32), (5.0, 6.0, 40.0, 20.0), 60, 80)
    assert mask.bbox_xywh == (5, 6, 35, 14)
    assert mask.area == 35 * 14


@pytest.mark.parametrize(
    "box", [(5.2, 5.2, 5.3, 5.3), (90.0, 5.0, 95.0, 9.0), (5.0, 5.0, 5.0, 5.0)]
)
def test_a_box_without_pixels_gives_an_empty_mask(box: Box) -> None:
    assert paste_mask(np.ones((28, 28), np.float32), box, 60, 80).is_empty


@given(
    seed=st.integers(0, 2**32 - 1),
    corner=st.tuples(st.floats(-30, 90), st.floats(-30, 70)),
    sides=st.tuples(st.floats(0.1, 120), st.floats(0.1, 120)),
    grid=st.sampled_from([1, 7, 28, 56]),
)
def test_no_pixel_of_any_box_differs_from_the_definition(
    seed: int, corner: tuple[float, float], sides: tuple[float, float], grid: int
) -> None:
    prob = np.random.default_rng(seed).random((grid, grid), dtype=np.float32)
    box = (corner[0], corner[1], corner[0] + sides[0], corner[1] + sides[1])
    pasted = paste_mask(prob, box, 60, 80).to_bitmap(60, 80)
    np.testing.assert_array_equal(pasted, paste_by_grid_sample(prob, box, 60, 80))
    runs = paste_run_lengths(prob, box, 60, 80)
    assert runs == encode_rle(Mask.from_bitmap(pasted), 60, 80)


def test_a_grid_is_looked_at_only_when_somebody_asks() -> None:
    prob = np.random.default_rng(3).random((28, 28), dtype=np.float32)
    grid = MaskGrid(prob, BOXES[0], 60, 80)
    assert not grid.is_empty
    assert grid.run_lengths == encode_rle(paste_mask(prob, BOXES[0], 60, 80), 60, 80)
    assert "mask" not in vars(grid)
    assert grid.mask == paste_mask(prob, BOXES[0], 60, 80)
    faint = MaskGrid(np.full((28, 28), 0.4, np.float32), BOXES[0], 60, 80)
    assert faint.is_empty
    assert faint.mask.is_empty
