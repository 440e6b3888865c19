"""The rows of the project's training runs, kept by the GUI thread."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mrcnn_gui.project.run_table import RunRecord, RunState
from mrcnn_gui.services.failures import Telling
from mrcnn_gui.services.session import Session
from mrcnn_gui.workflows.finetune_options import FinetuneOptions, RunOrder
from mrcnn_gui.workflows.run_folder import ProjectRun, new_run_id

if TYPE_CHECKING:
    from mrcnn_gui.workflows.finetune import FinetuneResult


@dataclass(frozen=True)
class UnfinishedRun:
    """A run that was paused or interrupted.

    Attributes:
        record: Its row; where it failed, that says why.
        was_paused: Whether a person paused it, or it failed; else the program ended, or the project
            was closed.
        epoch: The pass over the images that it is in; 0 before the first.
        epochs: Of the whole run; 0 where it was not known yet.
        best_mask_ap: The best validation so far; None without any.
        can_be_kept: Whether it has learned anything.
    """

    record: RunRecord
    was_paused: bool
    epoch: int
    epochs: int
    best_mask_ap: float | None
    can_be_kept: bool


class TrainingRuns:
    """Notes in the project what becomes of its runs, so that none is lost with the program."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._current: RunRecord | None = None
        self._known = False
        self._unfinished: UnfinishedRun | None = None

    def begin(self, parent: str, options: FinetuneOptions) -> RunOrder | None:
        """Note a new run; None when that failed."""
        folder = self._session.folder
        if folder is None:
            return None
        run = RunRecord(new_run_id(folder), parent, RunState.RUNNING, options.to_dict())
        return self._note(run)

    def go_on(self) -> RunOrder | None:
        """Note that the unfinished run goes on; None when that failed, or there is none."""
        unfinished = self.unfinished()
        if unfinished is None:
            return None
        return self._note(replace(unfinished.record, state=RunState.RUNNING, reason=""))

    def end(self, result: "FinetuneResult") -> None:
        """Note what the run came to."""
        from mrcnn_gui.workflows.run_rows import end_state

        self._end(end_state(result), result.snapshot_hash, result.reason)

    def fail(self, reason: str) -> None:
        """Note that it failed; where it has learned something, it can be gone on with."""
        from mrcnn_gui.workflows.run_rows import failure_state

        if self._current is not None:
            run = ProjectRun(self._session.store.folder, self._current.id)
            self._end(failure_state(run), "", reason)

    def discard(self) -> ProjectRun | None:
        """Forget the unfinished run: whose files are to be removed now; None when that failed."""
        unfinished = self.unfinished()
        if unfinished is None:
            return None
        self._known = False
        with Telling(self._session.report_failure, "The run cannot be discarded"):
            self._session.expect_writing()
            store = self._session.store
            store.runs.end(unfinished.record.id, RunState.CANCELLED)
            return ProjectRun(store.folder, unfinished.record.id)
        return None

    def unfinished(self) -> UnfinishedRun | None:
        """The run that waits for a decision; read once after each change."""
        if self._session.folder is None or self._session.read_only_reason:
            return None
        if not self._known:
            self._unfinished = self._read()
            self._known = True
        return self._unfinished

    def forget(self) -> None:
        """Another project may be opened."""
        self._current, self._known = None, False

    def _note(self, run: RunRecord) -> RunOrder | None:
        with Telling(self._session.report_failure, "The training cannot start"):
            self._session.expect_writing()
            self._session.store.runs.begin(run)
            self._current, self._known = run, False
            return RunOrder(run.id, FinetuneOptions(**run.options))
        return None

    def _end(self, state: RunState, snapshot_hash: str, reason: str) -> None:
        run, self._current, self._known = self._current, None, False
        if run is None:
            return
        with Telling(self._session.report_failure, "The end of the training was not noted"):
            self._session.store.runs.end(run.id, state, snapshot_hash, reason)

    def _read(self) -> UnfinishedRun | None:
        from mrcnn_gui.workflows.run_rows import unfinished_run

        store = self._session.store
        record = unfinished_run(store)
        if record is None:
            return None
        run = ProjectRun(store.folder, record.id)
        course = run.course()
        last = course[-1] if course else None
        scores = [it.metrics["mask_ap"] for it in course if it.metrics and "mask_ap" in it.metrics]
        return UnfinishedRun(
            record,
            record.state is RunState.PAUSED,
            last.epoch if last is not None and last.step else 0,
            last.epochs if last is not None else 0,
            max(scores, default=None),
            run.has_learned,
        )
