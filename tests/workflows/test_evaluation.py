import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.learning.evaluate import Metrics
from core.predictor import Detection
from mrcnn_gui.project.annotation import Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import STARTER_VERSION
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.evaluation import (
    Annotated,
    EvaluatedImage,
    Evaluation,
    Found,
    ImageSet,
    evaluate_project,
)
from mrcnn_gui.workflows.evaluation_figures import (
    BACKGROUND,
    best_ious,
    best_threshold,
    confusion,
    curves,
    found_well,
    iou_histogram,
)
from mrcnn_gui.workflows.evaluation_report import report_text, report_values
from tests.workflows.conftest import HEIGHT, WIDTH, human, rectangle, save_tiny

BOX = (0.0, 0.0, 1.0, 1.0)


def annotated(number: int, category: str) -> Annotated:
    return Annotated(1, number, category, BOX)


def found(category: str, score: float) -> Found:
    return Found(1, category, score, BOX)


CAT, CAT_2, ANT = annotated(1, "cat"), annotated(2, "cat"), annotated(3, "ant")
SURE, TWICE, MIXED, LOOSE = (
    *(found("cat", 0.9), found("cat", 0.8), found("cat", 0.7), found("cat", 0.3)),
)
IMAGE = EvaluatedImage(
    (CAT, CAT_2, ANT),
    (LOOSE, SURE, TWICE, MIXED),
    (
        (0.0, 0.55, 0.0),
        (0.95, 0.0, 0.0),
        (0.9, 0.0, 0.0),
        (0.0, 0.0, 0.8),
    ),
)


@pytest.fixture
def evaluation() -> Evaluation:
    metrics: Any = None
    empty = EvaluatedImage((), (), ())
    return Evaluation("v1", ImageSet.ALL, ("cat", "ant"), (IMAGE, empty), metrics, ())


def test_a_curve_takes_a_step_for_each_found_instance(evaluation: Evaluation) -> None:
    both = curves(evaluation)
    points = [(point.recall, point.precision, point.added) for point in both["cat"]]
    assert points == [
        (1 / 2, 1.0, SURE),
        (1 / 2, 1 / 2, TWICE),
        (1 / 2, 1 / 3, MIXED),
        (1.0, 1 / 2, LOOSE),
    ]
    assert both["ant"] == []
    assert best_threshold(both["cat"]) == 0.9
    assert best_threshold([]) == 0.5


def test_the_confusion_counts_everything_once(evaluation: Evaluation) -> None:
    assert confusion(evaluation, 0.5) == {
        ("cat", "cat"): [CAT],
        (BACKGROUND, "cat"): [TWICE],
        ("ant", "cat"): [ANT],
        ("cat", BACKGROUND): [CAT_2],
    }
    assert confusion(evaluation, 0.1)["cat", "cat"] == [CAT_2, CAT]
    assert confusion(evaluation, 1.0) == {
        ("cat", BACKGROUND): [CAT, CAT_2],
        ("ant", BACKGROUND): [ANT],
    }


def test_the_histogram_has_the_best_of_the_same_category(evaluation: Evaluation) -> None:
    bins = iou_histogram(best_ious(evaluation, 0.1))
    assert [len(each) for each in bins] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert (bins[0], bins[5], bins[9]) == ([ANT], [CAT_2], [CAT])
    assert iou_histogram(best_ious(evaluation, 0.5))[0] == [CAT_2, ANT]


def test_found_well_are_those_that_need_no_correction(evaluation: Evaluation) -> None:
    assert found_well(best_ious(evaluation, 0.5)) == 1
    assert found_well(best_ious(evaluation, 1.0)) == 0


def test_a_report_has_all_figures(evaluation: Evaluation) -> None:
    metrics = Metrics(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, {"cat": 0.3}, 2, 3)
    whole = replace(evaluation, metrics=metrics, problems=("lost.png",))
    values = report_values(whole, 0.5)
    assert json.loads(json.dumps(values)) == values
    assert values["curves"]["cat"][0] == [0.5, 1.0, 0.9]
    assert values["best_scores"] == {"cat": 0.9, "ant": 0.5}
    assert {"annotated": "ant", "found": "cat", "count": 1} in values["confusion"]
    assert sum(values["overlaps"]) == 3
    text = report_text(whole, 0.5)
    assert "v1 on 2 images (all) with 3 instances" in text
    assert "cat: mask AP 0.300, highest F1 from score 0.90" in text
    assert text.endswith("found with IoU above 0.75: 1 of 3 instances")
    lines = [line.split() for line in text.splitlines()]
    assert ["cat", "ant", "missed"] in lines
    assert ["cat", "1", "0", "1"] in lines
    assert ["ant", "1", "0", "0"] in lines
    assert ["not", "annotated", "1", "0", "0"] in lines


class Finder:
    """Finds the object of `reviewed` in every image, and one that is not there."""

    categories = ("a", "b")

    def predict(self, _: Any, **__: Any) -> list[Detection]:
        mask = rectangle(WIDTH // 4, HEIGHT // 4, WIDTH // 4, HEIGHT // 4)
        wrong = rectangle(70, 50, 5, 5)
        return [
            Detection("a", 0.9, tuple(map(float, mask.box_xyxy)), mask),  # type: ignore[arg-type]
            Detection("b", 0.2, tuple(map(float, wrong.box_xyxy)), wrong),  # type: ignore[arg-type]
        ]


@pytest.fixture
def evaluated(reviewed: Path, starter: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    save_tiny(reviewed / "models" / "v1", "a", "b")
    monkeypatch.setattr("mrcnn_gui.workflows.evaluation.load_predictor", lambda *_: Finder())
    return reviewed


def test_a_version_is_evaluated_on_a_set_of_done_images(evaluated: Path, photos: Path) -> None:
    counts: list[tuple[int, int]] = []
    with Store.open(evaluated) as store:
        store.insert_instances(3, [human(store, rectangle(0, 0, 6, 6), 2)])
    result = evaluate_project(
        evaluated, "v1", ImageSet.VALIDATION, on_progress=lambda *count: counts.append(count)
    )
    assert result is not None
    assert (result.version, result.categories, counts) == ("v1", ("a", "b"), [(1, 1)])
    (image,) = result.images
    assert [(it.image_id, it.category) for it in image.annotated] == [(3, "a"), (3, "b")]
    assert [(it.category, it.score) for it in image.found] == [("a", 0.9), ("b", 0.2)]
    assert image.ious == ((1.0, 0.0), (0.0, 0.0))
    assert result.metrics.per_category == {"a": pytest.approx(1.0), "b": 0.0}
    assert evaluate_project(evaluated, "v1", ImageSet.ALL, should_stop=lambda: True) is None

    (photos / "0.png").unlink()
    train = evaluate_project(evaluated, "v1", ImageSet.TRAIN)
    assert train is not None
    assert len(train.images) == 1
    assert "0.png" in train.problems[0]


def test_a_model_of_other_categories_is_evaluated_without_them(
    evaluated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Finder, "categories", ("thing",))
    result = evaluate_project(evaluated, "v1", ImageSet.ALL)
    assert result is not None
    assert result.categories == ("object",)
    assert {it.category for image in result.images for it in image.found} == {"object"}


def test_an_empty_set_is_told(evaluated: Path) -> None:
    with Store.open(evaluated) as store:
        store.set_side(3, Side.TRAIN)
    with pytest.raises(ProjectError, match="validation"):
        evaluate_project(evaluated, "v1", ImageSet.VALIDATION)


def test_an_empty_set_says_how_it_is_filled(project: Path, starter: Path) -> None:
    with pytest.raises(
        ProjectError, match=r"kept for test yet: Image > Keep for test \(Shift\+T\)"
    ):
        evaluate_project(project, STARTER_VERSION, ImageSet.TEST)
    with pytest.raises(ProjectError, match="no image is done yet"):
        evaluate_project(project, STARTER_VERSION, ImageSet.ALL)
