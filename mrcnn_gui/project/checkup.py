"""What is wrong with a project's databases: reads all of them, changes nothing."""

from collections.abc import Callable, Iterator
from typing import Any

from mrcnn_gui.project.annotation import ImageEntry, Region, RegionKind
from mrcnn_gui.project.database import Database, Row
from mrcnn_gui.project.edits import decode_edit
from mrcnn_gui.project.errors import StorageError
from mrcnn_gui.project.rows import (
    INSTANCE_COLUMNS,
    MASK_COLUMNS,
    SUGGESTION_COLUMNS,
    decision_from_row,
    instance_from_row,
    mask_from_row,
)


def damages(database: Database) -> Iterator[str]:
    """What SQLite finds wrong: pages, indices, constraints and references, one line each."""
    try:
        yield from structural_damages(database)
        for table, row, parent, _ in database.execute("PRAGMA foreign_key_check"):
            yield f"row {row} of {table} refers to a row of {parent} that is not there"
    except StorageError as error:
        yield str(error)


def structural_damages(database: Database) -> Iterator[str]:
    """What SQLite finds wrong with pages, indices and constraints, one line each.

    Raises:
        DamagedProjectError: It cannot even look.
    """
    for (line,) in database.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield str(line)


def unreadable_annotations(database: Database, entry: ImageEntry) -> Iterator[str]:
    """The annotations of an image that cannot be read back, one line each."""
    for row, reason in unreadable_instances(database, entry.id):
        yield f"instance {row[0]}: {reason}"
    for row, reason in unreadable_strokes(database, entry.id):
        yield f"a stroke on instance {row[1]}: {reason}"
    for row, reason in unreadable_regions(database, entry.id):
        yield f"region {row[0]}: {reason}"
    for row, reason in unreadable_decisions(database, entry.id):
        yield f"decision {row[1]}: {reason}"


Unreadable = Iterator[tuple[Row, str]]
"""Rows that cannot be read back, and why."""


def unreadable_instances(database: Database, image_id: int) -> Unreadable:
    """Rows of INSTANCE_COLUMNS."""
    return _unreadable(
        database, f"SELECT {INSTANCE_COLUMNS} FROM instances", image_id, instance_from_row
    )


def unreadable_strokes(database: Database, image_id: int) -> Unreadable:
    """Rows of the stroke's id, its instance's id, and MASK_COLUMNS."""
    return _unreadable(
        database,
        f"SELECT id, instance_id, {MASK_COLUMNS} FROM strokes",
        image_id,
        lambda row: mask_from_row(row[2:]),
    )


def unreadable_regions(database: Database, image_id: int) -> Unreadable:
    """Rows of the id, the kind, and MASK_COLUMNS."""
    return _unreadable(
        database,
        f"SELECT id, kind, {MASK_COLUMNS} FROM regions",
        image_id,
        lambda row: Region(row[0], RegionKind(row[1]), mask_from_row(row[2:])),
    )


def unreadable_decisions(database: Database, image_id: int) -> Unreadable:
    """Rows of the verdict and SUGGESTION_COLUMNS."""
    return _unreadable(
        database,
        f"SELECT verdict, {SUGGESTION_COLUMNS} FROM decisions",
        image_id,
        decision_from_row,
    )


def log_problems(database: Database, image_id: int) -> Iterator[str]:
    """What is wrong with the edit log of an image and its cursor, one line each."""
    cursor = int(database.execute("SELECT cursor FROM images WHERE id = ?", (image_id,))[0][0])
    rows = database.execute(
        "SELECT position, edit FROM edits WHERE image_id = ? ORDER BY position", (image_id,)
    )
    if cursor > len(rows):
        yield f"its history is at edit {cursor} of {len(rows)}"
    broken = broken_position(rows)
    if broken is not None:
        yield f"edit {broken} of its history is missing or cannot be read"


def broken_position(rows: list[Row]) -> int | None:
    """The last position of a log, in order, that is missing or cannot be decoded."""
    expected, broken = 1, None
    for position, text in rows:
        if position > expected:
            broken = position - 1
        expected = position + 1
        try:
            decode_edit(text)
        except ValueError:
            broken = position
    return broken


def _unreadable(
    database: Database, select: str, image_id: int, read: Callable[[Row], Any]
) -> Unreadable:
    for row in database.execute(f"{select} WHERE image_id = ? ORDER BY rowid", (image_id,)):
        try:
            read(row)
        except (StorageError, ValueError) as error:
            yield row, str(error)
