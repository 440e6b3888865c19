import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.masks import Mask
from mrcnn_gui.project.resemblance import Resemblance

PLACES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def square(x: int, y: int = 0, side: int = 10) -> Mask:
    return Mask.from_bitmap(np.ones((side, side), np.bool_), x, y)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Mask, Mask]]:
    """The pairs whose pixels are compared."""
    pairs: list[tuple[Mask, Mask]] = []
    iou = Mask.iou

    def noted(a: Mask, b: Mask) -> float:
        pairs.append((a, b))
        return iou(a, b)

    monkeypatch.setattr(Mask, "iou", noted)
    return pairs


@settings(max_examples=60)
@given(PLACES, PLACES)
def test_what_is_remembered_changes_no_answer(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    masks, others = [square(*place) for place in first], [square(*place) for place in second]
    like = Resemblance()
    for _ in range(2):
        like.begin()
        expected = [any(mask.iou(other) > 0.5 for other in others) for mask in masks]
        assert like.resembles(masks, others, 0.5).tolist() == expected
        kept = like.distinct(masks, 0.5)
        for index, mask in enumerate(masks):
            earlier = [masks[it] for it in kept if it < index]
            assert (index in kept) == (not any(mask.iou(other) > 0.5 for other in earlier))


def test_only_pairs_of_what_changed_are_compared_again(compared: list[tuple[Mask, Mask]]) -> None:
    masks, others, like = [square(0), square(30)], [square(2), square(32)], Resemblance()
    like.begin()
    like.resembles(masks, others, 0.5)
    assert compared == [(masks[0], others[0]), (masks[1], others[1])]
    compared.clear()
    others[1] = square(33)
    like.begin()
    like.resembles(masks, others, 0.5)
    assert compared == [(masks[1], others[1])]


def test_what_nobody_asks_about_any_more_is_forgotten(compared: list[tuple[Mask, Mask]]) -> None:
    mask, other, like = square(0), square(2), Resemblance()
    like.resembles([mask], [other], 0.5)
    like.begin()
    like.begin()
    like.resembles([mask], [other], 0.5)
    assert compared == [(mask, other)] * 2
