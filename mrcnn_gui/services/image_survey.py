"""Sizes and content hashes of a project's images, read in the background."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.paths import full_path
from mrcnn_gui.services.jobs import Job, JobRunner, Lane

BATCH_IMAGES = 64
BATCH_SECONDS = 0.3
PRIORITY = -10  # everything that a person waits for comes first


@dataclass(frozen=True)
class Measured:
    """What reading a file has told; None where it tells nothing new.

    Attributes:
        image_id: Which image.
        width: Upright width in pixels.
        height: Upright height in pixels.
        content_hash: Hash of the file's bytes.
        problem: Why it cannot be used; "" when it can be used again.
        file_size: In bytes, when it was hashed.
        modified_ns: When it had been changed last, in ns since 1970.
    """

    image_id: int
    width: int | None = None
    height: int | None = None
    content_hash: str | None = None
    problem: str | None = None
    file_size: int | None = None
    modified_ns: int | None = None

    def adds_to(self, entry: ImageEntry) -> bool:
        """Whether the entry does not say all this."""
        return any(value != getattr(entry, name) for name, value in self.values().items())

    def values(self) -> dict[str, Any]:
        """What it tells, by the names of an entry's attributes."""
        told = {
            "width": self.width,
            "height": self.height,
            "content_hash": self.content_hash,
            "problem": self.problem,
            "file_size": self.file_size,
            "modified_ns": self.modified_ns,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True)
class _Batch:
    measured: tuple[Measured, ...]
    looked_at: int


class ImageSurvey:
    """Reads what is not known yet about the images, in small batches on the IO lane.

    Files that were known and are gone are found, too, and so are those that came back.
    """

    def __init__(self, jobs: JobRunner, note: Callable[[Sequence[Measured]], bool]) -> None:
        """`note` gets each batch on the GUI thread; the survey ends when it returns False."""
        self._jobs = jobs
        self._note = note
        self._waiting: deque[tuple[Path, ImageEntry]] = deque()
        self._job: Job | None = None

    def add(self, folder: Path, entries: Iterable[ImageEntry]) -> None:
        """Look at these images of the project in a folder, after those that wait already."""
        self._waiting.extend((folder, entry) for entry in entries)
        self._go_on()

    def stop(self) -> None:
        """Forget what waits; nothing is noted any more."""
        self._waiting.clear()
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _go_on(self) -> None:
        if self._job is not None or not self._waiting:
            return
        batch = list(itertools.islice(self._waiting, BATCH_IMAGES))
        self._job = self._jobs.start(
            Lane.IO, _survey, batch, priority=PRIORITY, on_done=self._take, on_failed=self._give_up
        )

    def _take(self, batch: _Batch) -> None:
        self._job = None
        for _ in range(batch.looked_at):
            self._waiting.popleft()
        if batch.measured and not self._note(batch.measured):
            self._waiting.clear()
        self._go_on()

    def _give_up(self, _: str) -> None:
        self.stop()


def _survey(images: Sequence[tuple[Path, ImageEntry]], *, job: Job) -> _Batch:
    """Look at images until the batch or its time is used up, at least at one."""
    deadline = time.monotonic() + BATCH_SECONDS
    found: list[Measured] = []
    looked_at = 0
    for folder, entry in images:
        measured = measure(entry, full_path(entry.path, folder))
        if measured is not None:
            found.append(measured)
        looked_at += 1
        if time.monotonic() > deadline or job.should_stop():
            break
    return _Batch(tuple(found), looked_at)


def measure(entry: ImageEntry, path: Path) -> Measured | None:
    """What the file tells beyond the entry; None when the entry holds it already."""
    # Loads libvips: not at start-up.
    from core.images import ImageReadError, read_info, read_rgb
    from mrcnn_gui.project.content import read_content

    content: dict[str, Any] = {}
    try:
        if entry.width and entry.content_hash and not entry.problem and path.is_file():
            return None
        content = read_content(path)._asdict()
        info = read_info(path)
        if entry.problem:
            read_rgb(path)  # the header of a truncated file is in order: only this can tell
    except ImageReadError as error:
        return Measured(entry.id, problem=str(error), **content)
    except OSError as error:
        reason = error.strerror or str(error)
        return Measured(entry.id, problem=f"cannot read image {path}: {reason}")
    problem = "" if entry.problem else None
    return Measured(entry.id, info.width, info.height, problem=problem, **content)
