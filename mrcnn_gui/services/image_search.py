"""Finds the images that the list shows: of many in the background, so that typing stays smooth."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.project.image_query import ImageQuery
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.failures import Telling
from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.session import Session

FEW = 5000
"""Up to so many images are looked through at once, which takes a few ms."""

_PRIORITY = 10  # somebody types and waits


class ImageSearch(QObject):
    """Answers one query at a time; a new one takes the place of the one before."""

    found = Signal(object)  # ids of the images that fit, in the project's order

    def __init__(self, session: Session, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._job: Job | None = None
        self._query = ImageQuery()
        self._changed: set[int] = set()  # while the job reads
        session.image_entry_changed.connect(self._note)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._job is not None

    def ask(self, query: ImageQuery) -> None:
        """Look for the images of the open project that fit; `found` follows, perhaps at once."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._query = query
        folder, images = self._session.folder, self._session.images
        if folder is None or query == ImageQuery():
            self.found.emit([entry.id for entry in images])
        elif len(images) <= FEW:
            with Telling(self._session.report_failure, "Cannot search"):
                self.found.emit(self._session.store.find_images(query))
        else:
            self._changed.clear()
            self._job = self._jobs.start(
                Lane.IO,
                find_image_ids,
                folder,
                query,
                priority=_PRIORITY,
                on_done=self._take,
                on_failed=self._fail,
            )

    def _note(self, image_id: int) -> None:
        if self.is_busy:
            self._changed.add(image_id)

    def _take(self, ids: list[int]) -> None:
        self._job = None
        if self._changed:
            entries = filter(None, map(self._session.image, self._changed))
            fitting = {entry.id for entry in entries if self._query.fits(entry)}
            ids = sorted(fitting.union(ids) - (self._changed - fitting))
        self.found.emit(ids)

    def _fail(self, reason: str) -> None:
        self._job = None
        self._session.report_failure("Cannot search", reason)


def find_image_ids(folder: Path, query: ImageQuery, *, job: Job) -> list[int]:
    """The images of the project in a folder that fit a query; a job."""
    if job.should_stop():
        return []
    with Store.open(folder, read_only=True) as store:
        return store.find_images(query)
