"""A damaged database file made whole: indices built anew, or rows salvaged into a new file."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from core.files import atomic_path
from mrcnn_gui.project.aside import Aside
from mrcnn_gui.project.backups import newest_backup
from mrcnn_gui.project.checkup import structural_damages
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.errors import DamagedProjectError, StorageError
from mrcnn_gui.project.opening import DATABASE_FILE
from mrcnn_gui.project.private_copy import BESIDE, PrivateCopy
from mrcnn_gui.project.salvage import Range, Salvaged, salvage
from mrcnn_gui.project.schema import MIGRATIONS, version_of

# The setting that names the gaps of a salvaged file until they are filled: a repair that is
# interrupted in between must not leave a file that looks whole.
UNFINISHED_REPAIR = "unfinished_repair"


def keep_copy(folder: Path, aside: Aside) -> Path:
    """Copy project.db, with all that is committed, or what there is of a damaged one."""
    path, target = folder / DATABASE_FILE, aside.path_for(DATABASE_FILE)
    try:
        with closing(Database(path, read_only=True)) as database:
            database.backup(target)
    except StorageError:
        for suffix in ("", *BESIDE):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, target.with_name(target.name + suffix))
    return target


@dataclass
class Mended:
    """What was done to a database file.

    Attributes:
        lines: A line for each thing; empty when it was whole.
        gaps: By table the row ids of which nothing could be read.
    """

    lines: list[str] = field(default_factory=list)
    gaps: dict[str, list[Range]] = field(default_factory=dict)


def mend_database(folder: Path, aside: Aside) -> Mended:
    """Make project.db whole.

    Belongs under the project's lock, with a copy made before. What can be read is kept; in the
    place of what cannot, the newest whole backup's rows are put, but for instances: they may have
    edits since (see `Repairs.lost`).

    Raises:
        DamagedProjectError: Nothing can be read, and there is no backup.
    """
    path = folder / DATABASE_FILE
    if _is_whole(path):
        return Mended(gaps=_gaps_left(path))
    if _reindexed(path):
        return Mended(["its indices were built anew"])
    backup = newest_backup(folder, now=aside.now)
    told = _salvaged(path, backup)
    if told is None:
        return Mended([_restored(path, backup)])
    mended = Mended(["it was written anew with all that can be read"])
    for table, result in told.items():
        mended.lines += _lines(table, result, backup)
        mended.gaps[table] = result.gaps
        for row in result.refused:
            aside.keep_row(table, [str(number) for number in range(len(row))], row)
    return mended


def _salvaged(path: Path, backup: Path | None) -> dict[str, Salvaged] | None:
    """What came of each table; None when the file cannot be read at all."""
    try:
        with closing(PrivateCopy.of_files(path)) as copy, closing(Database(copy.path)) as source:
            if version_of(source) == len(MIGRATIONS):
                return _replaced(path, source, backup)
    except StorageError:
        pass
    return None


def _is_whole(path: Path) -> bool:
    try:
        with closing(Database(path)) as database:
            return not list(structural_damages(database))
    except DamagedProjectError:
        return False


def _reindexed(path: Path) -> bool:
    """Whether new indices are all that it takes."""
    try:
        with closing(Database(path)) as database:
            database.execute("REINDEX")
            return not list(structural_damages(database))
    except StorageError:
        return False


def _replaced(path: Path, source: Database, backup: Path | None) -> dict[str, Salvaged]:
    with atomic_path(path) as new:
        if backup is None:
            told = salvage(source, new, None)
        else:
            with closing(Database(backup, read_only=True)) as whole:
                told = salvage(source, new, whole)
        _remember(new, {table: result.gaps for table, result in told.items() if result.gaps})
        _drop_beside(path)
    return told


def _remember(path: Path, gaps: dict[str, list[Range]]) -> None:
    with closing(Database(path)) as database, database.transaction():
        database.execute(
            "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)",
            (UNFINISHED_REPAIR, json.dumps(gaps)),
        )


def _gaps_left(path: Path) -> dict[str, list[Range]]:
    """The gaps that an interrupted repair has not filled."""
    with closing(Database(path)) as database:
        query = "SELECT value FROM settings WHERE key = ?"
        rows = database.execute(query, (UNFINISHED_REPAIR,))
    gaps = json.loads(rows[0][0]) if rows else {}
    return {table: [(low, high) for low, high in ranges] for table, ranges in gaps.items()}


def _restored(path: Path, backup: Path | None) -> str:
    if backup is None:
        raise DamagedProjectError(
            f"nothing in {path} can be read, and there is no backup of it in {path.parent}"
        )
    with atomic_path(path) as new:
        shutil.copyfile(backup, new)
        _drop_beside(path)
    return f"nothing in it could be read: {backup.name} took its place, later work is not in it"


def _drop_beside(path: Path) -> None:
    """A log that another file left would be read into the new one; a copy of it was made."""
    for suffix in (*BESIDE, "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _lines(table: str, result: Salvaged, backup: Path | None) -> Iterator[str]:
    if result.gaps:
        name = backup.name if backup else ""
        where = f", {result.restored} of them are from {name}" if result.restored else ""
        yield f"{table}: {result.rows} rows were read, others could not be{where}"
    if result.refused:
        yield f"{table}: {len(result.refused)} rows that make no sense were moved aside"
