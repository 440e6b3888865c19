"""The interval of an AP, against pycocotools on images that are really repeated."""

from typing import Any

import numpy as np
import pytest

from core.learning.evaluate import evaluate
from core.masks import Mask, encode_rle

SIDE = 40


def segmentation(x: int, y: int, size: int) -> dict[str, Any]:
    mask = Mask.from_bitmap(np.ones((size, size), np.bool_), x, y)
    return dict(encode_rle(mask, SIDE, SIDE))


def scene(images: list[int], seed: int = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Truth and detections of images, each drawn by its number alone; the ids are positions."""
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    truth["categories"] = [{"id": 3, "name": "a"}, {"id": 5, "name": "b"}]
    results = []
    for place, number in enumerate(images, 1):
        draw = np.random.default_rng((seed, number))
        truth["images"].append({"id": place, "width": SIDE, "height": SIDE})
        for _ in range(int(draw.integers(0, 5))):
            x, y = (int(v) for v in draw.integers(0, SIDE - 12, 2))
            shift = int(draw.integers(0, 5))
            common = {"image_id": place, "category_id": int(draw.choice([3, 5]))}
            crowd = int(draw.random() < 0.1)
            truth["annotations"].append(
                {**common, "segmentation": segmentation(x, y, 10), "iscrowd": crowd}
            )
            found = {**common, "segmentation": segmentation(x + shift % 3, y, 10)}
            score = float(draw.random())
            results.append({**found, "bbox": [x + shift % 3, y, 10, 10], "score": score})
    return truth, results


def test_the_ap_of_the_matches_is_that_of_pycocotools() -> None:
    metrics = evaluate(*scene(list(range(8))))
    assert metrics.matches is not None
    assert metrics.matches.ap() == pytest.approx(metrics.mask_ap)
    assert 0 < metrics.mask_ap < 1
    names = {it.name: it.aps(np.ones((1, 8)))[0] for it in metrics.matches.categories}
    assert names == pytest.approx(metrics.per_category)


def test_a_weight_is_a_repeated_image() -> None:
    matches = evaluate(*scene(list(range(6)))).matches
    assert matches is not None
    drawn = [0, 2, 2, 3, 5, 5, 5]
    weights = np.bincount(drawn, minlength=6).astype(float)
    # Equal scores of repeated images may be sorted either way.
    assert matches.aps(weights[None])[0] == pytest.approx(evaluate(*scene(drawn)).mask_ap, abs=0.02)


def test_the_interval_holds_the_value_and_narrows_with_more_images() -> None:
    few, many = (evaluate(*scene(list(range(count)))) for count in (5, 60))
    for metrics in (few, many):
        assert metrics.mask_ap_low <= metrics.mask_ap <= metrics.mask_ap_high
    assert many.mask_ap_high - many.mask_ap_low < few.mask_ap_high - few.mask_ap_low
    assert {"mask_ap_low", "mask_ap_high"} <= few.to_dict().keys()
    assert "matches" not in few.to_dict()


def test_the_gain_over_itself_is_nothing_and_over_a_worse_model_certain() -> None:
    truth, results = scene(list(range(30)))
    good = evaluate(truth, results).matches
    half = evaluate(truth, [it for i, it in enumerate(results) if i % 2]).matches
    assert good is not None
    assert half is not None
    assert good.gain_interval(good) == (0, 0)
    low, high = good.gain_interval(half)
    assert 0 < low < good.ap() - half.ap() < high


def test_without_detections_or_images_there_is_an_interval_too() -> None:
    truth, _ = scene(list(range(4)))
    nothing = evaluate(truth, [])
    assert (nothing.mask_ap, nothing.mask_ap_low, nothing.mask_ap_high) == (0, 0, 0)
    empty = evaluate({**truth, "images": [], "annotations": []}, [])
    assert (empty.mask_ap_low, empty.mask_ap_high) == (0, 1)
