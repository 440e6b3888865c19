"""What a project notes of its training runs, and which of them can be gone on with."""

from contextlib import suppress

from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.run_table import RunRecord, RunState
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.models import project_models
from mrcnn_gui.workflows.run_folder import ProjectRun, is_published
from mrcnn_gui.workflows.verdict import FinetuneResult, Verdict

GOING_ON = (
    "`mrcnn-gui finetune PROJECT --resume` goes on with the training; with --discard a new one "
    "takes its place."
)


def unfinished_run(store: Store) -> RunRecord | None:
    """The newest run that was paused or interrupted and can be gone on with."""
    versions = project_models(store.folder).list()
    for record in store.runs.unfinished():
        resumable = ProjectRun(store.folder, record.id).is_resumable
        if resumable and not is_published(record.id, versions):
            return record
    return None


def run_to_go_on_with(store: Store) -> RunRecord:
    """The unfinished run.

    Raises:
        ProjectError: There is none.
    """
    record = unfinished_run(store)
    if record is None:
        raise ProjectError("no training of this project is to be gone on with")
    return record


def expect_no_unfinished_run(store: Store) -> None:
    """Refuse to begin a run beside one that waits.

    Raises:
        ProjectError: One waits; the message says what can be done with it.
    """
    if (record := unfinished_run(store)) is not None:
        raise ProjectError(f"the training {record.id} is not finished: {GOING_ON}")


def discard_unfinished(store: Store) -> None:
    """Forget all runs that could be gone on with, and remove their files."""
    while (record := unfinished_run(store)) is not None:
        store.runs.end(record.id, RunState.CANCELLED)
        ProjectRun(store.folder, record.id).discard()


def end_state(result: FinetuneResult) -> RunState:
    """What a run's row says after it."""
    states = {Verdict.CANCELLED: RunState.CANCELLED, Verdict.SUSPENDED: RunState.PAUSED}
    return states.get(result.verdict, RunState.ENDED)


def failure_state(run: ProjectRun) -> RunState:
    """What a run's row says after a failure: PAUSED where what it has learned was left there."""
    return RunState.PAUSED if run.has_learned else RunState.FAILED


def note_failure(store: Store, run_id: str, error: BaseException) -> None:
    """Note why a run ended before its time, and tell with the error how it goes on."""
    state = failure_state(ProjectRun(store.folder, run_id))
    was_asked = isinstance(error, KeyboardInterrupt)
    reason = "" if was_asked else str(error) or type(error).__name__
    with suppress(ProjectError):  # on a full disk it counts as interrupted, and goes on as well
        store.runs.end(run_id, state, reason=reason)
    if state is RunState.PAUSED:
        error.add_note(GOING_ON)
