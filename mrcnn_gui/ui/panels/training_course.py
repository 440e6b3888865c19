"""What a run has told so far, as points to draw."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_SMOOTHING = 0.9  # share of the past in the smoothed loss
MOST_POINTS = 400  # of one curve; more than a panel has pixels cost time alone

Points = list[tuple[int, float]]


class Progress(Protocol):
    """What a run reports; `core.learning` has the dataclass and says what each means."""

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
    per_category: dict[str, float] | None
    memory_bytes: int


class TrainingCourse:
    """Points by what they tell; each is (step, value), by rising steps.

    Attributes:
        losses: The sum of the losses of each step.
        smoothed: The same, each a moving average of all before.
        parts: Single losses by name, smoothed.
        scores: Validation mask AP.
        scores50: Validation mask AP at IoU .50.
        per_category: Mask AP of the last validation by category.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.losses: Points = []
        self.smoothed: Points = []
        self.parts: dict[str, Points] = {}
        self.scores: Points = []
        self.scores50: Points = []
        self.per_category: dict[str, float] = {}

    @property
    def best_score(self) -> float | None:
        """The highest validation mask AP so far."""
        return max((score for _, score in self.scores), default=None)

    def add(self, progress: Progress) -> None:
        """Take a report; where the run begins at an earlier step, forget what came after it."""
        if progress.phase == "prepare":
            self._go_back(progress.step)
        if progress.phase == "train" and "total" in progress.losses:
            self.losses.append((progress.step, progress.losses["total"]))
            _smooth(self.smoothed, progress.step, progress.losses["total"])
            for name, loss in progress.losses.items():
                if name != "total":
                    _smooth(self.parts.setdefault(name, []), progress.step, loss)
        metrics = progress.metrics or {}
        if progress.phase == "validate" and "mask_ap" in metrics:
            self.scores.append((progress.step, metrics["mask_ap"]))
            if "mask_ap50" in metrics:
                self.scores50.append((progress.step, metrics["mask_ap50"]))
            self.per_category = dict(progress.per_category or {})

    def _go_back(self, step: int) -> None:
        curves = (self.losses, self.smoothed, *self.parts.values(), self.scores, self.scores50)
        for points in curves:
            while points and points[-1][0] > step:
                points.pop()


def thinned(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Steps and values to draw: means of neighbours where there are too many points."""
    values = np.array(points, float).reshape(-1, 2)
    each = -(-len(values) // MOST_POINTS) or 1
    if each > 1:
        starts = np.arange(0, len(values), each)
        counts = np.diff([*starts, len(values)])
        values = np.add.reduceat(values, starts) / counts[:, None]
    return values[:, 0], values[:, 1]


def _smooth(points: Points, step: int, value: float) -> None:
    if points:
        # The weight of the past grows from nothing: the first values are plain means.
        share = min(_SMOOTHING, len(points) / (len(points) + 1))
        value = share * points[-1][1] + (1 - share) * value
    points.append((step, value))
