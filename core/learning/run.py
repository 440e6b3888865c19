"""One run from its first step, or its last checkpoint, to the model that it keeps."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from core.learning.batches import Batch, BatchKey, epoch_batches, make_batch, prefetched
from core.learning.cached_views import CachedBatch, make_view_loader
from core.learning.config import TrainConfig
from core.learning.dataset import CocoDetectionDataset
from core.learning.learner import Learner
from core.learning.progress import FitResult, Progress, Stop, TrainingError
from core.learning.reporting import Reporter
from core.learning.run_folder import RunFolder
from core.learning.validation import validate
from core.model.checkpoint import with_categories
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import MaskRCNN
from core.model.pretrained import load_any

AnyBatch = Batch | CachedBatch

_NO_CHECKPOINT = "No newer checkpoint could be written: "
MIN_IMAGE_SIZE = 128  # pixels; a GPU that cannot hold one such image cannot train


class Run:
    """One call of `core.learning.train.fit`: its data, its learner, its files and its clock."""

    def __init__(
        self,
        config: TrainConfig,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], Stop],
    ) -> None:
        self._config, self._should_stop = config, should_stop
        self._data = CocoDetectionDataset(config.train_json, config.train_images, config.categories)
        if len(self._data) == 0:
            raise TrainingError(f"{config.train_json.name} names no images to train on")
        self._epoch_steps = math.ceil(len(self._data) / config.batch_size)
        steps = config.epochs * self._epoch_steps
        self._steps = min(steps, config.max_steps or steps)
        self._device = _device(config.device)
        self._learner = Learner(_initial(config), config, self._steps, self._device)
        self._views = make_view_loader(self._learner.model, self._data, config)
        self._folder = RunFolder(config.output, config)
        self._image_size = config.image_size
        self._best: dict[str, float] | None = None
        self._without_gain = 0  # validations in a row
        self._reporter = Reporter(on_progress, config, self._steps, self._epoch_steps)
        self._unvalidated = False  # whether an epoch is done whose validation is not
        self._saved = time.monotonic()
        self._resume()

    def go(self) -> Stop:
        """Train to the end, or until told to stop."""
        self._reporter.report("prepare", self._learner)
        stop = Stop.NO
        with prefetched(
            self._make, self._keys(self._learner.step), self._config.loaders
        ) as batches:
            while stop is Stop.NO and self._goes_on():
                if not self._unvalidated:
                    stop = self._train_epoch(batches)
                    self._unvalidated = stop is Stop.NO and self._validates()
                if self._unvalidated:
                    stop = self._validate()
                if stop is Stop.NO:
                    self._save_if_possible()
        return stop

    def _train_epoch(self, batches: Iterator[AnyBatch]) -> Stop:
        """Do the steps of the current epoch that are not done yet."""
        epoch = self._learner.step // self._epoch_steps
        last = min(self._steps, (epoch + 1) * self._epoch_steps)
        while self._learner.step < last:
            began = time.monotonic()
            batch = next(batches)
            if (stop := self._should_stop()) is not Stop.NO:
                return stop
            losses = self._learn(batch)
            self._reporter.time_step(time.monotonic() - began)
            self._reporter.report("train", self._learner, losses)
            if time.monotonic() - self._saved > self._config.checkpoint_seconds:
                self._unvalidated = self._learner.step == last and self._validates()
                self._save_if_possible()
        return Stop.NO

    def _goes_on(self) -> bool:
        if self._unvalidated:
            return True
        return self._learner.step < self._steps and not self._has_stalled()

    def _keys(self, step: int) -> Iterator[BatchKey]:
        """What the steps from `step` on learn from."""
        while step < self._steps:
            epoch, done = divmod(step, self._epoch_steps)
            order = epoch_batches(
                self._data.landscape, self._config.batch_size, (self._config.seed, epoch)
            )
            for indices in order[done : done + self._steps - step]:
                yield BatchKey(tuple(indices), step, self._image_size)
                step += 1

    def finish(self, stop: Stop, seconds: float) -> FitResult:
        """Keep the model, or leave nothing behind, or all that it takes to go on."""
        cancelled, suspended = stop is Stop.CANCEL, stop is Stop.SUSPEND
        has_model = not cancelled and not suspended and self._learner.step > 0
        if has_model and self._best is None:
            self._keep()
        if cancelled:
            self._folder.discard()
        elif suspended:
            self._save()
        else:
            self._folder.finish()
        self._reporter.report("done", self._learner, metrics=self._best)
        return FitResult(
            model_folder=self._folder.model if has_model else None,
            best_metrics=self._best,
            epochs_done=self._learner.step // self._epoch_steps,
            seconds=seconds,
            skipped_steps=self._learner.skipped,
            cancelled=cancelled,
            notes=tuple(self._learner.notes),
            suspended=suspended,
        )

    @property
    def _make(self) -> Callable[[BatchKey], AnyBatch]:
        return self._views or partial(make_batch, self._data, self._config)

    def _learn(self, batch: AnyBatch) -> dict[str, float]:
        """Do one step; at a smaller image size from now on where the GPU cannot hold an image."""
        while True:
            if batch.key.image_size != self._image_size:
                batch = self._make(replace(batch.key, image_size=self._image_size))
            try:
                return self._step(batch)
            except torch.OutOfMemoryError as error:
                self._image_size //= 2
                if self._image_size < MIN_IMAGE_SIZE:
                    raise TrainingError(
                        "the GPU's memory cannot hold one small image: close other programs that "
                        "use the GPU, or train on the CPU"
                    ) from error
                self._learner.notes.append(
                    f"Step {self._learner.step + 1}: the GPU's memory was too small. Goes on with "
                    f"images of {self._image_size} pixels."
                )

    def _step(self, batch: AnyBatch) -> dict[str, float]:
        if isinstance(batch, Batch):
            return self._learner.learn(batch.images, batch.targets)
        assert self._views is not None
        return self._learner.learn_heads(self._views.complete(batch, self._learner.roi_inputs))

    def _validates(self) -> bool:
        if self._config.val_json is None:
            return False
        epoch = math.ceil(self._learner.step / self._epoch_steps)
        return self._learner.step == self._steps or epoch % self._config.validate_every == 0

    def _validate(self) -> Stop:
        """Measure the weights, and keep the model when none before was better."""
        self._reporter.report("validate", self._learner)
        began, stop = time.monotonic(), Stop.NO

        def ask() -> bool:
            nonlocal stop
            stop = self._should_stop()
            return stop is not Stop.NO

        weights = self._learner.weights()
        shown = validate(self._learner.model, weights, self._config, self._device, ask)
        if shown is None:
            return stop
        self._unvalidated = False
        self._reporter.time_validation(time.monotonic() - began)
        figures = _figures(shown.metrics.to_dict())
        is_better = self._best is None or figures["mask_ap"] > self._best["mask_ap"]
        self._without_gain = 0 if is_better else self._without_gain + 1
        if self._best is None or figures["mask_ap"] >= self._best["mask_ap"]:
            self._best = figures
            self._keep()
        per_category = shown.metrics.per_category
        self._reporter.report_validation(self._learner, figures, per_category, shown.previews)
        return Stop.NO

    def _has_stalled(self) -> bool:
        """Whether the run ends early; if so, it is said."""
        patience = self._config.patience
        if patience is None or self._without_gain < patience or self._learner.step == self._steps:
            return False
        self._learner.notes.append(
            f"Ended at step {self._learner.step} of {self._steps}: {self._without_gain} "
            "validations in a row brought no gain."
        )
        return True

    def _keep(self) -> None:
        """Write the weights of now as the kept model."""
        model = MaskRCNN(self._learner.model.config)
        model.load_state_dict(self._learner.weights())
        settings = {
            name: value
            for name, value in self._config.to_dict().items()
            if not isinstance(getattr(self._config, name), Path)
        }
        card = {
            "model": model.config.to_dict(),
            "training": settings,
            "seed": self._config.seed,
            "steps": self._learner.step,
            "skipped_steps": self._learner.skipped,
            "notes": self._learner.notes,
            "training_image_ids": self._data.image_ids,
            "metrics": self._best,
        }
        self._folder.keep(model, card)

    def _save(self) -> None:
        self._folder.save(
            {
                "learner": self._learner.state(),
                "best": self._best,
                "without_gain": self._without_gain,
                "image_size": self._image_size,
                "unvalidated": self._unvalidated,
            }
        )
        self._saved = time.monotonic()

    def _save_if_possible(self) -> None:
        """What learns goes on where the disk refuses: the checkpoint before is still there."""
        try:
            self._save()
        except OSError as error:
            self._saved = time.monotonic()
            if not any(note.startswith(_NO_CHECKPOINT) for note in self._learner.notes):
                self._learner.notes.append(f"{_NO_CHECKPOINT}{error}")

    def _resume(self) -> None:
        state = self._folder.load()
        if state is not None:
            self._learner.restore(state["learner"])
            self._best, self._image_size = state["best"], state["image_size"]
            self._without_gain = state.get("without_gain", 0)
            self._unvalidated = state.get("unvalidated", False)


def _initial(config: TrainConfig) -> MaskRCNN:
    """The model to start from, with the categories and the size of this run."""
    categories = config.categories or ("object",)
    if config.initial is None:
        settings = MaskRCNNConfig(categories=categories, image_size=config.image_size)
        return MaskRCNN(settings, seed=config.seed)
    model = with_categories(load_any(config.initial), categories, dict(config.renamed))
    # Inference takes images to the sizes that training has, or the model sees other scales there.
    model.config = replace(model.config, resizing="long_side", image_size=config.image_size)
    return model


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def _figures(metrics: dict[str, Any]) -> dict[str, float]:
    """The metrics that are one number each."""
    return {name: float(value) for name, value in metrics.items() if not isinstance(value, dict)}
