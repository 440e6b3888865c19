"""What a fine-tune would be trained on, with which settings, and about how long it takes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.learning.config import TrainConfig
from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.finetune_options import FinetuneOptions
from mrcnn_gui.workflows.models import resolve_model
from mrcnn_gui.workflows.recipe import (
    Facts,
    choose_settings,
    estimate_seconds,
    fit_to_machine,
    takes_too_long,
)
from mrcnn_gui.workflows.replay import earlier_snapshots

if TYPE_CHECKING:
    from core.learning.speed import Speed

CACHE_FOLDER = "cache"
_SPEEDS, _FEATURES = "speeds.json", "features"
_MORE_EPOCHS = 2  # where a step costs the RoI heads alone
_PLACES = {"train_json": "train.json", "train_images": ".", "output": "."}
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
        facts: Of the data.
        speed: Measured with `settings`; None where it was not.
    """

    parent: str
    images: int
    validation_images: int
    instances: int
    categories: tuple[str, ...]
    device: str
    settings: dict[str, Any]
    seconds: float
    facts: Facts | None = None
    speed: "Speed | None" = None

    def estimate(self, settings: dict[str, Any]) -> float:
        """About how many seconds it takes with other settings."""
        if self.facts is None or self.speed is None:
            return float(self.seconds * settings["epochs"] / self.settings["epochs"])
        load = _load(settings) / _load(self.settings)
        image = (settings["image_size"] / self.settings["image_size"]) ** 2
        speed = replace(self.speed, step=load * self.speed.step, image=image * self.speed.image)
        return estimate_seconds(settings, self.facts, speed)


def plan_training(folder: Path, options: FinetuneOptions) -> TrainingPlan:
    """Look at the done images and the active version, and measure this machine's speed.

    The first time for a machine and a model this takes some seconds.

    Raises:
        ProjectError: The project or the version cannot be read.
    """
    parent, parent_folder = resolve_model(folder, None)
    with Store.open(folder, read_only=True) as store, store.frozen():
        facts = Facts.of(store)
        done = [entry for entry in store.images() if entry.status is ReviewStatus.DONE]
        counts = store.instance_counts()
        categories = tuple(category.name for category in store.categories())
    if earlier_snapshots(folder, parent):  # no fold would be new to the parent
        facts = replace(facts, is_cross_judged=False)
    learning = [entry for entry in done if entry.side in (None, Side.TRAIN)]
    settings, speed = settle(folder, parent_folder, facts, options)
    return TrainingPlan(
        parent,
        facts.images,
        facts.validation_images,
        sum(counts.get(entry.id, 0) for entry in learning),
        categories,
        device_name(settings["device"]),
        settings,
        estimate_seconds(settings, facts, speed),
        facts,
        speed,
    )


def settle(
    folder: Path, parent_folder: Path, facts: Facts, options: FinetuneOptions
) -> "tuple[dict[str, Any], Speed]":
    """The settings of a run, by their names in `TrainConfig`, and the speed with them.

    Args:
        folder: The project's, which keeps what is measured and what the RoI heads learn from.
        parent_folder: The model to start from.
        facts: Of the data.
        options: What a person chose goes before what is chosen here.

    Raises:
        ProjectError: The model cannot be read.
    """
    from core.learning.speed import measure_speed
    from core.model.checkpoint import ModelFileError
    from core.model.pretrained import load_any

    try:
        model = load_any(parent_folder)
    except ModelFileError as error:
        raise ProjectError(str(error)) from error
    chosen = {"seed": options.seed, "device": options.device, **options.settings}
    if options.epochs:
        chosen["epochs"] = options.epochs
    settings = choose_settings(facts, model.config.image_size, chosen)
    cache = folder / CACHE_FOLDER

    def measured(settings: dict[str, Any]) -> "Speed":
        config = TrainConfig.from_dict(settings | _PLACES)
        return measure_speed(model, config, cache / _SPEEDS, objects=facts.objects)

    speed = measured(settings)
    on_cpu = _resolved(settings["device"]) == "cpu"
    if on_cpu and "stages" not in chosen and takes_too_long(settings, facts, speed):
        epochs = _MORE_EPOCHS * settings["epochs"]
        settings = settings | {"stages": "roi_heads", "epochs": epochs} | chosen
        speed = measured(settings)
    settings = fit_to_machine(settings, facts, speed) | chosen
    return settings | {"feature_cache": str(cache / _FEATURES)}, speed


def _load(settings: dict[str, Any]) -> float:
    """What a step costs, in any unit."""
    share = _STAGE_SHARES[settings.get("stages", "all")]
    low, high = settings.get("scale_jitter", TrainConfig.scale_jitter)
    area = settings["image_size"] ** 2 * (low * low + low * high + high * high)
    return float(area * settings["batch_size"] * share)


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
