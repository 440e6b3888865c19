"""Judging a fine-tune on the images that it learned from, where too few others judge."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.learning.progress import Stop

if TYPE_CHECKING:
    from core.learning.config import TrainConfig
    from core.learning.evaluate import Metrics
    from core.predictor import Predictor

FOLDS = 4
_FOLDER = "folds"


@dataclass(frozen=True)
class CrossJudged:
    """Of models that learned from a part of the images each, and of the parent, on all of them."""

    metrics: "Metrics"
    parent_metrics: "Metrics"


def judging_instances(train_json: Path) -> int:
    """How many instances the images hold that are labelled wholly."""
    content = json.loads(train_json.read_text(encoding="utf-8"))
    whole = {image["id"] for image in content["images"] if "finished" not in image}
    if len(whole) < 2:
        return 0
    return sum(it["image_id"] in whole and not it["iscrowd"] for it in content["annotations"])


def cross_judge(
    config: "TrainConfig",
    parent: "Predictor",
    *,
    class_agnostic: bool,
    should_stop: Callable[[], Stop],
) -> CrossJudged | None:
    """Cross-validate the RoI heads on what the frozen rest makes of the images.

    The folds are cheap, and honest: each image is judged by a model that has not seen it. What all
    of the model could learn they do not show, so the candidate may be better than they say.

    Args:
        config: Of the run. The parent must not have learned from its images.
        parent: The model that it started from, in the precision that judges.
        class_agnostic: Whether categories do not count.
        should_stop: Any other answer than NO ends it.

    Returns:
        Both metrics; None where it was stopped.
    """
    from core.learning.evaluate import evaluate, predict_results
    from core.learning.folds import cross_validate

    ids = dict.fromkeys(config.categories or (), 1) if class_agnostic else None
    heads = replace(config, stages="roi_heads", output=config.output.with_name(_FOLDER))
    folds = cross_validate(heads, FOLDS, category_ids=ids, should_stop=should_stop)
    if folds is None:
        return None
    results = predict_results(
        parent,
        folds.truth,
        config.train_images,
        category_ids=dict.fromkeys(parent.categories, 1) if class_agnostic else None,
        should_stop=lambda: should_stop() is not Stop.NO,
    )
    if should_stop() is not Stop.NO:
        return None
    return CrossJudged(
        evaluate(folds.truth, folds.results, class_agnostic=class_agnostic),
        evaluate(folds.truth, results, class_agnostic=class_agnostic),
    )
