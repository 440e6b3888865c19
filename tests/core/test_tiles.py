from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from core.masks import Mask
from core.model.config import MaskRCNNConfig
from core.predictor import Detection, Predictor
from core.tiles import predict_tiles, windows


@dataclass
class Colours:
    """A model that finds every colour of a tile, exactly; the colour is the object."""

    calls: int = 0
    config: MaskRCNNConfig = field(default_factory=MaskRCNNConfig)

    def predict(self, image: NDArray[np.uint8], *, min_score: float) -> list[Detection]:
        self.calls += 1
        found = []
        for colour in np.unique(image[..., 0]):
            score = 0.5 + colour / 1000
            if colour and score >= min_score:
                mask = Mask.from_bitmap(image[..., 0] == colour)
                x1, y1, x2, y2 = (float(side) for side in mask.box_xyxy)
                found.append(Detection(f"kind {colour % 2}", score, (x1, y1, x2, y2), mask))
        return found


def painted(objects: list[tuple[int, int, int, int]], size: tuple[int, int]) -> NDArray[np.uint8]:
    image = np.zeros((*size, 3), np.uint8)
    for colour, (x1, y1, x2, y2) in enumerate(objects, 1):
        image[y1:y2, x1:x2] = colour
    return image


def check(image: NDArray[np.uint8], **settings: int) -> None:
    """Tiles find exactly what one look at the whole image finds."""
    found = predict_tiles(_as_predictor(Colours()), image, **settings)  # type: ignore[arg-type]
    expected = Colours().predict(image, min_score=0.0)
    assert len(found) == len(expected)
    assert [d.score for d in found] == sorted((d.score for d in expected), reverse=True)
    for detection in expected:
        [same] = [d for d in found if d.score == detection.score]
        assert same.mask == detection.mask
        assert same.box_xyxy == detection.box_xyxy
        assert same.category == detection.category


def _as_predictor(model: Colours) -> Predictor:
    return model  # type: ignore[return-value]


@pytest.mark.parametrize("size", [(50, 60), (100, 100), (101, 100), (250, 430), (64, 900)])
def test_tiles_cover_the_image_and_overlap_enough(size: tuple[int, int]) -> None:
    covered = np.zeros(size, int)
    tiles = windows(*size, 100, 20)
    for x1, y1, x2, y2 in tiles:
        assert (x2 - x1, y2 - y1) == (min(100, size[1]), min(100, size[0]))
        covered[y1:y2, x1:x2] += 1
    assert covered.min() >= 1
    columns = sorted({(x1, x2) for x1, _, x2, _ in tiles})
    for (_, end), (start, _) in pairwise(columns):
        assert end - start >= 20


def test_objects_across_seams_are_whole_again() -> None:
    objects = [(10, 10, 30, 30), (40, 50, 290, 62), (100, 90, 120, 240), (130, 130, 230, 250)]
    check(painted(objects, (260, 300)), tile=100, overlap=40)


def test_an_object_in_the_overlap_is_one() -> None:
    check(painted([(66, 20, 92, 50)], (100, 160)), tile=100, overlap=40)


def test_neighbours_of_one_category_stay_two() -> None:
    check(
        painted([(10, 20, 80, 60), (0, 0, 0, 0), (80, 20, 150, 60)], (100, 160)),
        tile=100,
        overlap=40,
    )


class Fixed:
    """A model that finds the same objects in an image of 100 x 160, as far as a tile shows them."""

    def __init__(self, *objects: tuple[str, Mask]) -> None:
        self._objects, self._starts = objects, iter(windows(100, 160, 100, 40))

    def predict(self, image: NDArray[np.uint8], *, min_score: float) -> list[Detection]:
        left = next(self._starts)[0]
        found = []
        for category, mask in self._objects:
            seen = mask.shift(-left, 0).clip(image.shape[1], image.shape[0])
            if not seen.is_empty:
                x1, y1, x2, y2 = map(float, seen.box_xyxy)
                found.append(Detection(category, 0.5 + min_score, (x1, y1, x2, y2), seen))
        return found


def rectangle(x1: int, y1: int, x2: int, y2: int) -> Mask:
    return Mask.from_bitmap(np.ones((y2 - y1, x2 - x1), np.bool_), x1, y1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("cat", rectangle(40, 20, 120, 60)), ("dog", rectangle(40, 20, 120, 60))),
        (("cat", rectangle(40, 20, 120, 60)), ("cat", rectangle(50, 45, 130, 85))),
    ],
    ids=["in the same place", "of one category that overlap"],
)
def test_different_objects_stay_apart(first: tuple[str, Mask], second: tuple[str, Mask]) -> None:
    image = np.zeros((100, 160, 3), np.uint8)
    model: Predictor = Fixed(first, second)  # type: ignore[assignment]
    found = predict_tiles(model, image, tile=100, overlap=40)
    assert sorted((d.category, d.box_xyxy) for d in found) == sorted(
        (category, tuple(map(float, mask.box_xyxy))) for category, mask in (first, second)
    )


def test_a_small_image_is_one_tile() -> None:
    model = Colours()
    predict_tiles(_as_predictor(model), painted([(1, 1, 9, 9)], (40, 100)), tile=100, overlap=20)
    assert model.calls == 1


def test_a_stop_keeps_what_was_found() -> None:
    image = painted([(5, 5, 20, 20), (205, 5, 220, 20)], (60, 260))
    answers = iter([False, True])
    found = predict_tiles(
        _as_predictor(Colours()), image, tile=100, overlap=20, should_stop=lambda: next(answers)
    )
    assert len(found) == 1


def test_the_best_are_kept_where_tiles_find_more_than_are_wanted() -> None:
    image = painted([(5, 5, 20, 20), (105, 5, 120, 20), (205, 5, 220, 20)], (60, 260))
    found = predict_tiles(_as_predictor(Colours()), image, tile=100, overlap=20, limit=2)
    assert [d.box_xyxy[0] for d in found] == [205, 105]


def test_tiles_are_as_large_as_what_the_model_sees_at_full_size() -> None:
    model = Colours(config=MaskRCNNConfig(image_size=96))  # tiles share 24
    predict_tiles(_as_predictor(model), painted([], (96, 240)))
    assert model.calls == 3


def test_scores_are_limited_and_overlaps_checked() -> None:
    image = painted([(5, 5, 20, 20)], (60, 260))
    assert predict_tiles(_as_predictor(Colours()), image, tile=100, overlap=20, min_score=0.9) == []
    with pytest.raises(ValueError, match=r"overlap: expected 0\.\.49"):
        predict_tiles(_as_predictor(Colours()), image, tile=100, overlap=50)
