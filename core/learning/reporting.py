"""Progress reports of a run, with its speed and the time that is left."""

import math
from collections.abc import Callable
from dataclasses import replace

from core.learning.config import TrainConfig
from core.learning.learner import Learner
from core.learning.memory import memory_in_use
from core.learning.progress import Preview, Progress

_WEIGHT = 0.1  # of the latest step in the smoothed time of a step


class Reporter:
    """Tells a callback how a run goes, and keeps its clock."""

    def __init__(
        self, on_progress: Callable[[Progress], None], config: TrainConfig, steps: int, epoch: int
    ) -> None:
        """Start without a known speed.

        Args:
            on_progress: Called with every report.
            config: Of the run.
            steps: Steps of the whole run.
            epoch: Steps of an epoch.
        """
        self._on_progress, self._config = on_progress, config
        self._steps, self._epoch_steps = steps, epoch
        self._step_seconds = 0.0
        self._validation_seconds = 0.0

    def time_step(self, seconds: float) -> None:
        """Take note of how long a step took, its wait for the batch included."""
        before = self._step_seconds
        self._step_seconds = before + _WEIGHT * (seconds - before) if before else seconds

    def time_validation(self, seconds: float) -> None:
        """Take note of how long a validation took."""
        self._validation_seconds = seconds

    def report(
        self,
        phase: str,
        learner: Learner,
        losses: dict[str, float] | None = None,
        metrics: dict[str, float] | None = None,
    ) -> None:
        """Tell where the run stands."""
        self._on_progress(self._standing(phase, learner, losses, metrics))

    def report_validation(
        self,
        learner: Learner,
        metrics: dict[str, float],
        per_category: dict[str, float],
        previews: tuple[Preview, ...],
    ) -> None:
        """Tell what a validation has shown."""
        standing = self._standing("validate", learner, None, metrics)
        self._on_progress(replace(standing, per_category=per_category, previews=previews))

    def _standing(
        self,
        phase: str,
        learner: Learner,
        losses: dict[str, float] | None,
        metrics: dict[str, float] | None,
    ) -> Progress:
        pace = self._step_seconds
        return Progress(
            phase=phase,
            epoch=max(1, math.ceil(learner.step / self._epoch_steps)),
            epochs=math.ceil(self._steps / self._epoch_steps),
            step=learner.step,
            steps=self._steps,
            losses=losses or {},
            learning_rate=learner.rate,
            metrics=metrics,
            images_per_second=self._config.batch_size / pace if pace else 0.0,
            seconds_left=self._seconds_left(self._steps - learner.step),
            skipped_steps=learner.skipped,
            memory_bytes=memory_in_use(learner.device),
            notes=tuple(learner.notes),
        )

    def _seconds_left(self, steps: int) -> float | None:
        if not self._step_seconds:
            return None
        validations = math.ceil(steps / (self._epoch_steps * self._config.validate_every))
        return steps * self._step_seconds + validations * self._validation_seconds
