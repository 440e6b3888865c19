import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from core.ops.boxes import (
    box_area,
    box_iou,
    clip_boxes,
    covered_share,
    decode_boxes,
    encode_boxes,
    has_min_side,
)

coordinate = st.integers(0, 40)
corner_and_size = st.tuples(coordinate, coordinate, st.integers(0, 20), st.integers(0, 20))


def iou_by_pixels(first: Tensor, second: Tensor) -> float:
    """Count the unit cells that two boxes of whole numbers cover."""
    covered = []
    for box in (first, second):
        grid = torch.zeros(64, 64, dtype=torch.bool)
        x1, y1, x2, y2 = (int(v) for v in box)
        grid[y1:y2, x1:x2] = True
        covered.append(grid)
    union = (covered[0] | covered[1]).sum().item()
    return (covered[0] & covered[1]).sum().item() / union if union else 0.0


@given(st.lists(corner_and_size, min_size=1, max_size=4), corner_and_size)
def test_iou_is_that_of_the_pixels_without_plus_one(
    many: list[tuple[int, int, int, int]], one: tuple[int, int, int, int]
) -> None:
    first = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in many], dtype=torch.float32)
    second = torch.tensor([[one[0], one[1], one[0] + one[2], one[1] + one[3]]]).float()
    iou = box_iou(first, second)
    for row in range(len(first)):
        assert math.isclose(iou[row, 0], iou_by_pixels(first[row], second[0]), abs_tol=1e-6)


def test_iou_of_boxes_without_area_is_zero_not_nan() -> None:
    empty = torch.tensor([[3.0, 3.0, 3.0, 3.0]])
    assert box_iou(empty, empty).item() == 0
    assert box_iou(torch.zeros(0, 4), empty).shape == (0, 1)


def test_boxes_survive_encoding() -> None:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(200, 2, 2, generator=generator, dtype=torch.float64) * 100
    sides = torch.rand(200, 2, 2, generator=generator, dtype=torch.float64) * 50 + 1
    boxes, references = torch.cat((corners, corners + sides), dim=2).unbind(1)
    weights = (10.0, 10.0, 5.0, 5.0)
    decoded = decode_boxes(encode_boxes(boxes, references, weights), references, weights)
    torch.testing.assert_close(decoded, boxes)


def test_decoding_limits_growth_so_that_nothing_overflows() -> None:
    box = decode_boxes(
        torch.tensor([[0.0, 0.0, 1e9, 1e9]]), torch.tensor([[0.0, 0.0, 16.0, 16.0]]), (1, 1, 1, 1)
    )
    torch.testing.assert_close(box, torch.tensor([[-492.0, -492.0, 508.0, 508.0]]))


def test_covered_share_is_of_the_box_not_of_the_union() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0], [3.0, 3.0, 3.0, 9.0]])
    region = torch.tensor([[0.0, 0.0, 10.0, 1000.0]])
    assert covered_share(boxes, region).tolist() == [1.0, 0.5, 0.0]
    assert covered_share(boxes, torch.zeros(0, 4)).tolist() == [0.0, 0.0, 0.0]


def test_clipping_keeps_boxes_in_the_image() -> None:
    boxes = torch.tensor([[-5.0, 2.5, 30.0, 30.0], [50.0, 50.0, 60.0, 60.0]])
    clipped = clip_boxes(boxes, 20, 25)
    assert clipped.tolist() == [[0.0, 2.5, 25.0, 20.0], [25.0, 20.0, 25.0, 20.0]]
    assert has_min_side(clipped, 1.0).tolist() == [True, False]
    assert box_area(clipped)[1] == 0
