"""Training a new model version on the done images, and telling whether it is better."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.files import write_atomically
from core.learning.progress import Progress, Stop, TrainingError
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import CARD_FILE, STARTER_VERSION
from mrcnn_gui.project.run_table import RunRecord, RunState
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.cross_judging import CrossJudged, cross_judge, judging_instances
from mrcnn_gui.workflows.finetune_options import FinetuneOptions
from mrcnn_gui.workflows.known_names import IDS, category_ids, renamed_since
from mrcnn_gui.workflows.models import (
    ACTIVE_MODEL,
    load_judged,
    project_models,
    resolve_model,
)
from mrcnn_gui.workflows.recipe import Facts
from mrcnn_gui.workflows.replay import earlier_snapshots, replay_share
from mrcnn_gui.workflows.run_folder import (
    ProjectRun,
    discard_remains,
    logged,
    new_run_id,
)
from mrcnn_gui.workflows.run_rows import (
    discard_unfinished,
    end_state,
    expect_no_unfinished_run,
    note_failure,
    run_to_go_on_with,
)
from mrcnn_gui.workflows.snapshot import Snapshot, freeze_snapshot
from mrcnn_gui.workflows.training_plan import settle
from mrcnn_gui.workflows.verdict import (
    MIN_VALIDATION_INSTANCES,
    FinetuneResult,
    Verdict,
    card_of,
    judge,
)

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

MIN_DONE_IMAGES = 1

log = logging.getLogger(__name__)


def missing_for_finetune(store: Store) -> str:
    """What has to be done before a fine-tune can start; "" when it can."""
    done, any_learned, any_instance = store.runs.can_learn_from(MIN_DONE_IMAGES)
    if done < MIN_DONE_IMAGES:
        more = MIN_DONE_IMAGES - done
        return f"Mark {more} more image{'s' * (more > 1)} as done to fine-tune."
    if not any_learned:
        return (
            "All done images are kept for validation or test: mark one more as done to fine-tune."
        )
    if not any_instance:
        return "The done images to train on hold no instance: annotate one to fine-tune."
    return ""


def finetune(
    folder: Path,
    options: FinetuneOptions | None = None,
    *,
    run_id: str | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], Stop] = lambda: Stop.NO,
) -> FinetuneResult:
    """Train from the active version on a snapshot of the done images.

    The candidate is published as the next version whatever its metrics; who calls this writes the
    `active_model` setting. A run that is cancelled, or fails before its first checkpoint, leaves
    nothing behind; one that is suspended, fails later, or whose program ends, is gone on with when
    this is called with its id.

    Args:
        folder: Project folder.
        options: What a person chose.
        run_id: A run to go on with, with the options that it had; or what a new one is called.
            None: a new one, in the place of any that was interrupted.
        on_progress: Called from this thread after each step and each validation.
        should_stop: KEEP_BEST ends the training and keeps the best model so far; CANCEL ends all;
            SUSPEND ends the call, and leaves the run as it is.

    Raises:
        ProjectError: Something is missing (`missing_for_finetune`), or the parent cannot be used.
        TrainingError, CocoError, ImageReadError, OSError: The run cannot go on.
    """
    run = ProjectRun(folder, run_id or new_run_id(folder))
    if not run.is_resumable:
        _begin(folder, run)
    ours = _Run(folder, run, options or FinetuneOptions(), should_stop)
    try:
        result = ours.go(logged(run, on_progress))
    except BaseException:
        if not run.has_learned:
            run.discard()
        raise
    if result.version is not None:
        run.tidy()
    elif result.verdict is not Verdict.SUSPENDED:
        run.discard()
    return result


def _begin(folder: Path, run: ProjectRun) -> None:
    with Store.open(folder, read_only=True) as store:
        if missing := missing_for_finetune(store):
            raise ProjectError(missing)
    parent, _ = resolve_model(folder, None)
    discard_remains(folder)  # one run at a time: nobody uses them any more
    run.path.mkdir(parents=True, exist_ok=True)
    run.note(parent=parent)


def finetune_project(
    folder: Path,
    options: FinetuneOptions,
    *,
    activate: bool = False,
    resume: bool = False,
    discard: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], Stop] = lambda: Stop.NO,
) -> tuple[FinetuneResult, str]:
    """Fine-tune as the project's writer, and put a promoted version into use.

    Args:
        folder: Project folder.
        options: What a person chose.
        activate: Put the new version into use whatever the verdict is.
        resume: Go on with the run that was paused or interrupted, with its own options.
        discard: Discard that run, and begin a new one.
        on_progress: Called after each step and each validation.
        should_stop: As of `finetune`.

    Returns:
        The result, and the id of the version in use now.

    Raises:
        ProjectError: A window has the project open, no run is to be gone on with, one that is
            waits to be discarded, or as `finetune`.
        TrainingError, CocoError, ImageReadError, OSError: As `finetune`; a note says how a run
            that has learned something is gone on with.
    """
    with Store.open(folder) as store:
        if discard:
            discard_unfinished(store)
        run = run_to_go_on_with(store) if resume else _record(store, options)
        options = FinetuneOptions(**run.options)
        store.runs.begin(replace(run, state=RunState.RUNNING, reason=""))
        try:
            result = finetune(
                folder, options, run_id=run.id, on_progress=on_progress, should_stop=should_stop
            )
        except BaseException as error:
            note_failure(store, run.id, error)
            raise
        store.runs.end(run.id, end_state(result), result.snapshot_hash, result.reason)
        if result.version and (activate or result.verdict is Verdict.PROMOTED):
            store.set_setting(ACTIVE_MODEL, result.version)
        return result, store.setting(ACTIVE_MODEL, STARTER_VERSION)


def _record(store: Store, options: FinetuneOptions) -> RunRecord:
    expect_no_unfinished_run(store)
    parent = store.setting(ACTIVE_MODEL, STARTER_VERSION)
    run_id = new_run_id(store.folder)
    return RunRecord(run_id, parent, RunState.RUNNING, options.to_dict())


@dataclass(frozen=True)
class _Run:
    """One fine-tune in its own folder; what is noted there is not done twice."""

    folder: Path
    run: ProjectRun
    options: FinetuneOptions
    should_stop: Callable[[], Stop]

    @property
    def parent(self) -> str:
        return str(self.run.notes()["parent"])

    def go(self, on_progress: Callable[[Progress], None]) -> FinetuneResult:
        snapshot = self._snapshot()
        if self._is_left():
            return self._nothing()
        if not snapshot.train_images:
            reasons = "; ".join((*snapshot.problems, *snapshot.leaks))
            raise ProjectError(f"there is no image to train on: {reasons}")
        notes = self.run.notes()
        if "class_agnostic" not in notes:
            notes = self._look_at_parent(snapshot)
        if self._is_left():
            return self._nothing()
        if "fitted" not in notes:
            notes = self._fit(snapshot, notes, on_progress)
        if "fitted" not in notes:
            return self._nothing()
        return self._judge(snapshot, notes)

    def _snapshot(self) -> Snapshot:
        facts = self.run.notes().get("snapshot")
        if facts is not None:
            return Snapshot.in_folder(self.run.path, facts)
        snapshot = freeze_snapshot(self.folder, self.run.path, should_stop=self._is_left)
        if earlier := self._earlier():
            snapshot = replay_share(snapshot, earlier, self.options.seed)
        if not self._is_left():
            self.run.note(snapshot=snapshot.to_dict())
        return snapshot

    def _earlier(self) -> list[Path]:
        return earlier_snapshots(self.folder, self.parent)

    def _parent_card(self) -> dict[str, Any]:
        return project_models(self.folder).get(self.parent).card

    def _parent_predictor(self) -> "Predictor":
        _, folder = resolve_model(self.folder, self.parent)
        return load_judged(folder, self.options.device)

    def _look_at_parent(self, snapshot: Snapshot) -> dict[str, Any]:
        """Find with the parent what is on the validation images."""
        predictor, ids = self._parent_predictor(), category_ids(snapshot.train_json)
        known = {old: new for new, old in renamed_since(self._parent_card(), ids).items()}
        names = {name: known.get(name, name) for name in predictor.categories}
        class_agnostic = set(names.values()) != set(snapshot.categories)
        found = {old: ids[new] for old, new in names.items() if new in ids}
        results = self._find(predictor, snapshot, None if class_agnostic else found)
        if not self._is_left():
            write_atomically(self.run.parent_results, json.dumps(results))
            self.run.note(class_agnostic=class_agnostic)
        return self.run.notes()

    def _fit(
        self, snapshot: Snapshot, notes: dict[str, Any], on_progress: Callable[[Progress], None]
    ) -> dict[str, Any]:
        from core.learning.train import fit

        config = self._config(snapshot)
        fitted = fit(config, on_progress=on_progress, should_stop=self.should_stop)
        self.run.note(seconds=notes.get("seconds", 0.0) + fitted.seconds)
        if fitted.model_folder is not None:
            self.run.note(fitted=True, training_notes=list(fitted.notes))
        return self.run.notes()

    def _judge(self, snapshot: Snapshot, notes: dict[str, Any]) -> FinetuneResult:
        """Measure the candidate, compare it with its parent, and publish it."""
        model_folder = self.run.output / "model"
        candidate = load_judged(model_folder, self.options.device)
        agnostic: bool = notes["class_agnostic"]
        results = self._find(
            candidate, snapshot, None if agnostic else category_ids(snapshot.train_json)
        )
        crossed = None if self._is_left() else self._cross_judge(snapshot, class_agnostic=agnostic)
        if self._is_left():
            return self._nothing()
        stored = self.run.parent_results.read_text(encoding="utf-8")
        metrics = _measured(snapshot, results, class_agnostic=agnostic)
        parent_metrics = _measured(snapshot, json.loads(stored), class_agnostic=agnostic)
        if crossed is not None:
            metrics, parent_metrics = crossed.metrics, crossed.parent_metrics
        verdict, reason = judge(snapshot, metrics, parent_metrics, is_crossed=crossed is not None)
        result = FinetuneResult(
            None,
            self.parent,
            metrics,
            parent_metrics,
            verdict,
            " ".join(filter(None, (reason, snapshot.warning))),
            (*snapshot.problems, *snapshot.leaks),
            snapshot.hash,
            notes["seconds"] / 60,
            tuple(notes["training_notes"]),
        )
        return self._publish(model_folder, result, category_ids(snapshot.train_json))

    def _cross_judge(self, snapshot: Snapshot, *, class_agnostic: bool) -> CrossJudged | None:
        """The verdict of the images that were learned from, where too few others judge."""
        if snapshot.val_instances >= MIN_VALIDATION_INSTANCES or self._earlier():
            return None
        if judging_instances(snapshot.train_json) < MIN_VALIDATION_INSTANCES:
            return None
        try:
            return cross_judge(
                self._config(snapshot),
                self._parent_predictor(),
                class_agnostic=class_agnostic,
                should_stop=lambda: self.should_stop() if self._is_left() else Stop.NO,
            )
        except TrainingError as error:  # the run itself is complete
            log.warning("The images for training could not judge: %s", error)
            return None

    def _is_left(self) -> bool:
        return self.should_stop() in (Stop.CANCEL, Stop.SUSPEND)

    def _nothing(self) -> FinetuneResult:
        if self.should_stop() is Stop.SUSPEND:
            return FinetuneResult(None, self.parent, None, None, Verdict.SUSPENDED, "")
        reason = "The run ended before there was anything to keep."
        return FinetuneResult(None, self.parent, None, None, Verdict.CANCELLED, reason)

    def _find(
        self, predictor: "Predictor", snapshot: Snapshot, ids: dict[str, int] | None
    ) -> list[dict[str, Any]]:
        """What a model finds on the validation images; without `ids`, of whatever category."""
        from core.learning.evaluate import predict_results

        return predict_results(
            predictor,
            snapshot.val_json,
            self.folder,
            category_ids=dict.fromkeys(predictor.categories, 1) if ids is None else ids,
            should_stop=self._is_left,
        )

    def _config(self, snapshot: Snapshot) -> "TrainConfig":
        from core.learning.config import TrainConfig

        has_validation = snapshot.val_images > 0
        places = {
            "train_json": snapshot.train_json,
            "train_images": self.folder,
            "val_json": snapshot.val_json if has_validation else None,
            "val_images": self.folder if has_validation else None,
            "initial": resolve_model(self.folder, self.parent)[1],
            "output": self.run.output,
            "categories": snapshot.categories,
            "renamed": list(self._renamed(snapshot).items()),
        }
        return TrainConfig.from_dict(self._settings(snapshot) | places)

    def _renamed(self, snapshot: Snapshot) -> dict[str, str]:
        return renamed_since(self._parent_card(), category_ids(snapshot.train_json))

    def _settings(self, snapshot: Snapshot) -> dict[str, Any]:
        """Settled once: a run that goes on must do so as it began."""
        if "settings" not in self.run.notes():
            _, parent_folder = resolve_model(self.folder, self.parent)
            with Store.open(self.folder, read_only=True) as store:
                facts = replace(Facts.of(store), images=snapshot.train_images)
            settings, _ = settle(self.folder, parent_folder, facts, self.options)
            self.run.note(settings=settings)
        settings = self.run.notes()["settings"]
        return {**settings}

    def _publish(
        self, model_folder: Path, result: FinetuneResult, ids: dict[str, int]
    ) -> FinetuneResult:
        """Complete the card and give the candidate its name."""
        path = model_folder / CARD_FILE
        card = json.loads(path.read_text(encoding="utf-8")) | card_of(result, self.run.id)
        card[IDS] = ids
        write_atomically(path, json.dumps(card, indent=2, ensure_ascii=False) + "\n")
        version = project_models(self.folder).publish(model_folder)
        return replace(result, version=version.id)


def _measured(
    snapshot: Snapshot, results: list[dict[str, Any]], *, class_agnostic: bool
) -> "Metrics | None":
    """Metrics on the validation images; None without any. It cannot be interrupted."""
    from core.learning.evaluate import evaluate

    if not snapshot.val_images:
        return None
    return evaluate(snapshot.val_json, results, class_agnostic=class_agnostic)
