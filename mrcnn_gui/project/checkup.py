"""What is wrong with a project's databases: reads all of them, changes nothing."""

from collections.abc import Callable, Iterator
from typing import Any

from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.database import Database, Row
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
        for (line,) in database.execute("PRAGMA integrity_check"):
            if line != "ok":
                yield str(line)
        for table, row, parent, _ in database.execute("PRAGMA foreign_key_check"):
            yield f"row {row} of {table} refers to a row of {parent} that is not there"
    except StorageError as error:
        yield str(error)


def unreadable_annotations(database: Database, entry: ImageEntry) -> Iterator[str]:
    """The instances and decisions of an image that cannot be read back, one line each."""
    yield from _unreadable(
        database.execute(
            f"SELECT {INSTANCE_COLUMNS} FROM instances WHERE image_id = ? ORDER BY id", (entry.id,)
        ),
        instance_from_row,
        lambda row: f"instance {row[0]}",
    )
    yield from _unreadable(
        database.execute(
            f"SELECT instance_id, {MASK_COLUMNS} FROM strokes WHERE image_id = ? ORDER BY id",
            (entry.id,),
        ),
        lambda row: mask_from_row(row[1:]),
        lambda row: f"a stroke on instance {row[0]}",
    )
    yield from _unreadable(
        database.execute(
            f"SELECT verdict, {SUGGESTION_COLUMNS} FROM decisions WHERE image_id = ? ORDER BY key",
            (entry.id,),
        ),
        decision_from_row,
        lambda row: f"decision {row[1]}",
    )


def _unreadable(
    rows: list[Row], read: Callable[[Row], Any], name: Callable[[Row], str]
) -> Iterator[str]:
    for row in rows:
        try:
            read(row)
        except (StorageError, ValueError) as error:
            yield f"{name(row)}: {error}"
