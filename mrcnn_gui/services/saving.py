"""What the GUI thread has committed is brought to the disk in a lane of its own."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.project.errors import StorageError
from mrcnn_gui.project.log_sync import empty_log, sync_log
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.jobs import Job, JobRunner, Lane

T = TypeVar("T")

COMMITS = 1000
GROWTH = 16 * 2**20
"""After so many commits, or so many bytes more in the log, the log is brought into the database.

Seldom: the first commit after that waits for the disk, which has to know where the log begins anew.
"""


class Saving(QObject):
    """Follows the commits of the open project; each is on the disk before it counts as saved.

    The window never waits for the disk: a commit returns once the write-ahead log has it, which a
    killed process does not lose. One wait for the disk is good for all commits before it.
    """

    changed = Signal()  # is_saved
    failed = Signal(str)  # what is not on the disk will not come there

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._log: _Log | None = None
        self._job: Job | None = None
        self._emptying: Job | None = None
        self._made = self._saved = 0  # commits
        self._emptied_at = 0  # the commits then
        self._log_size = 0  # bytes

    @property
    def is_saved(self) -> bool:
        """Whether the disk has everything that was committed."""
        return self._saved == self._made

    def follow(self, store: Store) -> None:
        """See to the commits of a store from now on, where they need it."""
        self._made = self._saved = self._emptied_at = self._log_size = 0
        if store.sync_later(self._note_commit):
            self._log = _Log(store.folder)

    def finish(self) -> str:
        """Wait for the disk, because the store is closed next; returns what failed, or ""."""
        log = self._log
        self._stop()
        try:
            if log is not None and not self.is_saved:
                log.sync()
        except StorageError as error:
            return str(error)
        return ""

    def _note_commit(self) -> None:
        if self._log is None:
            return  # the disk has refused, which was told
        self._made += 1
        if self._job is None:
            self._start()
        if self._made == self._saved + 1:
            self.changed.emit()

    def _start(self) -> None:
        made = self._made
        self._job = self._jobs.start(
            Lane.SAVE,
            _sync,
            self._log,
            on_done=lambda size: self._note_saved(made, size),
            on_failed=self._give_up,
        )

    def _note_saved(self, made: int, log_size: int) -> None:
        self._job, self._saved = None, made
        if made - self._emptied_at >= COMMITS or log_size - self._log_size >= GROWTH:
            self._emptied_at, self._log_size = made, log_size
            self._emptying = self._jobs.start(
                Lane.SAVE, _empty, self._log, priority=-1, on_failed=self._give_up
            )
        if self.is_saved:
            self.changed.emit()
        else:
            self._start()

    def _give_up(self, reason: str) -> None:
        self._stop()
        self.failed.emit(reason)

    def _stop(self) -> None:
        for job in (self._job, self._emptying):
            if job is not None:
                job.cancel()
        self._job = self._emptying = self._log = None


class _Log:
    """One thread at a time brings a log to the disk, and each later one hears what failed.

    A system tells one error of the disk once: without that, the next call would seem to succeed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._error = ""

    def sync(self) -> int:
        """As `sync_log`, which raises; also what an earlier call has raised."""
        return self._bring(sync_log)

    def empty(self) -> None:
        """As `empty_log`, likewise."""
        self._bring(empty_log)

    def _bring(self, bring: Callable[[Path], T]) -> T:
        with self._lock:
            if self._error:
                raise StorageError(self._error)
            try:
                return bring(self._folder)
            except StorageError as error:
                self._error = str(error)
                raise


def _sync(log: _Log, *, job: Job) -> int:
    return 0 if job.should_stop() else log.sync()


def _empty(log: _Log, *, job: Job) -> None:
    if not job.should_stop():
        log.empty()
