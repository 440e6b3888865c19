import numpy as np
import pytest

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source, Suggestion
from mrcnn_gui.ui.canvas.tools.hits import instance_at, outline_distance, suggestion_at


def square(left: int, top: int, side: int) -> Mask:
    return Mask.from_bitmap(np.ones((side, side), bool), left, top)


def test_the_smallest_of_the_hits_is_taken_and_the_topmost_of_equal_ones() -> None:
    masks = {1: square(0, 0, 40), 2: square(10, 10, 10), 3: square(5, 5, 10)}
    instances = [Instance(i, 1, mask, Provenance(Source.HUMAN)) for i, mask in masks.items()]

    def at(x: int, y: int) -> int | None:
        hit = instance_at(instances, x, y)
        return None if hit is None else hit.id

    assert at(30, 30) == 1
    assert at(12, 12) == 3
    assert at(18, 18) == 2
    assert at(40, 0) is None


def test_suggestions_are_hit_inside_only() -> None:
    suggestions = [Suggestion.of("object", 0.9, square(0, 0, 30), "v")]
    assert suggestion_at(suggestions, 29, 29) == suggestions[0]
    assert suggestion_at(suggestions, 30, 29) is None


@pytest.mark.parametrize(("x", "expected"), [(10.5, 1.0), (13.5, 4.0), (18.5, 2.0)])
def test_distance_to_the_outline(x: float, expected: float) -> None:
    assert outline_distance(square(10, 10, 10), x, 15.5, 8.0) == pytest.approx(expected)


def test_distance_beyond_reach_is_infinite() -> None:
    assert outline_distance(square(0, 0, 100), 50.0, 50.0, 8.0) == float("inf")
