"""Small images for the list: read once, then kept in the project's cache folder."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage

from core.files import write_atomically
from mrcnn_gui.services.image_reading import cache_key, read_small
from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.pyramid import Pixels, to_qimage

SIDE = 96
KEPT_IN_MEMORY = 2000
REMEMBERED_REQUESTS = 200  # of a list that is scrolled through: the rows that were left drop out
AT_ONCE = 2


class Thumbnails:
    """Thumbnails by image id: the one asked for last comes first.

    Attributes:
        folder: The project's cache folder; thumbnails are lost when it cannot be written.
    """

    def __init__(
        self,
        jobs: JobRunner,
        on_ready: Callable[[int, QImage], None],
        on_failed: Callable[[int, str], None],
    ) -> None:
        self.folder: Path | None = None
        self._jobs = jobs
        self._on_ready = on_ready
        self._on_failed = on_failed
        self._images: OrderedDict[int, QImage] = OrderedDict()
        self._wanted: OrderedDict[int, Path] = OrderedDict()
        self._running: dict[int, Job] = {}

    def get(self, image_id: int) -> QImage | None:
        """The thumbnail when it is in memory."""
        image = self._images.get(image_id)
        if image is not None:
            self._images.move_to_end(image_id)
        return image

    def request(self, image_id: int, path: Path) -> None:
        """Have a thumbnail read; `on_ready` or `on_failed` follows, unless too many come after."""
        if image_id in self._running:
            return
        self._wanted[image_id] = path
        self._wanted.move_to_end(image_id)
        if len(self._wanted) > REMEMBERED_REQUESTS:
            self._wanted.popitem(last=False)
        self._go_on()

    def clear(self) -> None:
        """Forget all images and requests."""
        for job in self._running.values():
            job.cancel()
        self._running.clear()
        self._wanted.clear()
        self._images.clear()

    def _go_on(self) -> None:
        while self._wanted and len(self._running) < AT_ONCE:
            image_id, path = self._wanted.popitem()
            self._running[image_id] = self._jobs.start(
                Lane.IO,
                read_thumbnail,
                path,
                self.folder,
                on_done=partial(self._take, image_id),
                on_failed=partial(self._take, image_id),
            )

    def _take(self, image_id: int, result: QImage | str) -> None:
        del self._running[image_id]
        if isinstance(result, str):
            self._on_failed(image_id, result)
        else:
            self._images[image_id] = result
            if len(self._images) > KEPT_IN_MEMORY:
                self._images.popitem(last=False)
            self._on_ready(image_id, result)
        self._go_on()


def read_thumbnail(path: Path, folder: Path | None, *, job: Job) -> QImage | str:
    """The thumbnail of an image file, from the cache or made anew; a job.

    Returns:
        The thumbnail, or why there is none.
    """
    from core.images import ImageReadError  # loads libvips: not at start-up

    try:
        cached = folder / f"{cache_key(path)}.jpg" if folder is not None else None
    except OSError as error:
        return f"cannot read image {path}: {error.strerror or error}"
    pixels = _read_cached(cached) if cached is not None else None
    if pixels is None:
        try:
            pixels = read_small(path, SIDE)
        except ImageReadError as error:
            return str(error)
        if cached is not None and not job.should_stop():
            _write_cached(cached, pixels)
    return to_qimage(pixels)


def _read_cached(path: Path) -> Pixels | None:
    """The pixels of a cached thumbnail; None when it is missing or damaged."""
    import cv2  # not at start-up

    try:
        data = path.read_bytes()
    except OSError:
        return None
    if not data:
        return None
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    return None if pixels is None else np.asarray(pixels, dtype=np.uint8)


def _write_cached(path: Path, pixels: Pixels) -> None:
    """Keep a thumbnail; it is only a cache: where it cannot be written, it is made again."""
    import cv2

    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data.tobytes())
    except OSError:
        return
