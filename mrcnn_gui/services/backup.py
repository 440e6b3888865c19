"""The backup of the open project, off the GUI thread."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mrcnn_gui.project.backups import back_up
from mrcnn_gui.services.jobs import Job, JobRunner, Lane


def start_backup(jobs: JobRunner, folder: Path, tell: Callable[[str, str], object]) -> None:
    """Copy the database of the project in a folder when the last copy is old.

    Args:
        jobs: It is done there, after all that is more urgent.
        folder: The project folder.
        tell: Gets a title and the reason when no copy could be made.
    """
    on_failed = partial(tell, "The project has no new backup")
    jobs.start(Lane.IO, _back_up, folder, priority=-1, on_failed=on_failed)


def _back_up(folder: Path, *, job: Job) -> None:
    if not job.should_stop():
        back_up(folder, now=datetime.now(UTC))
