"""Files that are either wholly there or not there at all."""

import errno
import os
import re
import stat
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNFINISHED = ".unfinished-"  # and a random number: temporary siblings
_UNFINISHED_NAME = re.compile(rf"{re.escape(_UNFINISHED)}[0-9a-f]{{32}}(\..*)?", re.DOTALL)
_ABANDONED_AFTER = 24 * 3600  # seconds without a write: no writer lets so much time pass


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a whole file, so that a crash leaves either the old content or the new one.

    Args:
        path: The file; its folder must exist.
        data: The content; text is written as UTF-8 with the line endings it has.

    Raises:
        OSError: The folder is missing or not writable, or the disk is full; the old file stays.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling to write to; it takes the place of `path` when all went well.

    The sibling has the suffix of `path`, does not exist yet, and is removed on an error. A
    symbolic link stays one: the file that it points to is replaced.

    Raises:
        OSError: The file could not be written, synchronised or moved; the old file stays. Folders
            and devices are never replaced.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "it is there, and no plain file", str(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    temporary = target.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}{target.suffix}")
    try:
        yield temporary
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        _synchronise(temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _synchronise_folder(target.parent)


def remove_abandoned(folder: Path) -> None:
    """Delete the temporary siblings that killed programs left in a folder.

    Others may be writing theirs at this moment, here or on another machine: only what nobody has
    written to for a day goes. What cannot be deleted stays.
    """
    with suppress(OSError):
        for path in folder.iterdir():
            if _UNFINISHED_NAME.fullmatch(path.name) and _is_abandoned(path):
                path.unlink()


def _is_abandoned(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_mtime < time.time() - _ABANDONED_AFTER


def publish_folder(staging: Path, target: Path) -> None:
    """Give a finished folder its public name, after all its files have reached the disk.

    Args:
        staging: The finished folder, on the same file system as `target`.
        target: The name it takes; nothing may have that name yet.

    Raises:
        FileExistsError: `target` exists; `staging` stays as it is.
    """
    if target.exists() or target.is_symlink():
        raise FileExistsError(f"cannot publish {staging.name}: {target} exists already")
    for path in sorted(staging.rglob("*")):
        if path.is_dir():
            _synchronise_folder(path)
        else:
            _synchronise(path)
    _synchronise_folder(staging)
    staging.rename(target)
    _synchronise_folder(target.parent)


def _synchronise(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _synchronise_folder(folder: Path) -> None:
    """Make renames in a folder durable; Windows cannot open a folder and does not need it."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
