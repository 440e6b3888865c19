"""Getting published weights in the background."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.model.catalogue import CATALOGUE, PublishedWeights, cache_folder
from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.session import Session

if TYPE_CHECKING:
    from mrcnn_gui.workflows.published_models import AddedModel

Add = Callable[[Path, PublishedWeights | Path, Job], "AddedModel | None"]


@dataclass(frozen=True)
class Offer:
    """Weights of the catalogue, and whether their file was downloaded before."""

    weights: PublishedWeights
    is_here: bool


def offers() -> list[Offer]:
    """All that can be had."""
    folder = cache_folder()
    return [Offer(weights, (folder / weights.file_name).is_file()) for weights in CATALOGUE]


def add_to_project(folder: Path, source: PublishedWeights | Path, job: Job) -> "AddedModel | None":
    """Add weights of the catalogue, or a file, to the project in a folder."""
    from mrcnn_gui.workflows.published_models import add_checkpoint, add_published

    if isinstance(source, Path):
        return add_checkpoint(folder, source, should_stop=job.should_stop)
    return add_published(
        folder,
        source,
        on_progress=lambda done, total: job.report((done, total)),
        should_stop=job.should_stop,
    )


class Weights(QObject):
    """Downloads one file at a time, and makes it a version of the open project."""

    progressed = Signal(object)  # (bytes so far, bytes of all or None)
    added = Signal(object)  # an AddedModel
    failed = Signal(str)
    state_changed = Signal()  # is_running

    def __init__(
        self,
        session: Session,
        jobs: JobRunner,
        *,
        add: Add = add_to_project,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._add = session, jobs, add
        self._job: Job | None = None
        session.project_closed.connect(self.cancel)

    @property
    def is_running(self) -> bool:
        """Whether a file is on its way."""
        return self._job is not None

    def get(self, source: PublishedWeights | Path) -> None:
        """Download weights of the catalogue, or read a file, and add them to the project."""
        if self.is_running or self._session.folder is None:
            return
        if self._session.no_writing:
            self.failed.emit(self._session.no_writing)
            return
        self._job = self._jobs.start(
            Lane.IO,
            _run,
            self._add,
            self._session.folder,
            source,
            on_progress=self.progressed.emit,
            on_done=self._take,
            on_failed=self._fail,
        )
        self.state_changed.emit()

    def cancel(self) -> None:
        """Stop, and add nothing; what has arrived is kept for the next time."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self.state_changed.emit()

    def _take(self, added: "AddedModel | None") -> None:
        self._job = None
        if added is not None:
            self.added.emit(added)
        self.state_changed.emit()

    def _fail(self, reason: str) -> None:
        self._job = None
        self.failed.emit(reason)
        self.state_changed.emit()


def _run(
    add: Add, folder: Path, source: PublishedWeights | Path, *, job: Job
) -> "AddedModel | None":
    return add(folder, source, job)
