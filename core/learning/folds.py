"""Cross-validation: what models say of images that each of them has not learned from."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from core.learning.config import TrainConfig
from core.learning.evaluate import judging_precision, predict_results
from core.learning.progress import Progress, Stop
from core.learning.train import fit
from core.predictor import Predictor

Record = dict[str, Any]


@dataclass(frozen=True)
class FoldResults:
    """The truth of all images that were judged, as COCO, and COCO results on them."""

    truth: Record
    results: list[Record]


def cross_validate(
    config: TrainConfig,
    folds: int,
    *,
    category_ids: dict[str, int] | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], Stop] = lambda: Stop.NO,
) -> FoldResults | None:
    """Train once for each fold on the images of the others, and judge each image once.

    With `stages` "roi_heads" and a `feature_cache` the folds share what the frozen part makes of
    the images: each costs steps of the heads alone. Images of which not all is labelled (see
    `core.learning.dataset`) teach, but do not judge.

    Args:
        config: Of each training; it is not validated. `output` is removed afterwards.
        folds: How many; at least 2. As many as there are images to judge, if those are fewer.
        category_ids: As for `predict_results`.
        on_progress: Called for each training.
        should_stop: Any other answer than NO ends it.

    Returns:
        The results, or None where it was stopped or fewer than two images can judge.
    """
    content = json.loads(config.train_json.read_text(encoding="utf-8"))
    judges = [it["id"] for it in content["images"] if "finished" not in it]
    count = min(folds, len(judges))
    if count < 2:
        return None
    truth = _subset(content, set(judges))
    results: list[Record] = []
    try:
        for number in range(count):
            held = set(judges[number::count])
            found = _judge(config, number, (content, held), category_ids, on_progress, should_stop)
            if found is None:
                return None
            results += found
    finally:
        shutil.rmtree(config.output, ignore_errors=True)
    return FoldResults(truth, results)


def _judge(
    config: TrainConfig,
    number: int,
    parts: tuple[Record, set[int]],
    category_ids: dict[str, int] | None,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], Stop],
) -> list[Record] | None:
    """Train without the images that are held back, and find what is on those."""
    content, held = parts
    folder = config.output / f"fold{number + 1}"
    folder.mkdir(parents=True, exist_ok=True)
    taught = {it["id"] for it in content["images"]} - held
    path = folder / "train.json"
    path.write_text(json.dumps(_subset(content, taught)), encoding="utf-8")
    trained = replace(
        config, train_json=path, output=folder / "fit", val_json=None, val_images=None
    )
    fitted = fit(trained, on_progress=on_progress, should_stop=should_stop)
    if fitted.model_folder is None or should_stop() is not Stop.NO:
        return None
    precision = judging_precision(config.device)
    found = predict_results(
        Predictor.load(fitted.model_folder, device=config.device, precision=precision),
        _subset(content, held),
        config.train_images,
        category_ids=category_ids,
        should_stop=lambda: should_stop() is not Stop.NO,
    )
    return found if should_stop() is Stop.NO else None


def _subset(content: Record, ids: set[int]) -> Record:
    """The images with these ids and what is on them."""
    images = [it for it in content["images"] if it["id"] in ids]
    annotations = [it for it in content["annotations"] if it["image_id"] in ids]
    return {**content, "images": images, "annotations": annotations}
