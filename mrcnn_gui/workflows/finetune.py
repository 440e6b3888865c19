"""Training a new model version on the done images, and telling whether it is better."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.files import write_atomically
from core.learning.progress import Progress, Stop
from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.image_query import ImageQuery
from mrcnn_gui.project.model_versions import CARD_FILE, STARTER_VERSION
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.models import (
    ACTIVE_MODEL,
    load_predictor,
    project_models,
    resolve_model,
)
from mrcnn_gui.workflows.snapshot import Snapshot, freeze_snapshot
from mrcnn_gui.workflows.verdict import FinetuneResult, Verdict, card_of, judge

if TYPE_CHECKING:
    from core.learning.config import TrainConfig
    from core.learning.evaluate import Metrics
    from core.predictor import Predictor

__all__ = [
    "FinetuneOptions",
    "FinetuneResult",
    "Verdict",
    "finetune",
    "finetune_project",
    "missing_for_finetune",
]

RUNS_FOLDER = "runs"
OUTPUT_FOLDER = "fit"
BATCH_SIZE = 2
MIN_DONE_IMAGES = 2


@dataclass(frozen=True)
class FinetuneOptions:
    """What a person may choose.

    Attributes:
        epochs: Passes over the training images; None: more of them the fewer images there are.
        seed: Of everything that is drawn.
        device: "auto", "cpu" or "cuda".
    """

    epochs: int | None = None
    seed: int = 0
    device: str = "auto"


def missing_for_finetune(store: Store) -> str:
    """What has to be done before a fine-tune can start; "" when it can."""
    done = store.find_images(ImageQuery(status=ReviewStatus.DONE))
    if len(done) < MIN_DONE_IMAGES:
        more = MIN_DONE_IMAGES - len(done)
        return f"Mark {more} more image{'s' * (more > 1)} as done to fine-tune."
    kept = ImageQuery(status=ReviewStatus.DONE, side=Side.VALIDATION)
    train = set(done).difference(store.find_images(kept))
    if not train:
        return "All done images are kept for validation: mark one more as done to fine-tune."
    if not any(map(store.has_instances, train)):
        return "The done images to train on hold no instance: annotate one to fine-tune."
    return ""


def finetune(
    folder: Path,
    options: FinetuneOptions | None = None,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], Stop] = lambda: Stop.NO,
) -> FinetuneResult:
    """Train from the active version on a snapshot of the done images.

    The candidate is published as the next version whatever its metrics; who calls this writes the
    `active_model` setting. A run that is cancelled or fails leaves nothing behind.

    Args:
        folder: Project folder.
        options: What a person chose.
        on_progress: Called from this thread after each step and each validation.
        should_stop: KEEP_BEST ends the training and keeps the best model so far; CANCEL ends all.

    Raises:
        ProjectError: Something is missing (`missing_for_finetune`), or the parent cannot be used.
        TrainingError, CocoError, ImageReadError, OSError: The run cannot go on.
    """
    with Store.open(folder, read_only=True) as store:
        if missing := missing_for_finetune(store):
            raise ProjectError(missing)
    parent, parent_folder = resolve_model(folder, None)
    run_folder = _new_run_folder(folder)
    run = _Run(folder, run_folder, parent, options or FinetuneOptions(), should_stop)
    try:
        result = run.go(parent_folder, on_progress)
    except BaseException:
        shutil.rmtree(run_folder, ignore_errors=True)
        raise
    # The snapshot stays beside a published version; checkpoints and half a model do not.
    shutil.rmtree(run_folder if result.version is None else run.output, ignore_errors=True)
    return result


def finetune_project(
    folder: Path,
    options: FinetuneOptions,
    *,
    activate: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[FinetuneResult, str]:
    """Fine-tune as the project's writer, and put a promoted version into use.

    Args:
        folder: Project folder.
        options: What a person chose.
        activate: Put the new version into use whatever the verdict is.
        on_progress: Called after each step and each validation.

    Returns:
        The result, and the id of the version in use now.

    Raises:
        ProjectError: A window has the project open, or as `finetune`.
        TrainingError, CocoError, ImageReadError, OSError: As `finetune`.
    """
    with Store.open(folder) as store:
        result = finetune(folder, options, on_progress=on_progress)
        if result.version and (activate or result.verdict is Verdict.PROMOTED):
            store.set_setting(ACTIVE_MODEL, result.version)
        return result, store.setting(ACTIVE_MODEL, STARTER_VERSION)


@dataclass(frozen=True)
class _Run:
    """One fine-tune in its own folder."""

    folder: Path
    run_folder: Path
    parent: str
    options: FinetuneOptions
    should_stop: Callable[[], Stop]

    @property
    def output(self) -> Path:
        return self.run_folder / OUTPUT_FOLDER

    def go(self, parent_folder: Path, on_progress: Callable[[Progress], None]) -> FinetuneResult:
        from core.learning.train import fit

        snapshot = freeze_snapshot(self.folder, self.run_folder, should_stop=self._is_cancelled)
        if self._is_cancelled():
            return self._nothing()
        if not snapshot.train_images:
            raise ProjectError("no image to train on can be read: " + "; ".join(snapshot.problems))
        predictor = load_predictor(parent_folder, self.options.device)
        class_agnostic = set(predictor.categories) != set(snapshot.categories)
        image_size = predictor.config.image_size
        parent_metrics = self._measure(predictor, snapshot, class_agnostic)
        del predictor  # the training needs its memory
        if self._is_cancelled():
            return self._nothing()
        config = self._config(snapshot, parent_folder, image_size)
        fitted = fit(config, on_progress=on_progress, should_stop=self.should_stop)
        if fitted.model_folder is None:
            return self._nothing()
        candidate = load_predictor(fitted.model_folder, self.options.device)
        metrics = self._measure(candidate, snapshot, class_agnostic)
        if self._is_cancelled():
            return self._nothing()
        verdict, reason = judge(snapshot, metrics, parent_metrics)
        result = FinetuneResult(
            None, self.parent, metrics, parent_metrics, verdict, reason, snapshot.problems
        )
        return self._publish(fitted.model_folder, result)

    def _is_cancelled(self) -> bool:
        return self.should_stop() is Stop.CANCEL

    def _nothing(self) -> FinetuneResult:
        reason = "The run ended before there was anything to keep."
        return FinetuneResult(None, self.parent, None, None, Verdict.CANCELLED, reason)

    def _measure(
        self, predictor: "Predictor", snapshot: Snapshot, class_agnostic: bool
    ) -> "Metrics | None":
        """Metrics on the validation images, or None without any or when cancelled."""
        from core.learning.evaluate import evaluate, predict_results

        if not snapshot.val_images:
            return None
        results = predict_results(
            predictor,
            snapshot.val_json,
            self.folder,
            category_ids=dict.fromkeys(predictor.categories, 1) if class_agnostic else None,
            should_stop=self._is_cancelled,
        )
        if self._is_cancelled():
            return None  # the comparison cannot be interrupted
        return evaluate(snapshot.val_json, results, class_agnostic=class_agnostic)

    def _config(self, snapshot: Snapshot, parent_folder: Path, image_size: int) -> "TrainConfig":
        from core.learning.config import TrainConfig

        epochs = self.options.epochs or default_epochs(snapshot.train_images)
        steps = epochs * -(-snapshot.train_images // BATCH_SIZE)
        has_validation = snapshot.val_images > 0
        return TrainConfig(
            train_json=snapshot.train_json,
            train_images=self.folder,
            val_json=snapshot.val_json if has_validation else None,
            val_images=self.folder if has_validation else None,
            initial=parent_folder,
            output=self.output,
            categories=snapshot.categories,
            epochs=epochs,
            batch_size=BATCH_SIZE,
            image_size=image_size,
            warmup_steps=min(50, steps // 5),
            seed=self.options.seed,
            device=self.options.device,
        )

    def _publish(self, model_folder: Path, result: FinetuneResult) -> FinetuneResult:
        """Complete the card and give the candidate its name."""
        path = model_folder / CARD_FILE
        card = json.loads(path.read_text(encoding="utf-8")) | card_of(result, self.run_folder.name)
        write_atomically(path, json.dumps(card, indent=2, ensure_ascii=False) + "\n")
        version = project_models(self.folder).publish(model_folder)
        return replace(result, version=version.id)


def default_epochs(images: int) -> int:
    """Passes over the training images: 20 up to ten images, 10 from twenty on."""
    return max(10, min(20, 200 // images))


def _new_run_folder(folder: Path) -> Path:
    """`runs/r1`, `runs/r2`, …: one more than the last."""
    runs = folder / RUNS_FOLDER
    runs.mkdir(exist_ok=True)
    for killed in runs.glob(f"r*/{OUTPUT_FOLDER}"):  # one run at a time: nobody uses it any more
        shutil.rmtree(killed, ignore_errors=True)
    numbers = [int(path.name[1:]) for path in runs.glob("r*") if path.name[1:].isdigit()]
    run_folder = runs / f"r{max(numbers, default=0) + 1}"
    run_folder.mkdir()
    return run_folder
