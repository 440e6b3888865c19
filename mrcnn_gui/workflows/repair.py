"""Putting right what the doctor finds, after a backup; nothing is lost by it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.images import ImageReadError, content_hash, read_info
from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.aside import Aside
from mrcnn_gui.project.backups import newest_backup
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.image_table import FoundFile, ImageTable
from mrcnn_gui.project.mending import UNFINISHED_REPAIR, Mended, keep_copy, mend_database
from mrcnn_gui.project.opening import DATABASE_FILE, open_database, take_lock
from mrcnn_gui.project.recovery import Recovery
from mrcnn_gui.project.repairs import Repairs
from mrcnn_gui.project.suggestions import SUGGESTIONS_FILE
from mrcnn_gui.workflows.doctor import Finding, examine, missing_version
from mrcnn_gui.workflows.models import ACTIVE_MODEL
from mrcnn_gui.workflows.progress import Count, ignore_count


@dataclass(frozen=True)
class Repaired:
    """Something that was put right: of which file or image of the project, and how."""

    about: str
    repair: str


def repair(
    folder: Path, *, now: datetime, deep: bool = False, on_progress: Count = ignore_count
) -> Iterator[Repaired]:
    """Put right what `examine` finds and can be put right.

    First everything is copied to a folder `repair-…` in the project's backups; what is taken out
    of the project is put there, too. A project without findings is left alone.

    Args:
        folder: The project folder; nobody else may write to it.
        now: The time, with its zone; it names that folder.
        deep: Also read all image files and renew the hashes of those that were changed but have
            as many pixels as before.
        on_progress: Gets the number of images looked at, and of all.

    Raises:
        ProjectError: It is no project, somebody else writes to it, or nothing of it can be read.
        OSError: The copy cannot be written; nothing was changed.
    """
    lock = take_lock(folder)
    try:
        findings = [
            each for each in examine(folder, deep=deep, on_progress=on_progress) if each.repairable
        ]
        if findings:
            aside = Aside(folder, now)
            copy = keep_copy(folder, aside)
            yield Repaired(DATABASE_FILE, f"copied to {copy.relative_to(folder).as_posix()}")
            yield from _repaired(folder, findings, aside)
    finally:
        lock.release()


def _repaired(folder: Path, findings: list[Finding], aside: Aside) -> Iterator[Repaired]:
    mended = mend_database(folder, aside)
    yield from (Repaired(DATABASE_FILE, line) for line in mended.lines)
    yield from _rows(folder, aside, mended)
    changed = {each.about for each in findings if each.kind == "changed file"}
    yield from _files(folder, changed)
    damaged = {each.about for each in findings if each.kind == "suggestions"}
    for about in damaged:
        for suffix in ("-wal", "-shm", "-journal", ""):
            (folder / (about + suffix)).unlink(missing_ok=True)
        yield Repaired(SUGGESTIONS_FILE, "deleted; a new run makes the suggestions again")
    for about in sorted({each.about for each in findings if each.kind == "model"}):
        moved = aside.move(folder / about)
        yield Repaired(about, f"moved to {moved.relative_to(folder).as_posix()}")
    yield from _active_model(folder)


def _rows(folder: Path, aside: Aside, mended: Mended) -> Iterator[Repaired]:
    """Annotations, histories and references, in one transaction."""
    backup_path = newest_backup(folder, now=aside.now)
    backup = Database(backup_path) if backup_path else None
    done: list[Repaired] = []
    try:
        with closing(open_database(folder, read_only=False)) as database:
            database.execute("PRAGMA foreign_keys = OFF")
            repairs = Repairs(database, Recovery(database, backup), aside)
            with database.transaction():
                for entry in ImageTable(database, folder).all():
                    lines = [*repairs.annotations(entry)]
                    if any(mended.gaps.values()):
                        lines += repairs.lost(entry, mended.gaps)
                    lines += repairs.log(entry)
                    done += [Repaired(entry.path, line) for line in lines]
                done += [Repaired(DATABASE_FILE, line) for line in repairs.references()]
                database.execute("DELETE FROM settings WHERE key = ?", (UNFINISHED_REPAIR,))
    finally:
        if backup is not None:
            backup.close()
    yield from done


def _files(folder: Path, changed: set[str]) -> Iterator[Repaired]:
    """Hashes of files that were changed, where their pixels still are as many."""
    with closing(open_database(folder, read_only=False)) as database:
        images = ImageTable(database, folder)
        for entry in images.all():
            if entry.path in changed and (found := _as_it_is(entry, images.path(entry))):
                with database.transaction():
                    images.set_files([found])
                yield Repaired(entry.path, "its hash and size are those of the changed file now")


def _as_it_is(entry: ImageEntry, path: Path) -> FoundFile | None:
    try:
        info = read_info(path)
        if (info.width, info.height) != (entry.width, entry.height):
            return None
        status = path.stat()
        digest = content_hash(path)
    except (ImageReadError, OSError):
        return None
    return FoundFile(entry.id, entry.path, status.st_size, status.st_mtime_ns, digest)


def _active_model(folder: Path) -> Iterator[Repaired]:
    """Without the version in use the starter is used."""
    with closing(open_database(folder, read_only=False)) as database:
        for name in missing_version(database, folder):
            with database.transaction():
                database.execute("DELETE FROM settings WHERE key = ?", (ACTIVE_MODEL,))
            yield Repaired(DATABASE_FILE, f"the model {name} is not there: the starter is used")
