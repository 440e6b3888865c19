"""Decoded images for the canvas and thumbnails for the list, read off the GUI thread."""

import logging
from collections import OrderedDict
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from mrcnn_gui.services.image_reading import build_pyramid, read_pyramid
from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.thumbnails import Thumbnails

log = logging.getLogger(__name__)

CACHE_BYTES = 600_000_000
WANTED, NEIGHBOUR, DETAIL = 20, 10, 15  # priorities in the IO lane


class Images(QObject):
    """Reads the open image, then the next and the previous one, and keeps what was read last.

    A file that cannot be read is noted in the session as the image's problem. Of a large image
    `image_ready` comes twice: when it can be seen from afar, and, with `detail_progress` between
    0 and 1 until then, when it can be seen pixel by pixel.
    """

    image_ready = Signal(int, object)  # a Pyramid
    image_failed = Signal(int, str)
    detail_progress = Signal(int, float)
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
        self._building: tuple[int, Job] | None = None
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
        self._build_no_other(image_id)
        pyramid = self._pyramids.get(image_id)
        if pyramid is None:
            self._read(image_id, WANTED)
            return
        self._pyramids.move_to_end(image_id)
        self.image_ready.emit(image_id, pyramid)
        self._build(image_id, pyramid)
        self._read_neighbours(image_id)

    @property
    def is_reading(self) -> bool:
        """Whether an image is on its way: the one asked for, or a neighbour."""
        return bool(self._reading)

    @property
    def is_building(self) -> bool:
        """Whether the fine levels of a large image are being made."""
        return self._building is not None

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
        self._build_no_other(0)
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
            self._cache_folder,
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
            self._session.set_image_info(
                image_id, width=result.width, height=result.height, problem=""
            )
            self.image_ready.emit(image_id, result)
        if image_id == self._wanted:
            if isinstance(result, Pyramid):
                self._build(image_id, result)
            self._read_neighbours(image_id)

    @property
    def _cache_folder(self) -> Path | None:
        folder = self._session.folder
        return None if folder is None else folder / "cache" / "levels"

    def _build(self, image_id: int, pyramid: Pyramid) -> None:
        """Have the fine levels of a large image made."""
        cache = self._cache_folder
        if pyramid.is_whole or self._building is not None or cache is None:
            return
        job = self._jobs.start(
            Lane.IO,
            build_pyramid,
            self._session.image_path(image_id),
            cache,
            priority=DETAIL,
            on_progress=partial(self.detail_progress.emit, image_id),
            on_done=partial(self._take_whole, image_id),
            on_failed=partial(self._take_whole, image_id),
        )
        self._building = image_id, job

    def _build_no_other(self, image_id: int) -> None:
        if self._building is not None and self._building[0] != image_id:
            self._building[1].cancel()
            self._building = None

    def _take_whole(self, image_id: int, result: Pyramid | str) -> None:
        self._building = None
        if isinstance(result, str):
            log.info("An image is only seen from afar: %s", result)
            return
        self._keep(image_id, result)
        self.image_ready.emit(image_id, result)

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
