import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from core.ops.boxes import box_iou
from core.ops.nms import join_groups, nms, nms_by_group


def slow_nms(boxes: Tensor, scores: Tensor, threshold: float) -> list[int]:
    order = sorted(range(len(boxes)), key=lambda i: (-scores[i].item(), i))
    kept: list[int] = []
    for i in order:
        if all(box_iou(boxes[i : i + 1], boxes[k : k + 1]).item() <= threshold for k in kept):
            kept.append(i)
    return kept


def random_boxes(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * 40
    return torch.cat((corners, corners + torch.rand(count, 2, generator=generator) * 30), dim=1)


def test_nms_is_the_slow_one_also_with_ties_and_unsorted_boxes_b10() -> None:
    for seed in range(5):
        boxes = random_boxes(40, seed)
        scores = torch.randint(0, 6, (40,), generator=torch.Generator().manual_seed(seed)).float()
        assert nms(boxes, scores, 0.4).tolist() == slow_nms(boxes, scores, 0.4)


def test_of_equal_boxes_with_equal_scores_the_first_stays() -> None:
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0]]).repeat(50, 1)
    assert nms(boxes, torch.full((50,), 0.5), 0.5).tolist() == [0]


def test_an_overlap_at_the_threshold_is_kept() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0]])  # IoU exactly 0.5
    assert len(nms(boxes, torch.tensor([0.9, 0.8]), 0.5)) == 2
    assert len(nms(boxes, torch.tensor([0.9, 0.8]), 0.49)) == 1


def test_groups_do_not_suppress_each_other_b8() -> None:
    boxes = random_boxes(60, 7)
    scores = torch.rand(60, generator=torch.Generator().manual_seed(1))
    groups = torch.arange(60) % 3
    kept = nms_by_group(boxes, scores, groups, 0.3)
    expected = []
    for group in range(3):
        members = torch.nonzero(groups == group).flatten()
        expected += [int(members[i]) for i in slow_nms(boxes[members], scores[members], 0.3)]
    assert sorted(kept.tolist()) == sorted(expected)
    assert scores[kept].tolist() == sorted(scores[kept].tolist(), reverse=True)


def test_nothing_in_nothing_out_a7() -> None:
    none = torch.zeros(0, 4)
    assert len(nms(none, torch.zeros(0), 0.5)) == 0
    assert len(nms_by_group(none, torch.zeros(0), torch.zeros(0, dtype=torch.int64), 0.5)) == 0


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_boxes_with_ties_in_any_groups_are_the_slow_ones(data: st.DataObject) -> None:
    """Whole coordinates and few scores: equal boxes, equal scores and IoUs at the threshold."""
    count = data.draw(st.integers(0, 14))
    corner = st.integers(0, 6)
    boxes = torch.tensor(
        [
            [x, y, x + data.draw(st.integers(0, 4)), y + data.draw(st.integers(0, 4))]
            for x, y in (data.draw(st.tuples(corner, corner)) for _ in range(count))
        ],
        dtype=torch.float32,
    ).reshape(-1, 4)
    numbers = st.lists(st.integers(0, 2), min_size=count, max_size=count)
    scores = torch.tensor(data.draw(numbers), dtype=torch.float32)
    images, levels = (torch.tensor(data.draw(numbers), dtype=torch.int64) for _ in range(2))
    groups = join_groups(images, levels)
    threshold = data.draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    expected: list[int] = []
    for image, level in sorted(set(zip(images.tolist(), levels.tolist(), strict=True))):
        members = torch.nonzero((images == image) & (levels == level)).flatten()
        kept = slow_nms(boxes[members], scores[members], threshold)
        expected += [int(members[i]) for i in kept]
    expected.sort(key=lambda i: (-scores[i].item(), i))
    assert nms_by_group(boxes, scores, groups, threshold).tolist() == expected
