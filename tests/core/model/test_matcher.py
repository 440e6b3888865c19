import pytest
import torch

from core.model.matcher import BACKGROUND, IGNORED, match_boxes, sample_balanced


def test_candidates_are_true_background_or_ignored() -> None:
    iou = torch.tensor([[0.8, 0.5, 0.1, 0.7], [0.2, 0.6, 0.0, 0.9]])
    matches = match_boxes(iou, positive=0.7, negative=0.3)
    assert matches.tolist() == [0, IGNORED, BACKGROUND, 1]


def test_every_true_box_keeps_all_its_best_candidates() -> None:
    iou = torch.tensor([[0.2, 0.4, 0.4, 0.1], [0.9, 0.0, 0.0, 0.0]])
    matches = match_boxes(iou, positive=0.7, negative=0.3, keep_best=True)
    assert matches.tolist() == [1, 0, 0, BACKGROUND]


def test_a_kept_candidate_goes_to_the_true_box_it_overlaps_most() -> None:
    iou = torch.tensor([[0.5, 0.1], [0.6, 0.65]])
    matches = match_boxes(iou, positive=0.7, negative=0.3, keep_best=True)
    assert matches.tolist() == [1, 1]


def test_a_true_box_without_any_overlap_makes_nothing_positive() -> None:
    matches = match_boxes(torch.zeros(1, 4), positive=0.7, negative=0.3, keep_best=True)
    assert matches.tolist() == [BACKGROUND] * 4


def test_without_true_boxes_all_is_background_a5() -> None:
    matches = match_boxes(torch.zeros(0, 3), positive=0.7, negative=0.3, keep_best=True)
    assert matches.tolist() == [BACKGROUND] * 3
    assert match_boxes(torch.zeros(2, 0), positive=0.7, negative=0.3, keep_best=True).shape == (0,)


def test_background_fills_what_positives_leave_b5() -> None:
    matches = torch.tensor([0] * 3 + [BACKGROUND] * 50 + [IGNORED] * 20)
    positive, negative = sample_balanced(matches, 16, 0.5, None)
    assert positive.tolist() == [0, 1, 2]
    assert len(set(negative.tolist())) == 13
    assert (matches[negative] == BACKGROUND).all()


def test_positives_are_limited_to_their_share() -> None:
    matches = torch.tensor([0] * 40 + [BACKGROUND] * 40)
    positive, negative = sample_balanced(matches, 20, 0.25, None)
    assert (len(positive), len(negative)) == (5, 15)


@pytest.mark.parametrize("total", [60, 400, 401, 5000])
def test_as_many_as_asked_for_are_drawn_and_none_twice(total: int) -> None:
    matches = torch.full((total,), BACKGROUND)
    counts = torch.zeros(total)
    for seed in range(200):
        _, drawn = sample_balanced(matches, 50, 0.5, torch.Generator().manual_seed(seed))
        assert len(drawn) == len(set(drawn.tolist())) == 50
        counts[drawn] += 1
    halves = counts[: total // 2].sum(), counts[-(total // 2) :].sum()
    assert abs(halves[0] - halves[1]) < 500  # five deviations: no part of them is preferred


def test_draws_come_from_the_generator_alone() -> None:
    matches = torch.full((1000,), BACKGROUND)
    draws = []
    for _ in range(2):
        torch.rand(1)
        draws.append(sample_balanced(matches, 50, 0.5, torch.Generator().manual_seed(3))[1])
    assert torch.equal(draws[0], draws[1])
