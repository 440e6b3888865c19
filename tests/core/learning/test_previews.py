from pathlib import Path
from typing import Any

import numpy as np

from core.learning.previews import COUNT, MIN_SCORE, make_previews
from core.masks import Mask, encode_rle

TRUTH: dict[str, Any] = {
    "categories": [{"id": 3, "name": "egg"}],
    "images": [
        {"id": number, "file_name": f"{number}.png", "width": 20, "height": 10}
        for number in range(1, 7)
    ],
    "annotations": [{"image_id": number} for number in (2, 4, 6)],
}


def result(image_id: int, score: float, left: int) -> dict[str, Any]:
    mask = Mask.from_bitmap(np.ones((3, 4), bool), left, 1)
    segmentation = encode_rle(mask, 10, 20)
    return {
        "image_id": image_id,
        "category_id": 3,
        "score": score,
        "segmentation": segmentation,
    }


def test_images_with_instances_come_first_and_the_sure_results_best_first() -> None:
    results = [result(2, 0.6, 1), result(2, 0.9, 5), result(2, MIN_SCORE - 0.01, 9)]
    previews = make_previews(TRUTH, Path("photos"), results)
    assert len(previews) == COUNT
    assert [preview.path.name for preview in previews] == ["2.png", "4.png", "6.png", "1.png"]
    first = previews[0]
    assert (first.path, first.size) == (Path("photos/2.png"), (20, 10))
    assert [(each.category, each.score) for each in first.instances] == [("egg", 0.9), ("egg", 0.6)]
    assert first.instances[0].mask.bbox_xywh == (5, 1, 4, 3)
    assert previews[1].instances == ()
