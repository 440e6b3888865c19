"""The images that wait for the model, and how fast they go."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mrcnn_gui.workflows.presegment import Presegmented, PresegmentProgress


class Batch:
    """A queue of images with counts and a clock.

    Images are taken on another thread; all else is for the GUI thread.

    Attributes:
        total: Images of this batch, those that are done included.
        done: How many are done, whether they could be read or not.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: deque[int] = deque()
        self._lock = threading.Lock()
        self._started = self._first_done = self._last_done = clock()
        self._failed = 0
        self._dropped = 0
        self.total = 0
        self.done = 0

    @property
    def is_waiting(self) -> bool:
        """Whether an image waits."""
        return bool(self._waiting)

    def add(self, image_ids: Sequence[int]) -> None:
        """Add images that do not wait yet."""
        with self._lock:
            there = set(self._waiting)
            fresh = [image_id for image_id in image_ids if image_id not in there]
            self._waiting.extend(fresh)
        self.total += len(fresh)

    def add_alone(self, image_id: int) -> None:
        """Count an image that is not to wait here."""
        with self._lock:
            if image_id in self._waiting:
                self._waiting.remove(image_id)
                return
        self.total += 1

    def take(self, is_over: Callable[[], bool]) -> Iterator[int]:
        """Yield the image that is due until none waits, or until `is_over`."""
        while not is_over():
            with self._lock:
                if not self._waiting:
                    return
                image_id = self._waiting.popleft()
            yield image_id

    def drop_waiting(self) -> None:
        """Forget the images that wait."""
        with self._lock:
            dropped = len(self._waiting)
            self._waiting.clear()
        self._dropped += dropped
        self.total -= dropped

    def count(self, *, failed: bool = False) -> None:
        """Note that one more image is done, or could not be read."""
        self.done += 1
        self._failed += failed
        self._last_done = self._clock()
        if self.done == 1:
            self._first_done = self._last_done

    @property
    def images_per_second(self) -> float:
        """Speed since the first image was done, so that loading the model does not count."""
        if self.done > 1:
            return (self.done - 1) / max(self._last_done - self._first_done, 1e-6)
        return self.done / max(self._last_done - self._started, 1e-6)

    @property
    def seconds_left(self) -> float | None:
        """Time for the images that are not done; None while the speed is not known."""
        return (self.total - self.done) / self.images_per_second if self.done else None

    def progress(self, last: "Presegmented") -> "PresegmentProgress":
        """Where the batch stands after its last image."""
        from mrcnn_gui.workflows.presegment import PresegmentProgress  # not at start-up

        return PresegmentProgress(
            self.done, self.total, self.images_per_second, self.seconds_left, last
        )

    @property
    def summary(self) -> str:
        """How the batch ended, for people."""
        if self._dropped or self.done < self.total:
            text = f"Cancelled after {self.done} of {self.total + self._dropped} images"
        else:
            done = self.done - self._failed
            text = f"{done} {'image' if done == 1 else 'images'} pre-segmented"
        return f"{text}, {self._failed} could not be read." if self._failed else f"{text}."
