"""How sure a mask is, and detections ranked by it."""

import torch

from core.model.mask_scores import mask_scores, rank_by_masks
from core.model.structures import Boxes


def masks(*inside: float) -> torch.Tensor:
    """[n, 4, 4]: half of each mask has the probability given, the other half 0.1."""
    probs = torch.full((len(inside), 4, 4), 0.1)
    probs[:, :2] = torch.tensor(inside)[:, None, None]
    return probs


def boxes(*scores: float) -> Boxes:
    count = len(scores)
    corners = torch.arange(4.0 * count).reshape(count, 4)
    return Boxes(corners, torch.tensor(scores), torch.arange(1, count + 1))


def test_the_score_is_the_mean_of_what_lies_inside() -> None:
    probs = masks(0.9, 0.6)
    probs[0, 0] = 0.7
    torch.testing.assert_close(mask_scores(probs), torch.tensor([0.8, 0.6]))


def test_a_mask_without_a_cell_has_no_score() -> None:
    assert mask_scores(masks(0.4)).tolist() == [0]
    assert mask_scores(masks()).tolist() == []


def test_blurred_masks_fall_behind_and_take_their_boxes_with_them() -> None:
    found = rank_by_masks(boxes(0.9, 0.8, 0.3), masks(0.6, 0.9, 1.0), lowest=0.1)
    torch.testing.assert_close(found.scores, torch.tensor([0.72, 0.54, 0.3]))
    assert found.labels.tolist() == [2, 1, 3]
    assert found.boxes_xyxy[:, 0].tolist() == [4, 0, 8]
    torch.testing.assert_close(mask_scores(found.mask_probs), torch.tensor([0.9, 0.6, 1.0]))


def test_what_falls_below_the_limit_is_left_out_and_equals_keep_their_order() -> None:
    found = rank_by_masks(boxes(0.5, 0.5, 0.5), masks(0.8, 0.4, 0.8), lowest=0.3)
    assert found.labels.tolist() == [1, 3]
