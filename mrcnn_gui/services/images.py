"""Decoded images for the canvas and thumbnails for the list, read off the GUI thread."""

from collections import OrderedDict
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.thumbnails import Thumbnails

CACHE_BYTES = 600_000_000
WANTED, NEIGHBOUR = 20, 10  # priorities in the IO lane


class Images(QObject):
    """Reads the open image, then the next and the previous one, and keeps what was read last.

    A file that cannot be read is noted in the session as the image's problem.
    """

    image_ready = Signal(int, object)  # a Pyramid
    image_failed = Signal(int, str)
    thumbnail_ready = Signal(int, QImage)

    def __init__(
        self,
        session: Session,
        jobs: JobRunner,
        *,
        cache_bytes: int = CACHE_BYTES,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._cache_bytes = cache_bytes
        self._pyramids: OrderedDict[int, Pyramid] = OrderedDict()
        self._reading: dict[int, Job] = {}
        self._wanted: int | None = None
        self._thumbnails = Thumbnails(jobs, self.thumbnail_ready.emit, self._note_problem)
        session.project_opened.connect(self._use_project)
        session.project_closed.connect(self._clear)
        session.image_opened.connect(self._follow)

    def request(self, image_id: int) -> None:
        """Have an image read: `image_ready` (at once when it is in memory) or `image_failed`.

        Its neighbours follow. Images that were asked for before and are no neighbours of it are
        not read any more.
        """
        self._wanted = image_id
        near = [image_id, *self._neighbours(image_id)]
        for other in [other for other in self._reading if other not in near]:
            self._reading.pop(other).cancel()
        pyramid = self._pyramids.get(image_id)
        if pyramid is None:
            self._read(image_id, WANTED)
            return
        self._pyramids.move_to_end(image_id)
        self.image_ready.emit(image_id, pyramid)
        self._read_neighbours(image_id)

    def pyramid(self, image_id: int) -> Pyramid | None:
        """A decoded image when it is in memory."""
        return self._pyramids.get(image_id)

    def thumbnail(self, image_id: int) -> QImage | None:
        """The thumbnail, at most 96 pixels wide and high; None when it is only now being read.

        `thumbnail_ready` follows in that case.
        """
        image = self._thumbnails.get(image_id)
        if image is None and self._session.image(image_id) is not None:
            self._thumbnails.request(image_id, self._session.image_path(image_id))
        return image

    def _use_project(self) -> None:
        folder = self._session.folder
        self._thumbnails.folder = folder / "cache" / "thumbnails" if folder is not None else None

    def _clear(self) -> None:
        for job in self._reading.values():
            job.cancel()
        self._reading.clear()
        self._pyramids.clear()
        self._thumbnails.clear()
        self._wanted = None

    def _follow(self, image_id: int) -> None:
        if image_id:
            self.request(image_id)

    def _neighbours(self, image_id: int) -> list[int]:
        """The next image, then the previous one."""
        entries = self._session.images
        row = self._session.row(image_id)
        rows = [other for other in (row + 1, row - 1) if 0 <= other < len(entries)]
        return [entries[other].id for other in rows if not entries[other].problem]

    def _read_neighbours(self, image_id: int) -> None:
        for neighbour in self._neighbours(image_id):
            if neighbour not in self._pyramids:
                self._read(neighbour, NEIGHBOUR)

    def _read(self, image_id: int, priority: int) -> None:
        if image_id in self._reading:
            return
        self._reading[image_id] = self._jobs.start(
            Lane.IO,
            read_pyramid,
            self._session.image_path(image_id),
            priority=priority,
            on_done=partial(self._take, image_id),
            on_failed=partial(self._take, image_id),
        )

    def _take(self, image_id: int, result: Pyramid | str) -> None:
        del self._reading[image_id]
        if isinstance(result, str):
            self._note_problem(image_id, result)
            self.image_failed.emit(image_id, result)
        else:
            self._keep(image_id, result)
            self._session.set_image_info(image_id, result.width, result.height, problem="")
            self.image_ready.emit(image_id, result)
        if image_id == self._wanted:
            self._read_neighbours(image_id)

    def _keep(self, image_id: int, pyramid: Pyramid) -> None:
        """Put an image into the cache, and let go of those that were shown longest ago."""
        self._pyramids[image_id] = pyramid
        total = sum(other.bytes for other in self._pyramids.values())
        for other in [other for other in self._pyramids if other != self._wanted]:
            if total <= self._cache_bytes:
                break
            total -= self._pyramids.pop(other).bytes

    def _note_problem(self, image_id: int, problem: str) -> None:
        self._session.set_image_info(image_id, problem=problem)


def read_pyramid(path: Path, *, job: Job) -> Pyramid | str:
    """Decode an image file; a job. Returns why it cannot be read when it cannot."""
    from core.images import ImageReadError, read_rgb  # loads libvips: not at start-up

    try:
        return Pyramid.of(read_rgb(path))
    except ImageReadError as error:
        return str(error)
