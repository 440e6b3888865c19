from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.masks import Mask, encode_rle
from core.predictor import Detection
from mrcnn_gui.project.annotation import Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.compare_versions import compare_versions, image_quality
from tests.workflows.conftest import HEIGHT, WIDTH, rectangle, save_tiny


def annotation(mask: Mask, **more: Any) -> dict[str, Any]:
    return {"segmentation": encode_rle(mask, HEIGHT, WIDTH)} | more


def test_quality_counts_matches_misses_and_inventions() -> None:
    whole, half, elsewhere = rectangle(0, 0, 10, 10), rectangle(0, 0, 10, 6), rectangle(50, 9, 9, 9)
    one = [annotation(whole)]
    assert image_quality([], []) == 1.0
    assert image_quality(one, one) == 1.0
    assert image_quality(one, []) == image_quality([], one) == 0.0
    assert image_quality(one, [annotation(half)]) == pytest.approx(0.6)
    assert image_quality(one, [*one, annotation(elsewhere)]) == pytest.approx(1 / 1.5)
    assert image_quality(one, [annotation(half), *one]) == pytest.approx(1 / 1.5)  # the best pair
    assert image_quality([annotation(whole, iscrowd=1)], []) == 1.0


class Finder:
    """Finds the same in every image."""

    def __init__(self, categories: tuple[str, ...], found: Sequence[tuple[str, float, Mask]]):
        self.categories, self.found = categories, found

    def predict(self, _: Any, **__: Any) -> list[Detection]:
        return [
            Detection(category, score, tuple(map(float, mask.box_xyxy)), mask)  # type: ignore[arg-type]
            for category, score, mask in self.found
        ]


TRUTH = rectangle(WIDTH // 4, HEIGHT // 4, WIDTH // 4, HEIGHT // 4)  # as `reviewed` has it


@pytest.fixture
def two_versions(reviewed: Path, starter: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The starter finds the object and an invention; v1, which knows categories, half of it."""
    save_tiny(reviewed / "models" / "v1", "a", "b")
    half = Mask.from_bitmap(np.ones((HEIGHT // 4, WIDTH // 4 - 6), bool), WIDTH // 4, HEIGHT // 4)
    finders = {
        "tiny": Finder(
            ("object",),
            [
                ("object", 0.9, TRUTH),
                ("object", 0.6, rectangle(0, 0, 5, 5)),
                ("object", 0.4, TRUTH),
            ],
        ),
        "v1": Finder(("a", "b"), [("a", 0.9, half), ("b", 0.4, TRUTH)]),
    }
    monkeypatch.setattr(
        "mrcnn_gui.workflows.compare_versions.load_predictor",
        lambda folder, _: (
            finders[folder.name.rstrip("0123456789")]
            if folder.name.startswith("tiny")
            else finders[folder.name]
        ),
    )
    return reviewed


def test_each_validation_image_is_measured_by_both(two_versions: Path) -> None:
    counts: list[tuple[int, int]] = []
    comparison = compare_versions(
        two_versions, "starter", "v1", on_progress=lambda *count: counts.append(count)
    )
    assert comparison is not None
    (image,) = comparison.images
    assert (image.image_id, Path(image.path).name) == (3, "2.png")
    assert image.before == pytest.approx(1 / 1.5)
    assert image.after == pytest.approx(18 / 24)
    assert image.change == image.after - image.before
    assert counts == [(1, 2), (2, 2)]


def test_a_wrong_category_counts_where_both_know_those_of_the_project(
    two_versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(two_versions / "models" / "v2", "b", "a")
    finders = {
        "v1": Finder(("a", "b"), [("a", 0.9, TRUTH)]),
        "v2": Finder(("a", "b"), [("b", 0.9, TRUTH)]),
    }
    monkeypatch.setattr(
        "mrcnn_gui.workflows.compare_versions.load_predictor", lambda path, _: finders[path.name]
    )
    comparison = compare_versions(two_versions, "v1", "v2")
    assert comparison is not None
    assert [(image.before, image.after) for image in comparison.images] == [(1.0, 0.0)]


def test_a_stopped_comparison_has_no_result(two_versions: Path) -> None:
    assert compare_versions(two_versions, "starter", "v1", should_stop=lambda: True) is None


def test_without_validation_images_there_is_nothing_to_compare_on(two_versions: Path) -> None:
    with Store.open(two_versions) as store:
        store.set_side(3, Side.TRAIN)
    with pytest.raises(ProjectError, match="no done image is kept"):
        compare_versions(two_versions, "starter", "v1")
