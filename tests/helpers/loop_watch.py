"""How long the event loop was held at most, and by what."""

import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Self

from PySide6.QtCore import QTimer

from tests.helpers.data import REPOSITORY

BEAT_MS = 5
LATE_MS = 16.0
_ROOT = f"{REPOSITORY}/"
_NOT_OURS = f"{REPOSITORY}/tests/", f"{sys.prefix}/"
_PROBE_SECONDS = 0.004


@dataclass(frozen=True)
class Stall:
    """One time that the loop was held.

    Attributes:
        ms: How late the beat came.
        cpu_ms: What the thread computed meanwhile; the rest of the time it waited, or others had
            the machine.
        culprit: The innermost function of the project that most probes saw then, as file:line
            name; "" when no probe came in time.
    """

    ms: float
    cpu_ms: float
    culprit: str


class LoopWatch:
    """Notes how late a timer of 5 ms fires while a thread looks at what the GUI thread does.

    Attributes:
        stalls: All times that it was more than 16 ms late, in order.
    """

    def __init__(self) -> None:
        self.stalls: list[Stall] = []
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)
        self._last = self._last_cpu = 0.0
        self._seen: Counter[str] = Counter()
        self._done = threading.Event()
        self._watched = threading.get_ident()
        self._thread = threading.Thread(target=self._probe, name="loop-watch", daemon=True)

    def __enter__(self) -> Self:
        self._last, self._last_cpu = time.perf_counter(), time.thread_time()
        self._timer.start(BEAT_MS)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._beat()
        self._timer.stop()
        self._done.set()
        self._thread.join()

    @property
    def worst(self) -> Stall:
        """The longest; 0 ms when the loop was never late."""
        return max(self.stalls, key=lambda stall: stall.ms, default=Stall(0.0, 0.0, ""))

    def report(self) -> str:
        """The five longest, one a line."""
        longest = sorted(self.stalls, key=lambda stall: -stall.ms)[:5]
        return "\n".join(
            f"{stall.ms:7.1f} ms, {stall.cpu_ms:5.1f} ms of it computing  {stall.culprit}"
            for stall in longest
        )

    def _beat(self) -> None:
        now = time.perf_counter()
        late = (now - self._last) * 1000 - BEAT_MS
        seen, self._seen = self._seen, Counter()
        if late > LATE_MS:
            culprit = seen.most_common(1)[0][0] if seen else ""
            cpu = (time.thread_time() - self._last_cpu) * 1000
            self.stalls.append(Stall(late, cpu, culprit))
        self._last, self._last_cpu = time.perf_counter(), time.thread_time()

    def _probe(self) -> None:
        while not self._done.wait(_PROBE_SECONDS):
            if (time.perf_counter() - self._last) * 1000 > BEAT_MS + _PROBE_SECONDS * 1000:
                self._seen[_culprit(self._watched)] += 1


def _culprit(thread: int) -> str:
    """The innermost frame of a thread that is the project's own.

    Nothing here waits or reads a file: were the other thread to run on meanwhile, the frame would
    keep its locals, a QPainter among them, alive beyond their time.
    """
    frame = innermost = sys._current_frames().get(thread)
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_ROOT) and not code.co_filename.startswith(_NOT_OURS):
            return f"{code.co_filename[len(_ROOT) :]}:{frame.f_lineno} {code.co_name}"
        frame = frame.f_back
    if innermost is None:
        return ""
    return f"{innermost.f_code.co_filename}:{innermost.f_lineno} {innermost.f_code.co_name}"
