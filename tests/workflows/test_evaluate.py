import json
from pathlib import Path
from typing import Any

import pytest

from core.formats.coco import CocoError
from core.images import ImageReadError
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.workflows.evaluate import evaluate_model, match_categories, predict_coco
from tests.workflows.conftest import HEIGHT, WIDTH, save_tiny
from tests.workflows.test_coco_import import coco, write


def test_metrics_count_images_and_instances(photos: Path, tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", "b", "unknown")
    seen: list[tuple[int, int]] = []
    metrics = evaluate_model(
        write(tmp_path, coco()), photos, model, on_progress=lambda *count: seen.append(count)
    )
    assert (metrics.images, metrics.instances) == (2, 1)
    assert 0 <= metrics.mask_ap <= 1
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("gaps", [{}, {"area": None, "bbox": None}, {"bbox": []}])
def test_areas_and_boxes_that_are_missing_are_filled_in(
    gaps: dict[str, Any], photos: Path, tmp_path: Path
) -> None:
    dataset = coco()
    for name in ("area", "bbox", "iscrowd"):
        del dataset["annotations"][0][name]
    dataset["annotations"][0] |= gaps
    model = save_tiny(tmp_path / "model", "b")
    assert evaluate_model(write(tmp_path, dataset), photos, model).instances == 1


def test_a_polygon_that_would_crash_pycocotools_is_evaluated(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    def evaluate(truth: dict[str, Any], *_: object, **__: object) -> None:
        seen.extend(truth["annotations"])

    monkeypatch.setattr("core.learning.evaluate.evaluate", evaluate)
    dataset = coco()
    dataset["annotations"][0]["segmentation"] = [[10, 10, 1e9, 10, 1e9, 1e9]]
    evaluate_model(write(tmp_path, dataset), photos, save_tiny(tmp_path / "model", "b"))
    assert seen[0]["segmentation"]["size"] == [HEIGHT, WIDTH]


def test_a_class_agnostic_model_needs_a_class_agnostic_evaluation(
    photos: Path, tmp_path: Path, tiny_model: Path
) -> None:
    path = write(tmp_path, coco())
    with pytest.raises(ProjectError, match=r"the model knows 'object', .* 'b', 'c'"):
        evaluate_model(path, photos, tiny_model)
    assert evaluate_model(path, photos, tiny_model, class_agnostic=True).instances == 1


def test_categories_match_by_name_or_as_the_only_one() -> None:
    assert match_categories(("a", "b"), {"b": 7, "c": 8}) == {"b": 7}
    assert match_categories(("object",), {"balloon": 3}) == {"object": 3}
    assert match_categories(("object",), {"b": 7, "c": 8}) == {}


def test_results_carry_the_ids_of_the_file(photos: Path, tmp_path: Path) -> None:
    dataset = coco()
    del dataset["annotations"]
    model = save_tiny(tmp_path / "model", "c")
    results = predict_coco(write(tmp_path, dataset), photos, model)
    assert {result["image_id"] for result in results} == {7, 9}
    assert {result["category_id"] for result in results} == {40}
    assert results[0].keys() == {"image_id", "category_id", "bbox", "segmentation", "score"}
    assert results[0]["segmentation"]["size"] == [HEIGHT, WIDTH]
    json.dumps(results)


def test_without_a_common_category_results_carry_the_models_own_ids(
    photos: Path, tmp_path: Path, tiny_model: Path
) -> None:
    results = predict_coco(write(tmp_path, coco()), photos, tiny_model)
    assert {result["category_id"] for result in results} == {1}


def test_a_stopped_prediction_returns_what_is_done(
    photos: Path, tmp_path: Path, tiny_model: Path
) -> None:
    answers = iter([False, True])
    results = predict_coco(
        write(tmp_path, coco()), photos, tiny_model, should_stop=lambda: next(answers)
    )
    assert {result["image_id"] for result in results} == {7}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"annotations": []}, CocoError, "no annotations"),
        ({"images": []}, CocoError, "no image 7"),
        (
            {"images": [{"id": 7, "file_name": "0.png", "width": 5, "height": 6}]},
            CocoError,
            r"0\.png: the file says 5 x 6",
        ),
        (
            {"images": [{"id": 7, "file_name": "gone.png", "width": WIDTH, "height": HEIGHT}]},
            ImageReadError,
            r"gone\.png",
        ),
        (
            {"annotations": [{"id": 5, "image_id": 7, "category_id": 2}]},
            CocoError,
            "annotation 5 has no segmentation",
        ),
    ],
)
def test_a_file_that_cannot_be_compared_is_refused(
    photos: Path,
    tmp_path: Path,
    tiny_model: Path,
    change: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    dataset = coco(**change)
    if change.get("images"):
        dataset["annotations"] = [a for a in dataset["annotations"] if a["id"] == 5]
    with pytest.raises(error, match=message):
        evaluate_model(write(tmp_path, dataset), photos, tiny_model, class_agnostic=True)
