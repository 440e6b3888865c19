"""What runs on the model lane: the predictor and the jobs that use it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mrcnn_gui.project.model_versions import ModelVersion
from mrcnn_gui.services.jobs import Job
from mrcnn_gui.workflows import models

if TYPE_CHECKING:
    from core.predictor import Predictor
    from mrcnn_gui.workflows.presegment import Presegmented


def limit_threads() -> None:
    """Leave one core to the window: torch's number of threads is that of the whole process."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(max(1, (cores or 2) - 1))


def load_predictor(folder: Path) -> "Predictor":
    """Import torch, if this is the first time, and load a version's weights.

    Raises:
        ProjectError: The weights are missing or damaged.
    """
    limit_threads()
    return models.load_predictor(folder)


class LoadedModel:
    """The predictor in memory: only the model lane touches it, so it needs no lock."""

    def __init__(self, load: Callable[[Path], "Predictor"]) -> None:
        self._load = load
        self._folder: Path | None = None
        self._predictor: Predictor | None = None

    def use(self, version: ModelVersion) -> "Predictor":
        """The predictor of a version; loaded when another one, or none, is in memory."""
        if self._predictor is None or self._folder != version.folder:
            self._predictor = self._folder = None  # two models at once would double the memory
            self._predictor = self._load(version.folder)
            self._folder = version.folder
        return self._predictor


@dataclass(frozen=True)
class Segmented:
    """What a model made of one image, and the device it ran on."""

    result: "Presegmented"
    device: str


def load_model(model: LoadedModel, version: ModelVersion, *, job: Job) -> str:
    """Have a version in memory; a job. Returns its device."""
    return "" if job.should_stop() else model.use(version).device


def segment_image(
    model: LoadedModel, version: ModelVersion, folder: Path, image_id: int, *, job: Job
) -> Segmented:
    """Make and store the suggestions for one image of a project; a job."""
    predictor = model.use(version)
    from mrcnn_gui.workflows.presegment import presegment_image

    return Segmented(presegment_image(folder, image_id, predictor, version.id), predictor.device)
