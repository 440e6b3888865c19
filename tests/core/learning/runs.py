"""Runs of the tests, cut short or not, and what comes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from core.learning.config import TrainConfig
from core.learning.progress import FitResult, Progress, Stop
from core.learning.train import fit
from core.model.checkpoint import load_model


def reports_of(config: TrainConfig, **options: Any) -> tuple[FitResult, list[Progress]]:
    reports: list[Progress] = []
    return fit(config, on_progress=reports.append, **options), reports


def stop_after(steps: int, answer: Stop) -> tuple[Callable[[Progress], None], Callable[[], Stop]]:
    """A callback pair that gives an answer once so many steps are done."""
    done = 0

    def count(progress: Progress) -> None:
        nonlocal done
        done = progress.step

    return count, lambda: answer if done >= steps else Stop.NO


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_model(folder)[0].state_dict())


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, b[name]) for name, value in a.items())
