"""What one training run is told: every setting, as a frozen value that survives JSON."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAGES = ("all", "3+", "4+", "5+", "heads", "roi_heads")
OPTIMIZERS = ("sgd", "adamw")
PRECISIONS = ("auto", "fp32", "bf16")
_PATHS = (
    "train_json",
    "train_images",
    "val_json",
    "val_images",
    "initial",
    "output",
    "feature_cache",
)


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run.

    Attributes:
        train_json: COCO file of the training images.
        train_images: Folder that relative file names of the training images start from.
        output: Folder of the run: its checkpoint while it runs, `model/` when it has ended.
        val_json: COCO file of the validation images; without it the last weights are kept.
        val_images: Folder that relative file names of the validation images start from.
        initial: Model folder or file, or a published checkpoint, to start from; without it fresh
            weights are drawn.
        categories: Names the model shall know, in the order of its labels; None trains a
            class-agnostic model, whose one category is "object".
        renamed: Pairs of a name in `categories` and the one that `initial` has for it.
        epochs: Passes over the training images.
        max_steps: Ends the run, and its learning rate schedule, after this many steps.
        batch_size: Images a step.
        micro_batch: Images whose gradients are computed at once, to save memory; the step follows
            the mean over the whole batch all the same. None: all of them.
        image_size: Long side of training images in pixels, before `scale_jitter`.
        scale_jitter: Range that a batch's factor on `image_size` is drawn from.
        crop: Share of the views that show a random part of the image.
        copy_paste: Share of the views that get objects of another training image.
        optimizer: "sgd" or "adamw".
        learning_rate: Highest rate, reached after `warmup_steps`; falls to 0 as a cosine.
        backbone_rate_factor: The backbone's share of the learning rate.
        momentum: Of SGD; the first beta of AdamW.
        weight_decay: On weights with two or more dimensions (not on biases and norms).
        warmup_steps: Steps of linear rise from 0.
        clip_norm: Largest norm of the whole gradient.
        ema_decay: Decay of a moving average of the weights, which is then what is validated
            and kept; None keeps the weights themselves.
        stages: What learns: "all", "heads" (FPN, RPN and RoI heads), "roi_heads", or the heads and
            the backbone from a feature on: "3+", "4+" or "5+".
        frozen_modules: Names of further modules that stay as they are, e.g. "backbone.stem".
        seed: Of the order, the augmentation and the sampling in the losses.
        device: "auto", "cpu" or "cuda".
        precision: "fp32", "bf16", or "auto": bf16 on GPUs. It is not measured, because a run that
            is resumed must go on as it began.
        loaders: Processes that prepare batches; 1: a thread beside the one that trains. A GPU needs
            several to be kept busy.
        checkpoint_seconds: Longest time between two checkpoints.
        validate_every: Epochs between two validations; the last epoch is always validated.
        feature_cache: Folder that keeps what the RoI heads learn from, where `stages` is
            "roi_heads": a step then costs the heads alone. None keeps nothing.
        cached_views: Views of each image that are kept; epoch after epoch shows the next one.
        patience: Validations in a row without a better mask AP after which the run ends; None goes
            on to the last epoch.
        class_agnostic_metrics: Validate without regard to categories.
    """

    train_json: Path
    train_images: Path
    output: Path
    val_json: Path | None = None
    val_images: Path | None = None
    initial: Path | None = None
    categories: tuple[str, ...] | None = None
    renamed: tuple[tuple[str, str], ...] = ()
    epochs: int = 10
    max_steps: int | None = None
    batch_size: int = 2
    micro_batch: int | None = None
    image_size: int = 640
    scale_jitter: tuple[float, float] = (0.6, 1.2)
    crop: float = 0.0
    copy_paste: float = 0.0
    optimizer: str = "sgd"
    learning_rate: float = 0.005
    backbone_rate_factor: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup_steps: int = 50
    clip_norm: float = 10.0
    ema_decay: float | None = None
    stages: str = "all"
    frozen_modules: tuple[str, ...] = ()
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    loaders: int = 1
    checkpoint_seconds: float = 180.0
    validate_every: int = 1
    feature_cache: Path | None = None
    cached_views: int = 8
    patience: int | None = None
    class_agnostic_metrics: bool = False

    def __post_init__(self) -> None:
        _require(self.stages in STAGES, "stages", f"one of {STAGES}", self.stages)
        _require(self.optimizer in OPTIMIZERS, "optimizer", f"one of {OPTIMIZERS}", self.optimizer)
        _require(self.precision in PRECISIONS, "precision", f"one of {PRECISIONS}", self.precision)
        for name in ("crop", "copy_paste"):
            _require(0 <= getattr(self, name) <= 1, name, "0..1", getattr(self, name))
        for name in ("micro_batch", "patience"):
            _require(getattr(self, name) != 0, name, "more than 0", getattr(self, name))
        for name in (
            "epochs",
            "batch_size",
            "cached_views",
            "image_size",
            "learning_rate",
            "loaders",
            "validate_every",
        ):
            _require(getattr(self, name) > 0, name, "more than 0", getattr(self, name))
        low, high = self.scale_jitter
        _require(0 < low <= high, "scale_jitter", "0 < low <= high", self.scale_jitter)
        _require(
            (self.val_json is None) == (self.val_images is None),
            "val_json and val_images",
            "both or neither",
            (self.val_json, self.val_images),
        )

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON values; paths become text."""
        values = dataclasses.asdict(self)
        return {
            name: str(value) if isinstance(value, Path) else value for name, value in values.items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """Read settings back.

        Raises:
            ValueError: A setting is unknown, missing, or outside its range.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(values.keys() - known):
            raise ValueError(f"unknown training settings: {', '.join(unknown)}")
        if missing := sorted({"train_json", "train_images", "output"} - values.keys()):
            raise ValueError(f"missing training settings: {', '.join(missing)}")
        read = {name: _read_value(name, value) for name, value in values.items()}
        try:
            return cls(**read)
        except TypeError as error:  # a text where a number belongs
            raise ValueError(f"a training setting is of the wrong type: {error}") from error

    @classmethod
    def load(cls, path: Path) -> "TrainConfig":
        """Read a JSON file of settings.

        Raises:
            ValueError: The file holds no JSON object, or wrong settings.
        """
        values = json.loads(path.read_text(encoding="utf-8"))
        _require(isinstance(values, dict), path.name, "a JSON object", values)
        return cls.from_dict(values)


def _require(holds: bool, name: str, expected: str, value: object) -> None:
    if not holds:
        raise ValueError(f"{name}: expected {expected}, got {value!r}")


def _read_value(name: str, value: Any) -> Any:
    if name in _PATHS and value is not None:
        return Path(value)
    if isinstance(value, list):
        return tuple(tuple(it) if isinstance(it, list) else it for it in value)
    return value
