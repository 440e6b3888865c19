"""Validation within a run: the metrics of a copy of the model, while the model goes on learning."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.learning.config import TrainConfig
from core.learning.evaluate import Metrics, evaluate, judging_precision, predict_results
from core.learning.previews import make_previews
from core.learning.progress import Preview, TrainingError
from core.model.mask_rcnn import MaskRCNN
from core.predictor import Predictor


@dataclass(frozen=True)
class Validation:
    """What a validation has shown: figures, and what is found on a few of its images."""

    metrics: Metrics
    previews: tuple[Preview, ...]


def validate(
    model: MaskRCNN,
    weights: dict[str, Tensor],
    config: TrainConfig,
    device: str,
    should_stop: Callable[[], bool],
) -> Validation | None:
    """Measure weights on the validation images.

    Args:
        model: The model that they belong to; it is not changed.
        weights: What to measure.
        config: Names the validation images; `val_json` must be given.
        device: Where to compute.
        should_stop: Asked before each image.

    Returns:
        What it has shown, or None when stopped before the last image.

    Raises:
        TrainingError: The GPU's memory is too small.
    """
    assert config.val_json is not None
    assert config.val_images is not None
    measured = copy.deepcopy(model).eval()
    measured.load_state_dict(weights)
    agnostic = config.categories is None or config.class_agnostic_metrics
    stopped = False

    def ask() -> bool:
        nonlocal stopped
        stopped = stopped or should_stop()
        return stopped

    content = json.loads(config.val_json.read_text(encoding="utf-8"))
    try:
        results: list[dict[str, Any]] = predict_results(
            Predictor(measured, device=device, precision=judging_precision(device)),
            content,
            config.val_images,
            category_ids=dict.fromkeys(model.config.categories, 1) if agnostic else None,
            should_stop=ask,
        )
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            "the GPU's memory cannot hold a validation: close other programs that use the GPU, "
            "train with smaller images, or train on the CPU"
        ) from error
    if stopped:
        return None
    return Validation(
        evaluate(content, results, class_agnostic=agnostic),
        make_previews(content, config.val_images, results),
    )
