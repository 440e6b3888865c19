"""Cross-validation: every image is judged by a model that has not seen it."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.learning import evaluate as evaluation
from core.learning import folds
from core.learning.config import TrainConfig
from core.learning.evaluate import evaluate
from core.learning.folds import cross_validate
from core.learning.progress import Progress, Stop
from core.learning.train import fit
from tests.core.learning.scenes import write_scenes, write_tiny_model


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    photos = tmp_path / "photos"
    photos.mkdir()
    return TrainConfig(
        train_json=write_scenes(photos, 5),
        train_images=photos,
        initial=write_tiny_model(tmp_path / "initial"),
        output=tmp_path / "folds",
        categories=("egg",),
        epochs=1,
        image_size=96,
        stages="roi_heads",
        feature_cache=tmp_path / "cache",
        cached_views=1,
        device="cpu",
    )


def test_each_image_is_judged_by_a_model_that_has_not_seen_it(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: list[set[int]] = []

    def watch(trained: TrainConfig, **options: Any) -> Any:
        content = json.loads(trained.train_json.read_text())
        taught.append({it["id"] for it in content["images"]})
        assert {it["image_id"] for it in content["annotations"]} <= taught[-1]
        return fit(trained, **options)

    judged: list[set[int]] = []
    predict = evaluation.predict_results

    def predicted(predictor: Any, truth: dict[str, Any], *rest: Any, **options: Any) -> Any:
        judged.append({it["id"] for it in truth["images"]})
        assert predictor.precision == "fp32"  # exact, as the parent's: they are compared
        return predict(predictor, truth, *rest, **options)

    monkeypatch.setattr(folds, "fit", watch)
    monkeypatch.setattr(folds, "predict_results", predicted)
    found = cross_validate(config, 3)
    assert found is not None
    assert judged == [{1, 4}, {2, 5}, {3}]
    assert [seen | held for seen, held in zip(taught, judged, strict=True)] == [{1, 2, 3, 4, 5}] * 3
    assert not any(seen & held for seen, held in zip(taught, judged, strict=True))
    assert evaluate(found.truth, found.results).images == 5
    assert not config.output.exists()
    assert config.feature_cache is not None
    assert len(list(config.feature_cache.iterdir())) == 5  # the folds share them


def test_an_image_in_progress_teaches_but_does_not_judge(config: TrainConfig) -> None:
    content = json.loads(config.train_json.read_text())
    content["images"][0]["finished"] = []
    config.train_json.write_text(json.dumps(content))
    found = cross_validate(config, 9)
    assert found is not None
    assert [it["id"] for it in found.truth["images"]] == [2, 3, 4, 5]


def test_one_image_cannot_be_cross_validated(config: TrainConfig) -> None:
    content = json.loads(config.train_json.read_text())
    for image in content["images"][1:]:
        image["finished"] = []
    config.train_json.write_text(json.dumps(content))
    assert cross_validate(config, 3) is None


def test_it_can_be_stopped_and_leaves_nothing(config: TrainConfig) -> None:
    stop = Stop.NO

    def watch(progress: Progress) -> None:
        nonlocal stop
        stop = Stop.CANCEL if progress.step == 1 else stop

    assert cross_validate(config, 3, on_progress=watch, should_stop=lambda: stop) is None
    assert not config.output.exists()
