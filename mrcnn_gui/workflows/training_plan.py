"""What a fine-tune would be trained on, with which settings, and about how long it takes."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.finetune_options import FinetuneOptions
from mrcnn_gui.workflows.models import model_image_size, resolve_model

BATCH_SIZE = 2

# Seconds for a square image of 640 pixels: learning from it, and validating on it.
_CPU_SECONDS = (1.5, 0.4)  # on one core
_GPU_SECONDS = (0.06, 0.04)
_START_SECONDS = 5.0  # reading the model, freezing the images
# Share of a step that is left where less of the model learns.
_STAGE_SHARES = {"all": 1.0, "3+": 0.95, "4+": 0.85, "5+": 0.75, "heads": 0.6, "roi_heads": 0.5}


@dataclass(frozen=True)
class TrainingPlan:
    """A fine-tune that has not begun.

    Attributes:
        parent: The version that it starts from.
        images: Images that it learns from.
        validation_images: Images that judge it.
        instances: Instances on the images that it learns from.
        categories: Names of the project's categories.
        device: Where it runs, as people call it.
        settings: By their names in `TrainConfig`.
        seconds: About how long it takes.
    """

    parent: str
    images: int
    validation_images: int
    instances: int
    categories: tuple[str, ...]
    device: str
    settings: dict[str, Any]
    seconds: float


def plan_training(folder: Path, options: FinetuneOptions) -> TrainingPlan:
    """Look at the done images and the active version; the first time it imports torch.

    Raises:
        ProjectError: The project or the version cannot be read.
    """
    parent, parent_folder = resolve_model(folder, None)
    image_size = model_image_size(parent_folder)
    with Store.open(folder, read_only=True) as store, store.frozen():
        done = [entry for entry in store.images() if entry.status is ReviewStatus.DONE]
        counts = store.instance_counts()
        categories = tuple(category.name for category in store.categories())
    judging = [entry for entry in done if entry.side is Side.VALIDATION]
    learning = [entry for entry in done if entry.side in (None, Side.TRAIN)]
    settings = default_settings(len(learning), image_size, options)
    return TrainingPlan(
        parent,
        len(learning),
        len(judging),
        sum(counts.get(entry.id, 0) for entry in learning),
        categories,
        device_name(settings["device"]),
        settings,
        estimate_seconds(settings, len(learning), len(judging)),
    )


def default_settings(images: int, image_size: int, options: FinetuneOptions) -> dict[str, Any]:
    """The settings of a run, by their names in `TrainConfig`, without its paths.

    Args:
        images: How many it learns from.
        image_size: Long side in pixels that the parent works at.
        options: What a person chose goes before what is chosen here.
    """
    chosen = dict(options.settings)
    epochs = chosen.get("epochs") or options.epochs or default_epochs(images)
    steps = epochs * -(-images // chosen.get("batch_size", BATCH_SIZE))
    return {
        "epochs": epochs,
        "batch_size": BATCH_SIZE,
        "image_size": image_size,
        "warmup_steps": min(50, steps // 5),
        "seed": options.seed,
        "device": options.device,
    } | chosen


def default_epochs(images: int) -> int:
    """Passes over the training images: 20 up to ten images, 10 from twenty on."""
    return max(10, min(20, 200 // max(images, 1)))


def estimate_seconds(settings: dict[str, Any], images: int, validation_images: int) -> float:
    """About how long a run takes, from start to verdict."""
    on_gpu = _resolved(settings["device"]) == "cuda"
    learn, validate = _GPU_SECONDS if on_gpu else _CPU_SECONDS
    size: float = (settings["image_size"] / 640) ** 2
    speed = size if on_gpu else size / max(1, _cores() - 1)
    epochs, every = settings["epochs"], settings.get("validate_every", 1)
    validations = -(-epochs // every) + 2  # and the parent's, and the candidate's
    steps: float = epochs * images
    if settings.get("max_steps"):
        steps = min(steps, settings["max_steps"] * settings["batch_size"])
    learning = steps * learn * _STAGE_SHARES.get(settings.get("stages", "all"), 1.0)
    judging: float = validations * validation_images * validate
    return _START_SECONDS + speed * (learning + judging)


def device_name(device: str) -> str:
    """Where a device setting leads to, as people call it."""
    if _resolved(device) == "cuda":
        import torch

        return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "a CUDA GPU"
    return "the processor (CPU)"


def _resolved(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 2
