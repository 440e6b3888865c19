from typing import Any

import pytest

from mrcnn_gui.workflows import replay
from mrcnn_gui.workflows.replay import choose_images, subset


def content(ids: range, category: str = "a", width: int = 10) -> dict[str, Any]:
    return {
        "images": [{"id": i, "file_name": f"{i}.png"} for i in ids],
        "categories": [{"id": 1, "name": category}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "segmentation": [[0, 0, width, 0, 5, 5]]}
            for i in ids
        ],
    }


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "LEAST_OLD", 4)


def test_a_first_run_goes_through_everything() -> None:
    assert choose_images(content(range(1, 30)), None) == set(range(1, 30))


def test_new_images_and_a_share_of_the_old_ones_are_gone_through() -> None:
    chosen = choose_images(content(range(1, 31)), content(range(1, 29)), seed=1)
    assert {29, 30} <= chosen
    assert len(chosen) == 2 + 3 * 2
    assert choose_images(content(range(1, 31)), content(range(1, 29)), seed=1) == chosen
    assert choose_images(content(range(1, 31)), content(range(1, 29)), seed=2) != chosen


@pytest.mark.parametrize("changes", [{"category": "b"}, {"width": 11}])
def test_what_was_labelled_otherwise_counts_as_new(changes: dict[str, Any]) -> None:
    assert len(choose_images(content(range(1, 30)), content(range(1, 30), **changes))) == 29


def test_without_anything_new_everything_is_gone_through() -> None:
    assert len(choose_images(content(range(1, 30)), content(range(1, 40)))) == 29


def test_a_subset_has_the_annotations_of_its_images() -> None:
    part = subset(content(range(1, 5)), {2, 3})
    assert [it["id"] for it in part["images"]] == [2, 3]
    assert [it["image_id"] for it in part["annotations"]] == [2, 3]
    assert part["categories"] == content(range(1))["categories"]
