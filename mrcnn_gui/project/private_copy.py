"""Copies of a database for one reader, where the file itself cannot be read, or not for long."""

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from mrcnn_gui.project.errors import StorageError

BESIDE = ("-wal", "-journal")
"""What SQLite leaves beside a database that was not closed: commits, or what takes one back."""

_State = list[tuple[int, int] | None]  # sizes and times
_TRIES = 5
_STEP_PAGES = 1024  # 4 MiB: how long a writer may have to wait
_RESTARTS = 3


class PrivateCopy:
    """A database and what lies beside it, in a temporary folder until `close`."""

    def __init__(self, name: str) -> None:
        self._folder = TemporaryDirectory(prefix="mrcnn-gui-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name) / name
        self._state: _State = []  # of the files, when they were copied

    @classmethod
    def of_files(cls, database: Path) -> "PrivateCopy":
        """Copy the files as they lie there, which nobody may change meanwhile.

        Raises:
            StorageError: They cannot be copied, or somebody writes to them all the time.
        """
        copy = cls(database.name)
        try:
            for _ in range(_TRIES):
                before = _state(database)
                copy._take(database)
                if _state(database) == before:
                    copy._state = before
                    return copy
        except OSError as error:
            copy.close()
            raise StorageError(
                f"{database} can only be read as a copy, which failed: {error.strerror or error}"
            ) from error
        copy.close()
        raise StorageError(f"{database} is being written to: try again later")

    @classmethod
    def of_moment(cls, source: sqlite3.Connection, name: str) -> "PrivateCopy":
        """Copy through a connection, in steps between which others may write.

        Raises:
            sqlite3.Error: It cannot be read, or the copy cannot be written.
        """
        copy = cls(name)
        try:
            with closing(sqlite3.connect(copy.path)) as target:
                _copy_in_steps(source, target)
        except BaseException:
            copy.close()
            raise
        return copy

    def is_of(self, database: Path) -> bool:
        """Whether the files of this database are still as they were when they were copied."""
        return self._state == _state(database)

    def close(self) -> None:
        """Delete it; nobody reads it any more."""
        self._folder.cleanup()

    def _take(self, database: Path) -> None:
        for suffix in ("", *BESIDE):
            source, target = (it.with_name(it.name + suffix) for it in (database, self.path))
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, target)


class SharedCopy:
    """One copy for many readers, in any threads, of a file that cannot be read in its place.

    The first reader leaves its private copy here; it serves as long as the file stays the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[Path, PrivateCopy] | None = None

    def place(self, database: Path) -> Path:
        """Where to read a file: in the copy, or in its place where there is none of it."""
        with self._lock:
            kept = self._kept
            fits = kept is not None and kept[0] == database and kept[1].is_of(database)
            return kept[1].path if kept is not None and fits else database

    def keep(self, database: Path, copy: PrivateCopy) -> None:
        """Take over the copy that a reader of the file had made."""
        self._exchange((database, copy))

    def close(self) -> None:
        """Delete the copy."""
        self._exchange(None)

    def _exchange(self, new: tuple[Path, PrivateCopy] | None) -> None:
        with self._lock:
            old, self._kept = self._kept, new
        if old is not None:
            old[1].close()


class _TooBusyError(Exception):
    """A copy in steps begins anew at every commit of others: it may never come to an end."""


def _copy_in_steps(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    restarts, left_before = 0, 0

    def watch(_: int, left: int, total: int) -> None:
        nonlocal restarts, left_before
        restarts += left > left_before > 0
        left_before = left
        if restarts > _RESTARTS:
            raise _TooBusyError

    try:
        source.backup(target, pages=_STEP_PAGES, progress=watch)
    except _TooBusyError:
        source.backup(target)


def _state(database: Path) -> _State:
    """Sizes and times of the files; they change when somebody writes."""
    states: _State = []
    for suffix in ("", *BESIDE):
        try:
            status = database.with_name(database.name + suffix).stat()
        except FileNotFoundError:
            states.append(None)
        else:
            states.append((status.st_size, status.st_mtime_ns))
    return states
