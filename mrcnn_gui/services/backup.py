"""The backup of the open project, off the GUI thread."""

from datetime import UTC, datetime
from pathlib import Path

from mrcnn_gui.project.backups import back_up
from mrcnn_gui.services.jobs import Job


def back_up_if_due(folder: Path, *, job: Job) -> None:
    """Copy the database of the project in a folder when the last copy is old; a job."""
    if not job.should_stop():
        back_up(folder, now=datetime.now(UTC))
