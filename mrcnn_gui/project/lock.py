"""One writer per project: an operating-system lock that ends with its process."""

import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import IO, Self

from mrcnn_gui.project.errors import NotWritableError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[str]) -> bool:
        file.seek(1 << 30)  # far behind the text, which others must be able to read
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: IO[str]) -> bool:
        # flock, not lockf: it belongs to the open file, so a second store in this process is
        # refused too, and closing that one does not end the first one's lock.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # the latter from some network folders
            return False
        return True


class ProjectLock:
    """The right to write to a project, held until `release` or the end of the process.

    The file stays behind; it is the lock on it that counts, so none is ever stale.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            NotWritableError: Another window or command has it; the message names it.
            OSError: The lock file cannot be written.
        """
        self._file = (folder / "project.lock").open("a+", encoding="utf-8")
        if not _try_lock(self._file):
            holder = _holder(self._file)
            self._file.close()
            raise NotWritableError(
                f"the project in {folder} is open in another window or command ({holder}): "
                "close that one first"
            )
        self._holders = 1
        self._counting = threading.Lock()
        self._name_holder()

    def share(self) -> Self:
        """Count one more holder in this process; each calls `release`.

        Raises:
            NotWritableError: It was released already: others may write now.
        """
        with self._counting:
            if self._holders == 0:
                raise NotWritableError("the project was closed meanwhile")
            self._holders += 1
        return self

    def release(self) -> None:
        """Let others write, once nobody in this process holds it any more."""
        with self._counting:
            self._holders -= 1
            if self._holders == 0:
                self._file.close()

    def _name_holder(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        json.dump({"host": socket.gethostname(), "pid": os.getpid()}, self._file)
        self._file.flush()


def _holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        holder = json.loads(file.read())
        return f"process {holder['pid']} on {holder['host']}"
    except (ValueError, KeyError, TypeError):  # taken this moment, its name not yet written
        return "its process is not known"
