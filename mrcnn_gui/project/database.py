"""One SQLite connection: durable transactions, and errors that people understand."""

import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from core.files import atomic_path
from mrcnn_gui.project.errors import CommitError, DamagedProjectError, StorageError

Row = tuple[Any, ...]

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CACHE_KIB = 64 * 1024  # the indices of a million instances; taken only as it is needed
_BUSY_SECONDS = 10.0
_LONGEST_PATH = 500  # SQLite's own limit of 512, less the suffix of the files beside it


class Database:
    """A connection that belongs to the thread that made it.

    Text is read back even where it is no UTF-8 (file names may be so): as surrogate escapes.
    """

    def __init__(self, path: Path, *, read_only: bool = False, create: bool = False) -> None:
        """Connect to a file; nothing is read yet.

        Raises:
            StorageError: The file cannot be opened.
        """
        self.path = path
        self.read_only = read_only
        mode = _reading_mode(path) if read_only else "rwc" if create else "rw"
        uri = f"{path.absolute().as_uri()}?mode={mode}"  # as_uri escapes ? # % and non-ASCII
        with _told(path):
            self._connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS
            )
        self._connection.text_factory = _text

    def make_durable(self, synchronous: str = "FULL") -> None:
        """Set write-ahead logging, how far a commit is synchronised, and foreign keys."""
        self.execute("PRAGMA foreign_keys = ON")
        if self.read_only:
            return
        self.execute("PRAGMA journal_mode = WAL")
        self.execute(f"PRAGMA synchronous = {synchronous}")
        self.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if sys.platform == "darwin":  # plain fsync stops at the drive's own cache there
            self.execute("PRAGMA fullfsync = ON")
            self.execute("PRAGMA checkpoint_fullfsync = ON")

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
            self.execute("RELEASE nested" if nested else "COMMIT")
        except BaseException as error:
            self._roll_back(nested)
            if isinstance(error, StorageError):
                raise CommitError(f"the change could not be saved: {error}") from error
            raise

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

    def backup(self, target: Path) -> None:
        """Copy the whole database, with all that is committed, to a file that appears at once."""
        with (
            _told(self.path),
            atomic_path(target) as temporary,
            closing(sqlite3.connect(temporary)) as copy,
        ):
            self._connection.backup(copy)

    def close(self) -> None:
        """Empty the write-ahead log into the file, and disconnect."""
        if not self.read_only:
            # Where that fails the log stays beside the file: nothing is lost.
            with suppress(StorageError, sqlite3.ProgrammingError):
                self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _roll_back(self, nested: bool) -> None:
        if not self._connection.in_transaction:
            return  # SQLite has done it already, as it does when the disk is full
        with suppress(StorageError):
            if nested:
                self.execute("ROLLBACK TO nested")
                self.execute("RELEASE nested")
            else:
                self.execute("ROLLBACK")


def _reading_mode(path: Path) -> str:
    """Read without the files beside it where none can be made and none is left to recover."""
    alone = not path.with_name(path.name + "-wal").exists()
    return "ro" if os.access(path.parent, os.W_OK) or not alone else "ro&immutable=1"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


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
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
    if code in _DAMAGED:
        return DamagedProjectError(f"{path} is damaged ({error})")
    length = len(os.fsencode(path))
    if code == sqlite3.SQLITE_CANTOPEN and length > _LONGEST_PATH:
        return StorageError(
            f"the path of {path} has {length} bytes, and SQLite takes {_LONGEST_PATH}: "
            "use a folder with a shorter path"
        )
    return StorageError(f"{path}: {error}")
