"""The fused non-maximum suppression against `core.ops.nms`."""

import pytest
import torch
from torch import Tensor

from core.ops.kernels.nms import best_first, fused_keep
from core.ops.nms import nms_by_group
from tests.core.ops.kernels.devices import DEVICE

Problem = tuple[Tensor, Tensor, Tensor]


def problem(count: int, groups: int, seed: int, scores: int = 8) -> Problem:
    """Boxes with whole corners and few scores: equal ones, and IoUs at the threshold."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 40, (count, 2), generator=generator).float()
    sides = torch.randint(0, 25, (count, 2), generator=generator).float()
    worth = torch.randint(0, scores, (count,), generator=generator).float()
    members = torch.randint(0, groups, (count,), generator=generator)
    return torch.cat((corners, corners + sides), dim=1), worth, members


def kept(given: Problem, threshold: float, largest: int | None = None) -> list[int]:
    boxes, scores, groups = (value.to(DEVICE) for value in given)
    keep = fused_keep(boxes, scores, groups, threshold, largest)
    order = best_first(scores, 1 - keep)
    assert sorted(order.tolist()) == list(range(len(boxes)))
    return order[: int(keep.sum())].tolist()


@pytest.mark.parametrize(
    ("count", "groups", "threshold"),
    [(150, 1, 0.3), (200, 3, 0.5), (37, 5, 0.25), (1, 1, 0.5), (130, 40, 0.0), (64, 1, 1.0)],
)
def test_any_groups_with_ties_are_the_reference(count: int, groups: int, threshold: float) -> None:
    given = problem(count, groups, count)
    assert kept(given, threshold) == nms_by_group(*given, threshold).tolist()


def test_a_known_largest_group_changes_nothing() -> None:
    given = problem(140, 4, 5)
    largest = int(given[2].bincount().max())
    assert kept(given, 0.4, largest) == nms_by_group(*given, 0.4).tolist()


def test_a_chain_of_boxes_that_each_cover_the_next() -> None:
    """Every second box stays: each decision waits for the one before."""
    left = torch.arange(70.0)
    boxes = torch.stack((left, torch.zeros(70), left + 2.5, torch.ones(70)), dim=1)
    given = (boxes, -left, torch.zeros(70, dtype=torch.int64))
    assert kept(given, 0.3) == list(range(0, 70, 2)) == nms_by_group(*given, 0.3).tolist()


def test_boxes_of_minus_infinity_neither_stay_nor_suppress() -> None:
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0]]).repeat(3, 1)
    scores = torch.tensor([-torch.inf, 0.5, -torch.inf])
    assert kept((boxes, scores, torch.zeros(3, dtype=torch.int64)), 0.5) == [1]


def test_nothing_in_nothing_out() -> None:
    none = torch.zeros(0, 4, device=DEVICE)
    assert len(fused_keep(none, none[:, 0], none[:, 0].long(), 0.5, None)) == 0


@pytest.mark.gpu
@pytest.mark.parametrize(("count", "groups"), [(5000, 1), (5000, 5), (20000, 40), (3000, 900)])
def test_compiled_kernels_are_the_cpus_answers(count: int, groups: int) -> None:
    boxes, scores, members = problem(count, groups, 1, scores=1000)
    given = (boxes * 3 + torch.rand(boxes.shape, generator=torch.Generator().manual_seed(2)) * 3,
             scores, members)  # fmt: skip
    assert kept(given, 0.5) == nms_by_group(*given, 0.5).tolist()
