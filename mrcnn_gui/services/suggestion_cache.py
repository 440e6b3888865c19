"""Stored suggestions of the images that were looked at last."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.private_copy import SharedCopy
from mrcnn_gui.project.suggestions import SUGGESTIONS_FILE, SuggestionStore
from mrcnn_gui.services.jobs import Job, JobRunner, Lane

KEPT_IMAGES = 16
PRIORITY = 30  # little to read, and somebody looks at the image


class SuggestionCache:
    """Reads suggestions on the IO lane; `on_read` gets the id of the image they are for."""

    def __init__(self, jobs: JobRunner, on_read: Callable[[int], None]) -> None:
        self._jobs = jobs
        self._on_read = on_read
        self._suggestions: OrderedDict[int, list[Suggestion]] = OrderedDict()
        self._reading: dict[int, Job] = {}
        self._shared = SharedCopy()

    def get(self, image_id: int) -> list[Suggestion] | None:
        """The suggestions for an image, best first; None when they are not in memory."""
        return self._suggestions.get(image_id)

    def read(self, folder: Path, image_id: int, content_hash: str) -> None:
        """Read those of an image again; what is in memory stays until then."""
        if image_id in self._reading:
            self._reading[image_id].cancel()  # it may have read what was there before
        self._reading[image_id] = self._jobs.start(
            Lane.IO,
            read_suggestions,
            folder,
            content_hash,
            self._shared,
            priority=PRIORITY,
            on_done=partial(self._take, image_id),
            on_failed=partial(self._forget, image_id),
        )

    def drop(self, image_id: int) -> None:
        """Forget those of an image, also what is being read: they are stale."""
        self._suggestions.pop(image_id, None)
        if image_id in self._reading:
            self._reading.pop(image_id).cancel()

    def is_reading(self, image_id: int) -> bool:
        """Whether those of an image are on their way."""
        return image_id in self._reading

    def clear(self) -> None:
        """Forget everything."""
        for job in self._reading.values():
            job.cancel()
        self._reading.clear()
        self._suggestions.clear()
        self._shared.close()

    def _take(self, image_id: int, suggestions: list[Suggestion]) -> None:
        del self._reading[image_id]
        self._suggestions[image_id] = suggestions
        self._suggestions.move_to_end(image_id)
        if len(self._suggestions) > KEPT_IMAGES:
            self._suggestions.popitem(last=False)
        self._on_read(image_id)

    def _forget(self, image_id: int, _: str) -> None:
        del self._reading[image_id]


def read_suggestions(
    folder: Path, content_hash: str, shared: SharedCopy | None = None, *, job: Job
) -> list[Suggestion]:
    """What is stored for an image with this content; a job.

    Where the file can only be read as a copy, the shared one is read, or left there for others.
    """
    if job.should_stop():
        return []
    file = folder / SUGGESTIONS_FILE
    place = shared.place(file).parent if shared is not None else folder
    with SuggestionStore(place, read_only=True) as store:
        found = store.for_image(content_hash)
        copy = store.hand_over_copy() if shared is not None else None
    if shared is not None and copy is not None:
        shared.keep(file, copy)
    return found
