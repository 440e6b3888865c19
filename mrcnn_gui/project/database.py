"""One SQLite connection: durable transactions, and errors that people understand."""

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from operator import methodcaller
from pathlib import Path
from typing import Any

from core.files import atomic_path
from mrcnn_gui.project.errors import CommitError, DamagedProjectError, StorageError
from mrcnn_gui.project.network_folder import is_network_folder
from mrcnn_gui.project.private_copy import PrivateCopy

Row = tuple[Any, ...]

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CACHE_KIB = 64 * 1024  # the indices of a million instances; taken only as it is needed
_UNREADABLE_HERE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_WAL_FORMAT = 2  # byte 18 of the file: whoever reads it looks for a write-ahead log
_BUSY_SECONDS = 10.0
_RETRY_SECONDS = 0.01
_text = methodcaller("decode", "utf-8", "surrogateescape")  # no frame of Python for each value
_LONGEST_PATH = 500  # SQLite's own limit of 512, less the suffix of the files beside it


class Database:
    """A connection that belongs to the thread that made it.

    Text is read back even where it is no UTF-8 (file names may be so): as surrogate escapes.
    A reader reads a private copy where the file cannot be read in its place: on a read-only
    medium, or in a network folder a file whose last writer used a write-ahead log.
    """

    def __init__(self, path: Path, *, read_only: bool = False, create: bool = False) -> None:
        """Connect to a file; a writer reads nothing yet.

        Raises:
            StorageError: The file cannot be opened.
        """
        self.path = path
        self.read_only = read_only
        self._on_network = is_network_folder(path.parent)
        self._copy: PrivateCopy | None = None
        self._committed: Callable[[], object] | None = None
        needs_memory = self._on_network and _is_wal(path)
        if read_only:
            self._connection = self._reading_connection(in_place=not needs_memory)
            return
        self._connection = self._connect(path, "rwc" if create else "rw")
        self._identity = _identity(path)
        if needs_memory:  # the only one to use it, until `make_durable` has ended the log
            self.execute("PRAGMA locking_mode = EXCLUSIVE")

    def make_durable(self, synchronous: str = "FULL") -> None:
        """Set the journal, how far a commit is synchronised, and foreign keys.

        The journal is a write-ahead log. In a network folder, where that needs memory that the
        machines do not share, it is a rollback journal; truncating it is synchronised, too.
        """
        self.execute("PRAGMA foreign_keys = ON")
        if self.read_only:
            return
        self._change_journal("TRUNCATE" if self._on_network else "WAL")
        if self._on_network:
            self.execute("PRAGMA cache_spill = OFF")  # others can read until a commit
            self.execute("PRAGMA locking_mode = NORMAL")
            self.execute("SELECT 1 FROM sqlite_schema")  # lets go of the lock
            synchronous = "FULL"
        self.execute(f"PRAGMA synchronous = {synchronous}")
        self.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if sys.platform == "darwin":  # plain fsync stops at the drive's own cache there
            self.execute("PRAGMA fullfsync = ON")
            self.execute("PRAGMA checkpoint_fullfsync = ON")

    @property
    def changes(self) -> int:
        """How many rows this connection has changed so far."""
        return self._connection.total_changes

    def sync_later(self, committed: Callable[[], object]) -> bool:
        """Let commits return before the disk has them; `committed` is called after each.

        A killed process loses none of them. A machine that stops loses the last ones, wholly, until
        `log_sync` has brought them to the disk; it is to empty the log, too.

        Returns:
            False where commits wait for the disk all the same: a rollback journal needs it.
        """
        if self.read_only or self.execute("PRAGMA journal_mode") != [("wal",)]:
            return False
        self.execute("PRAGMA synchronous = NORMAL")
        self.execute("PRAGMA wal_autocheckpoint = 0")
        self._committed = committed
        return True

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return all its rows.

        Raises:
            StorageError: It failed; DamagedProjectError when the file makes no sense.
        """
        with _told(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Run one statement and yield its rows as they are read, however many there are."""
        with _told(self.path):
            yield from self._connection.execute(sql, parameters)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters."""
        with _told(self.path):
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside are kept, or none; a nested use joins the outer one.

        An error that leaves a nested use takes back the nested part alone.

        Raises:
            CommitError: The database refused; nothing was kept.
        """
        nested = self._connection.in_transaction
        try:
            self.execute("SAVEPOINT nested" if nested else "BEGIN IMMEDIATE")
            yield
            if not nested:
                self._expect_in_place()
            self.execute("RELEASE nested" if nested else "COMMIT")
        except BaseException as error:
            self._roll_back(nested)
            if isinstance(error, StorageError):
                raise CommitError(f"the change could not be saved: {error}") from error
            raise
        if not nested and self._committed is not None:
            self._committed()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see the same state, whatever another connection commits meanwhile."""
        if self._connection.in_transaction:
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            self._roll_back(nested=False)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """A snapshot for reading long: whoever writes never waits for it.

        With a rollback journal a reader would stop the writer, so a copy is read there.
        """
        in_wal = self.execute("PRAGMA journal_mode") == [("wal",)]
        if in_wal or self._copy is not None or self._connection.in_transaction:
            with self.snapshot():
                yield
            return
        with _told(self.path):
            copy = PrivateCopy.of_moment(self._connection, self.path.name)
        shared = self._connection
        try:
            self._connection = self._connect(copy.path, "ro")
            yield
        finally:
            if self._connection is not shared:
                self._connection.close()
            self._connection = shared
            copy.close()

    def backup(self, target: Path) -> None:
        """Copy the whole database, with all that is committed, to a file that appears at once."""
        with (
            _told(self.path),
            atomic_path(target) as temporary,
            closing(sqlite3.connect(temporary)) as copy,
        ):
            self._connection.backup(copy)

    def close(self, *, empty_log: bool = True) -> None:
        """Empty the write-ahead log into the file unless that shall be left out, and disconnect."""
        if empty_log and not self.read_only:
            # Where that fails the log stays beside the file: nothing is lost.
            with suppress(StorageError, sqlite3.ProgrammingError):
                self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        if self._copy is not None:
            self._copy.close()

    def hand_over_copy(self) -> PrivateCopy | None:
        """The private copy that is read, if any; whoever takes it closes it after this reader."""
        copy, self._copy = self._copy, None
        return copy

    def _connect(self, path: Path, mode: str) -> sqlite3.Connection:
        uri = f"{path.absolute().as_uri()}?mode={mode}"  # as_uri escapes ? # % and non-ASCII
        with _told(self.path):
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
        connection.text_factory = _text
        return connection

    def _reading_connection(self, *, in_place: bool) -> sqlite3.Connection:
        if in_place or not self.path.exists():
            connection = self._connect(self.path, "ro")
            try:
                with _told(self.path):
                    connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            except StorageError as error:
                connection.close()
                if not (self.path.exists() and _code(error.__cause__) in _UNREADABLE_HERE):
                    raise
            else:
                return connection
        self._copy = PrivateCopy.of_files(self.path)
        connection = self._connect(self._copy.path, "rw")  # brings in what lies beside it
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _change_journal(self, journal: str) -> None:
        """SQLite reads the file first, and lets no reader wait for another connection: we do."""
        until = time.monotonic() + _BUSY_SECONDS
        while not self._changes_journal(journal, last_time=time.monotonic() >= until):
            time.sleep(_RETRY_SECONDS)

    def _changes_journal(self, journal: str, *, last_time: bool) -> bool:
        try:
            self.execute(f"PRAGMA journal_mode = {journal}")
        except StorageError as error:
            if last_time or _code(error.__cause__) != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    def _expect_in_place(self) -> None:
        """A file that was deleted while it is open still takes commits, and nobody finds them."""
        found = _identity(self.path)
        if self._on_network and found is not None:
            return  # some network folders give a file another number now and then
        if found != self._identity:
            raise StorageError(
                f"{self.path} is not there any more, or is another file: was its folder deleted, "
                "moved or renamed? Bring it back, or open it where it is now"
            )

    def _roll_back(self, nested: bool) -> None:
        if not self._connection.in_transaction:
            return  # SQLite has done it already, as it does when the disk is full
        with suppress(StorageError):
            if nested:
                self.execute("ROLLBACK TO nested")
                self.execute("RELEASE nested")
            else:
                self.execute("ROLLBACK")


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one that has its path."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_wal(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(20)[18:19] == bytes([_WAL_FORMAT])
    except OSError:
        return False


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours; wrong use, as from another thread, stays what it is."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        raise _translated(error, path) from error


def _translated(error: sqlite3.Error, path: Path) -> StorageError:
    code = _code(error)
    if code in _DAMAGED:
        return DamagedProjectError(f"{path} is damaged ({error})")
    length = len(os.fsencode(path))
    if code == sqlite3.SQLITE_CANTOPEN and length > _LONGEST_PATH:
        return StorageError(
            f"the path of {path} has {length} bytes, and SQLite takes {_LONGEST_PATH}: "
            "use a folder with a shorter path"
        )
    return StorageError(f"{path}: {error}")


def _code(error: BaseException | None) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF  # the low byte is the primary code
