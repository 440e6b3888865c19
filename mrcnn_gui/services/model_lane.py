"""What runs on the lanes of the model and of batches: the predictor and the jobs that use it."""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mrcnn_gui.project.model_versions import ModelVersion
from mrcnn_gui.services.jobs import LANES_YIELD, Job
from mrcnn_gui.workflows import models
from mrcnn_gui.workflows.models import AUTOMATIC, Compute
from mrcnn_gui.workflows.progress import ShouldStop

if TYPE_CHECKING:
    from core.predictor import Predictor
    from mrcnn_gui.workflows.presegment import Presegmented


Load = Callable[[Path, Compute], "Predictor"]
"""Called with a version's folder and what to compute with."""


def limit_threads() -> None:
    """Leave one core to the window: torch's number of threads is that of the whole process."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(max(1, (cores or 2) - 1))


def load_predictor(folder: Path, compute: Compute) -> "Predictor":
    """Import torch, if this is the first time, and load a version's weights.

    Raises:
        ProjectError: The weights are missing or damaged, or there is no such device.
    """
    limit_threads()
    return models.load_predictor(folder, compute)


class LoadedModel:
    """The predictor in memory, for the lanes of the model and of batches.

    Attributes:
        compute: The device and the precision to compute with from the next use on; the GUI thread
            sets it and waits for nobody who is loading.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._loaded: tuple[Path, Compute] | None = None
        self._predictor: Predictor | None = None
        self._lock = threading.Lock()
        self.compute = AUTOMATIC

    def use(self, version: ModelVersion) -> "Predictor":
        """The predictor of a version; loaded when another one, or none, is in memory."""
        with self._lock:
            wanted = version.folder, self.compute
            if self._predictor is None or self._loaded != wanted:
                self._predictor = self._loaded = None  # two models at once would double the memory
                self._predictor = self._load(*wanted)
                self._loaded = wanted
            return self._predictor


@dataclass(frozen=True)
class Computing:
    """How a model computes.

    Attributes:
        where: Device and precision.
        why: The reason for both, for people.
    """

    where: str
    why: str

    @classmethod
    def of(cls, predictor: "Predictor") -> "Computing":
        """How a predictor does it."""
        return cls(f"{predictor.device}, {predictor.precision}", predictor.reason)


@dataclass(frozen=True)
class Segmented:
    """What a model made of one image, and how it computed."""

    result: "Presegmented"
    computing: Computing


def load_model(model: LoadedModel, version: ModelVersion, *, job: Job) -> Computing | None:
    """Have a version in memory; a job. Returns how it computes, None when it was cancelled."""
    return None if job.should_stop() else Computing.of(model.use(version))


def segment_image(
    model: LoadedModel,
    version: ModelVersion,
    folder: Path,
    image_id: int,
    cut: ShouldStop | None,
    *,
    job: Job,
) -> Segmented | None:
    """Make and store the suggestions for one image of a project; a job.

    With `cut` a large image is looked at in tiles until `cut` says yes: then None comes back.
    """
    predictor = model.use(version)
    from mrcnn_gui.workflows.presegment import presegment_image

    result = presegment_image(
        folder,
        image_id,
        predictor,
        version.id,
        tiles=cut is not None,
        should_stop=partial(_should_stop, job, cut),
    )
    return None if result is None else Segmented(result, Computing.of(predictor))


def segment_images(
    model: LoadedModel,
    version: ModelVersion,
    folder: Path,
    image_ids: Iterable[int],
    cut: ShouldStop | None,
    *,
    job: Job,
) -> None:
    """Do the same for many images, several at once; a job that reports each as `Segmented`."""
    predictor = model.use(version)
    from mrcnn_gui.workflows.presegment import presegment_each

    computing = Computing.of(predictor)
    results = presegment_each(
        folder,
        image_ids,
        predictor,
        version.id,
        tiles=cut is not None,
        should_stop=partial(_should_stop, job, cut),
        spare_cores=0 if LANES_YIELD else 1,
    )
    for result in results:
        job.report(Segmented(result, computing))


def _should_stop(job: Job, cut: ShouldStop | None) -> bool:
    return job.should_stop() or (cut is not None and cut())
