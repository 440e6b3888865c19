"""Brings to the disk what a connection has committed without waiting: see `Store.sync_later`.

Any thread may call these: they share nothing with the connection but its files.
"""

import os
import sys
from pathlib import Path
from typing import IO

from mrcnn_gui.project.database import Database
from mrcnn_gui.project.errors import StorageError
from mrcnn_gui.project.opening import DATABASE_FILE

if sys.platform == "darwin":
    import fcntl

    def _synchronise(file: IO[bytes]) -> None:
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)  # plain fsync stops at the drive's own cache there

elif sys.platform == "win32":

    def _synchronise(file: IO[bytes]) -> None:
        os.fsync(file.fileno())

else:

    def _synchronise(file: IO[bytes]) -> None:
        os.fdatasync(file.fileno())


def sync_log(folder: Path) -> int:
    """Wait until the disk has everything that is committed in a project.

    Returns:
        The size of the write-ahead log in bytes.

    Raises:
        StorageError: The disk refused. What was committed since the last time may be lost, and a
            second call that succeeds tells nothing about it: systems report such an error once.
    """
    log = folder / f"{DATABASE_FILE}-wal"
    try:
        with log.open("rb+") as file:
            _synchronise(file)
            return os.fstat(file.fileno()).st_size
    except OSError as error:
        raise StorageError(f"{log}: {error.strerror or error}") from error


def empty_log(folder: Path) -> None:
    """Bring what the write-ahead log holds into the database, so that the log begins anew.

    Nobody waits for it; where somebody still reads an older state, it brings in what it can.

    Raises:
        StorageError: The disk refused; the log still holds everything.
    """
    database = Database(folder / DATABASE_FILE)
    try:
        database.make_durable()
        database.execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        database.close(empty_log=False)
