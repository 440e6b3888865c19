"""How to fine-tune: settings chosen from the data and the machine, and how long it will take."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.cross_judging import FOLDS
from mrcnn_gui.workflows.verdict import MIN_VALIDATION_INSTANCES

if TYPE_CHECKING:
    from core.learning.speed import Speed

BATCH_SIZE = 2
_FEWEST_STEPS, _STEPS_PER_IMAGE, _MOST_EPOCHS = 60, 5, 40
_SMALL = 24.0  # pixels; a smaller object is seen by few cells of the finest features
_LARGEST_IMAGE, _LARGER = 1024, 1.5
_VALIDATION_SHARE = 0.25  # of the time of learning, at most
_QUICK_SECONDS = 5.0  # a validation as short as this follows every epoch
_PATIENCE = 6  # validations, at least; and half of a run, whose rate has to fall first
_PATIENT_MINUTES = 20.0  # of learning on a CPU: above that only the RoI heads learn
# Of the weights that are judged and kept. With 48 photos of balloons it was as good after 84 s as
# the weights themselves after 121 s, with 20 of nuclei after 63 s as they after 80 s; at the end
# there was no difference.
_EMA_DECAY = 0.95
_START_SECONDS = 4.0  # reading the models
_FREEZE_SECONDS = 0.05  # of an image
_KEEP_SECONDS = 0.8  # of a validation: figures, previews, the kept model and the checkpoint
_AREA_SHARE = 0.8  # of a step's time goes with the area of the images
# A step of a run to one that is measured by itself: images are read beside it, and each batch has
# another shape. With balloons on two cores 1.24 s to 0.98 s.
_IN_A_RUN = 1.25
_FORWARD = 0.35  # of a step, as long as what is kept has to be computed
_HEADS = 0.25  # of a step, in the RoI heads
_ASPECT = 0.75  # height over width of the image that the speed is measured on


@dataclass(frozen=True)
class Facts:
    """What settings depend on.

    Attributes:
        images: How many images can be learned from.
        validation_images: How many done images judge.
        object_side: The middle one of the objects' sides (the square root of the box's area), as a
            share of the long side of its image; 0 without an object.
        aspect: The mean of short over long side of the images.
        objects: On an image that is learned from, in the mean.
        is_cross_judged: Whether too few instances are kept for validation, and enough to learn
            from: the latter judge then (`workflows.cross_judging`).
    """

    images: int
    validation_images: int
    object_side: float = 0.2
    aspect: float = 0.75
    objects: float = 6.0
    is_cross_judged: bool = False

    @classmethod
    def of(cls, store: Store) -> "Facts":
        """Those of the done images of a project."""
        done = [it for it in store.images() if it.status is ReviewStatus.DONE]
        judging = sum(it.side is Side.VALIDATION for it in done)
        learning = sum(it.side in (None, Side.TRAIN) for it in done)
        sides = store.object_sides()
        shapes = [sorted((it.width, it.height)) for it in done if it.width and it.height]
        aspects = [short / long for short, long in shapes]
        aspect = sum(aspects) / len(aspects) if aspects else _ASPECT
        counts = store.instance_counts()
        kept = sum(counts.get(it.id, 0) for it in done if it.side is Side.VALIDATION)
        taught = sum(counts.get(it.id, 0) for it in done if it.side in (None, Side.TRAIN))
        crossed = kept < MIN_VALIDATION_INSTANCES <= taught and learning > 1
        side = median(sides) if sides else 0.0
        return cls(learning, judging, side, aspect, taught / max(1, learning), crossed)


def choose_settings(
    facts: Facts, image_size: int, chosen: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Settings by their names in `TrainConfig`, without paths and what the machine decides.

    Measured with 20 images of three data sets: AdamW at 3e-4 gained more than SGD at any rate, in
    the same number of steps.

    Args:
        facts: Of the data.
        image_size: Long side in pixels that the parent works at.
        chosen: What a person chose; the rest follows from it.
    """
    batch_size = chosen.get("batch_size", BATCH_SIZE)
    per_epoch = ceil(max(1, facts.images) / batch_size)
    steps = _FEWEST_STEPS + _STEPS_PER_IMAGE * facts.images
    epochs = chosen.get("epochs") or max(2, min(_MOST_EPOCHS, round(steps / per_epoch)))
    settings = {
        "optimizer": "adamw",
        "learning_rate": 3e-4,
        "ema_decay": _EMA_DECAY,
        "epochs": epochs,
        "batch_size": batch_size,
        "image_size": _image_size(facts, image_size),
        "warmup_steps": min(50, epochs * per_epoch // 5),
        "patience": max(_PATIENCE, epochs // 2),
    }
    return settings | dict(chosen)


def fit_to_machine(settings: dict[str, Any], facts: Facts, speed: "Speed") -> dict[str, Any]:
    """Add the precision that is faster, and how often to validate without losing much time."""
    per_epoch = ceil(max(1, facts.images) / settings["batch_size"])
    learning = per_epoch * _step(facts, speed)
    judging = facts.validation_images * speed.image
    every = 1
    if judging > _QUICK_SECONDS and learning:
        every = ceil(judging / (_VALIDATION_SHARE * learning))
    return settings | {
        "precision": speed.precision,
        "validate_every": max(1, min(every, settings["epochs"])),
    }


def takes_too_long(settings: dict[str, Any], facts: Facts, speed: "Speed") -> bool:
    """Whether all of the model learns so slowly that the RoI heads alone should."""
    return estimate_seconds(settings, facts, speed) > 60 * _PATIENT_MINUTES


def estimate_seconds(settings: dict[str, Any], facts: Facts, speed: "Speed") -> float:
    """How long a run takes from start to verdict, if it is not ended early.

    Args:
        settings: By their names in `TrainConfig`; those that are missing have its defaults.
        facts: Of the data.
        speed: Measured with these settings.
    """
    per_epoch = ceil(max(1, facts.images) / settings["batch_size"])
    steps = settings["epochs"] * per_epoch
    steps = min(steps, settings.get("max_steps") or steps)
    validations = ceil(steps / per_epoch / settings.get("validate_every", 1))
    # The parent and the candidate are measured besides.
    judging: float = (validations + 2) * facts.validation_images * speed.image
    if facts.validation_images:
        judging += _KEEP_SECONDS * validations
    freezing = _FREEZE_SECONDS * (facts.images + facts.validation_images)
    if facts.is_cross_judged:
        judging += _crossing(settings, facts, speed, steps)
    return _START_SECONDS + freezing + judging + _learning(settings, facts, speed, steps)


def _crossing(settings: dict[str, Any], facts: Facts, speed: "Speed", steps: int) -> float:
    """Seconds of the cross-validation: its features, its steps of the RoI heads, its judging."""
    whole = _step(facts, speed)
    heads = _HEADS * whole if speed.head_step is None else speed.head_step
    views = min(settings["epochs"], settings.get("cached_views", 8))
    new: int = views * ceil(facts.images / settings["batch_size"])
    fold_steps = FOLDS * ceil(steps * (FOLDS - 1) / FOLDS)
    found: float = 2 * facts.images * speed.image  # by the folds' models and by the parent
    return new * _FORWARD * whole + fold_steps * heads + FOLDS * _START_SECONDS / 2 + found


def _learning(settings: dict[str, Any], facts: Facts, speed: "Speed", steps: int) -> float:
    whole = _step(facts, speed)
    if speed.head_step is None or not settings.get("feature_cache"):
        return steps * whole
    new: int = min(
        steps, settings.get("cached_views", 8) * ceil(facts.images / settings["batch_size"])
    )
    return steps * speed.head_step + new * _FORWARD * whole


def _step(facts: Facts, speed: "Speed") -> float:
    """Seconds of a step on images of the usual shape."""
    return _IN_A_RUN * speed.step * (1 - _AREA_SHARE + _AREA_SHARE * facts.aspect / _ASPECT)


def _image_size(facts: Facts, image_size: int) -> int:
    """Larger images where the objects would be too small to be seen well."""
    side = facts.object_side * image_size
    if side == 0 or side >= _SMALL:
        return image_size
    factor = min(_LARGER, _SMALL / side)
    return max(image_size, min(_LARGEST_IMAGE, 32 * round(factor * image_size / 32)))
