"""What a training run tells while it goes on, what it is told, and what it leaves."""

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from core.masks import Mask


class Stop(Enum):
    """The answer to "shall I stop?"."""

    NO = auto()
    KEEP_BEST = auto()  # end now and keep the best model so far
    CANCEL = auto()  # end now and leave nothing behind
    SUSPEND = auto()  # end now with a checkpoint: the same call goes on from there


@dataclass(frozen=True)
class PreviewInstance:
    """One thing that the model finds on a previewed image."""

    category: str
    score: float
    mask: Mask


@dataclass(frozen=True)
class Preview:
    """What the model finds on a validation image now; `size` is the image's (width, height)."""

    path: Path
    size: tuple[int, int]
    instances: tuple[PreviewInstance, ...]


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        phase: "prepare", "train", "validate" or "done".
        epoch: The current pass over the images, from 1.
        epochs: Passes of the whole run.
        step: Optimiser steps done, skipped ones included.
        steps: Steps of the whole run.
        losses: The last step's losses by name, and their sum as "total".
        learning_rate: Rate of the last step.
        metrics: Validation metrics, in the report that follows a validation.
        images_per_second: Training speed of late.
        seconds_left: Estimated time to the end, validations included; None when not known yet.
        skipped_steps: Steps whose loss or gradient was not finite.
        notes: What the run has done by itself, for people: went back, took less memory, ended.
        per_category: Validation mask AP by category, beside `metrics`.
        previews: Validation images with what is found on them, beside `metrics`.
        memory_bytes: Memory that the program holds; on a GPU that of the training there.
    """

    phase: str
    epoch: int
    epochs: int
    step: int
    steps: int
    losses: dict[str, float]
    learning_rate: float
    metrics: dict[str, float] | None
    images_per_second: float
    seconds_left: float | None
    skipped_steps: int
    notes: tuple[str, ...] = ()
    per_category: dict[str, float] | None = None
    previews: tuple[Preview, ...] = ()
    memory_bytes: int = 0


@dataclass(frozen=True)
class FitResult:
    """What a run came to.

    Attributes:
        model_folder: The kept model; None when cancelled, suspended, or stopped before the first
            step.
        best_metrics: Validation metrics of that model; None without a validation.
        epochs_done: Whole epochs done.
        seconds: Wall time of this call.
        skipped_steps: Steps whose loss or gradient was not finite.
        cancelled: Whether it was cancelled.
        notes: As in `Progress`.
        suspended: Whether it waits in its folder to be gone on with.
    """

    model_folder: Path | None
    best_metrics: dict[str, float] | None
    epochs_done: int
    seconds: float
    skipped_steps: int
    cancelled: bool
    notes: tuple[str, ...] = ()
    suspended: bool = False


class TrainingError(Exception):
    """A run cannot go on; the message says why and what to do."""
