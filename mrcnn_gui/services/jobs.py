"""Functions run off the GUI thread: their progress, their end and their cancellation."""

import itertools
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from core.formats.coco_fields import CocoError
from mrcnn_gui.project.document import EditError
from mrcnn_gui.project.errors import ProjectError

log = logging.getLogger(__name__)


class Lane(Enum):
    """Where a job runs; nothing in one lane waits for another lane."""

    IO = "io"
    DRAW = "draw"
    BULK = "bulk"  # work that has the project to itself: minutes, in which images are still opened
    MODEL = "model"
    BATCH = "batch"  # the model on many images: prompts do not wait for it
    TRAIN = "train"
    VERSIONS = "versions"  # comparing, evaluating, exporting: minutes, and nothing waits for it
    SAVE = "save"  # waits for the disk, in the place of the window


_FORESEEN = (ProjectError, EditError, CocoError)

_SWITCH_SECONDS = 0.0005
"""After so long a worker lets go of Python's lock where another thread waits for it.

With the interpreter's 5 ms, a repaint, which takes the lock again after each call of Qt, would wait
several times as long as it works.
"""

LANES_YIELD = sys.platform == "linux"
"""Whether threads have a niceness of their own, so that some lanes yield to the window."""

WORKERS = dict.fromkeys(Lane, 1) | {Lane.IO: 2, Lane.DRAW: 2}
_NICENESS = {Lane.DRAW: 3, Lane.IO: 5, Lane.BULK: 5} | dict.fromkeys(
    (Lane.BATCH, Lane.TRAIN, Lane.VERSIONS), 10
)


class _Event(Enum):
    PROGRESS = "progress"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """One function on its way.

    The function receives its job as the keyword argument `job`, calls `report` to tell of
    progress and polls `should_stop`. A job knows no callbacks: those stay with the runner, so
    that no QObject can lose its last reference on a worker thread.
    """

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], post: Callable[..., None]
    ) -> None:
        self._call: tuple[Callable[..., Any], tuple[Any, ...]] | None = (function, args)
        self._post = post
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop; none of its callbacks comes after that."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the function to stop; a job still in the queue never starts. May be repeated."""
        self._cancelled.set()

    def should_stop(self) -> bool:
        """`cancelled`, as the function that a workflow polls."""
        return self._cancelled.is_set()

    def report(self, value: object) -> None:
        """Send a progress value to `on_progress` on the GUI thread; called by the function."""
        self._post(self, _Event.PROGRESS, value)

    def run(self) -> None:
        """Call the function on this thread and post how it ended; the lane's worker does this."""
        (function, args), self._call = self._call or (_nothing, ()), None
        if self.cancelled:
            self._post(self, _Event.CANCELLED, None)
            return
        try:
            result = function(*args, job=self)
        except _FORESEEN as error:  # its message is written for people
            log.info("A background job could not be done: %s", error)
            self._post(self, _Event.FAILED, str(error))
        except Exception as error:
            log.exception("A background job failed: %s", getattr(function, "__name__", function))
            self._post(self, _Event.FAILED, describe(error))
        else:
            self._post(self, _Event.DONE, result)


@dataclass(frozen=True)
class _Callbacks:
    on_progress: Callable[[Any], object] | None
    on_done: Callable[[Any], object] | None
    on_failed: Callable[[str], object] | None


class JobRunner(QObject):
    """Runs jobs on plain threads and brings what they say to the GUI thread.

    The lanes of IO and drawing have two workers each, the others one. In
    a lane the job of the highest priority comes first, and among equals the oldest. All methods
    are for the GUI thread.
    """

    _arrived = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queues: dict[Lane, queue.PriorityQueue[tuple[float, int, Job | None]]] = {
            lane: queue.PriorityQueue() for lane in Lane
        }
        self._threads: dict[Lane, list[threading.Thread]] = {lane: [] for lane in Lane}
        self._callbacks: dict[Job, _Callbacks] = {}
        self._order = itertools.count()
        self._closed = False
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(
        self,
        lane: Lane,
        function: Callable[..., Any],
        *args: Any,
        priority: float = 0,
        on_progress: Callable[[Any], object] | None = None,
        on_done: Callable[[Any], object] | None = None,
        on_failed: Callable[[str], object] | None = None,
    ) -> Job:
        """Put a function in a lane; it is called as `function(*args, job=job)`.

        Args:
            lane: Where it runs.
            function: Must not hold a QObject; what it needs comes in by value.
            *args: Its arguments.
            priority: Higher comes first.
            on_progress: Gets each value given to `job.report`.
            on_done: Gets the returned value.
            on_failed: Gets a sentence for people; the traceback is in the log.

        Returns:
            The job. Once it is cancelled, or the runner shut down, no callback comes any more.
        """
        job = Job(function, args, self._post)
        if self._closed:
            job.cancel()
            return job
        self._callbacks[job] = _Callbacks(on_progress, on_done, on_failed)
        self._queues[lane].put((-priority, next(self._order), job))
        threads = self._threads[lane]
        if len(threads) < WORKERS[lane]:
            name = f"{lane.value}-{len(threads) + 1}"
            thread = threading.Thread(
                target=_work, args=(lane, self._queues[lane]), name=name, daemon=True
            )
            threads.append(thread)
            thread.start()
        return job

    def shutdown(self, wait_ms: int = 30_000) -> bool:
        """Cancel every job and wait until the running ones have come to their end.

        Returns:
            Whether all threads have ended in time.
        """
        self._closed = True
        for job in self._callbacks:
            job.cancel()
        self._callbacks.clear()
        for lane, threads in self._threads.items():
            for _ in threads:
                self._queues[lane].put((float("inf"), next(self._order), None))
        deadline = time.monotonic() + wait_ms / 1000
        workers = [thread for threads in self._threads.values() for thread in threads]
        for thread in workers:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in workers)

    def _post(self, job: Job, event: _Event, value: object) -> None:
        if not self._closed:
            self._arrived.emit(job, event, value)

    @Slot(object, object, object)
    def _deliver(self, job: Job, event: _Event, value: Any) -> None:
        if event is _Event.PROGRESS:
            callbacks = self._callbacks.get(job)
        else:
            callbacks = self._callbacks.pop(job, None)
        if callbacks is None or job.cancelled:
            return
        callback = {
            _Event.PROGRESS: callbacks.on_progress,
            _Event.DONE: callbacks.on_done,
            _Event.FAILED: callbacks.on_failed,
        }[event]
        if callback is not None:
            callback(value)


def describe(error: BaseException) -> str:
    """An exception as a sentence for people: its own message, with what kind if unexpected."""
    if isinstance(error, MemoryError):
        return "There is not enough memory."
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}"
    text = str(error)
    if isinstance(error, (LookupError, TypeError, AttributeError, AssertionError)) or not text:
        return f"Unexpected error ({type(error).__name__}): {text}".removesuffix(": ")
    return text


def _nothing(**_: object) -> None:
    """What a finished job holds in place of its function."""


def _work(lane: Lane, waiting: "queue.PriorityQueue[tuple[float, int, Job | None]]") -> None:
    if LANES_YIELD and lane in _NICENESS:  # the threads that it starts inherit it
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS[lane])
    while True:
        job = waiting.get()[2]
        if job is None:
            return
        job.run()
        del job  # the worker must not keep a result alive while it waits for the next job
