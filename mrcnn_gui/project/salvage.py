"""Rows out of a damaged database: all that can be read, into a new one."""

import heapq
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mrcnn_gui.project.database import Database, Row
from mrcnn_gui.project.errors import StorageError
from mrcnn_gui.project.schema import MIGRATIONS, apply_step

Range = tuple[int, int]

_ALL: Range = (-(2**63), 2**63 - 1)
_FARTHEST = 24  # 2**24 ids are looked through behind an end where nothing can be read any more
_NOT_FILLED = ("instances", "strokes")  # others know better what became of them since
_PROBES = 5000  # failing reads of a stretch between rows that can be read
_PROBES_AT_END = 300  # and of each of the stretches behind an end


@dataclass
class Salvaged:
    """What came of a table.

    Attributes:
        rows: How many were read.
        gaps: First and last row ids of the stretches that cannot be read.
        restored: How many rows came out of the backup instead.
        refused: Rows that break a rule of the table, with its name.
    """

    rows: int = 0
    gaps: list[Range] = field(default_factory=list)
    restored: int = 0
    refused: list[Row] = field(default_factory=list)


def salvage(source: Database, target: Path, backup: Database | None) -> dict[str, Salvaged]:
    """Write a new database with all rows of a damaged one that can be read.

    Where rows of a table cannot be read, those that a backup has in their place are taken, but
    for instances and their strokes.

    Args:
        source: Damaged; of the newest format.
        target: The file to write; none is there.
        backup: Whole; of the newest format.

    Returns:
        For each table what came of it.

    Raises:
        StorageError: Nothing can be read, or the new file cannot be written.
    """
    new = Database(target, create=True)
    try:
        for number, step in enumerate(MIGRATIONS, start=1):
            apply_step(new, step, number)
        tables = [
            str(name)
            for (name,) in new.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        ]
        with new.transaction():
            told = {table: _copy_table(source, new, table) for table in tables}
            if backup is not None:
                for table, result in told.items():
                    if result.gaps and table not in _NOT_FILLED:
                        result.restored = _fill(backup, new, table, result.gaps)
            _keep_sequences(source, new)
    finally:
        new.close()
    return told


def _copy_table(source: Database, new: Database, table: str) -> Salvaged:
    result = Salvaged()
    columns = _columns(new, table)
    for row in _readable(source, table, columns, result.gaps):
        if _insert(new, table, columns, row[1:]):
            result.rows += 1
        else:
            result.refused.append(row[1:])
    return result


def _fill(backup: Database, new: Database, table: str, gaps: Iterable[Range]) -> int:
    """The backup's rows for the gaps; of tables without numbered rows, all that are not there."""
    columns = _columns(new, table)
    numbered = any(
        name == "id" and kind == "INTEGER"
        for _, name, kind, *_ in new.execute(f"PRAGMA table_info({table})")
    )
    restored = 0
    for low, high in gaps if numbered else [_ALL]:
        rows = backup.stream(
            f"SELECT {', '.join(columns)} FROM {table} WHERE rowid BETWEEN ? AND ?", (low, high)
        )
        restored += sum(_insert(new, table, columns, row) for row in rows)
    return restored


def _readable(
    source: Database, table: str, columns: Sequence[str], gaps: list[Range]
) -> Iterator[Row]:
    """Row ids and rows: all that lies before, between and behind what is damaged."""
    left = yield from _from_both_ends(source, table, columns, _ALL)
    if left is None:
        return
    if _ALL[0] < left[0] and left[1] < _ALL[1]:
        yield from _halved(source, table, columns, left, _PROBES, gaps)
        return
    for stretch in _behind_an_end(left):
        yield from _halved(source, table, columns, stretch, _PROBES_AT_END, gaps)
    gaps.append(left)


def _behind_an_end(left: Range) -> Iterator[Range]:
    """Stretches that grow with the distance from the last row; from 0 where no row was read."""
    low, high = left
    if left == _ALL:
        yield from _behind_an_end((low, 0))
        yield from _behind_an_end((1, high))
        return
    for power in range(_FARTHEST):
        near, far = 2**power - 1, 2 ** (power + 1) - 2
        yield (low + near, low + far) if high == _ALL[1] else (high - far, high - near)


def _halved(
    source: Database,
    table: str,
    columns: Sequence[str],
    stretch: Range,
    probes: int,
    gaps: list[Range],
) -> Iterator[Row]:
    """What can be read in a stretch, the widest part of it first."""
    heap = [(stretch[0] - stretch[1], *stretch)]
    while heap:
        _, low, high = heapq.heappop(heap)
        left = yield from _from_both_ends(source, table, columns, (low, high))
        probes -= 1
        if left is None:
            continue
        low, high = left
        if low == high or probes < 0:
            gaps.append(left)
            continue
        middle = (low + high) // 2
        for half in ((low, middle), (middle + 1, high)):
            heapq.heappush(heap, (half[0] - half[1], *half))


def _from_both_ends(
    source: Database, table: str, columns: Sequence[str], within: Range
) -> Generator[Row, None, Range | None]:
    """Rows from either end of a stretch; returns what is left of it, None for nothing."""
    left = yield from _from_one_end(source, table, columns, within, "ASC")
    if left is not None:
        left = yield from _from_one_end(source, table, columns, left, "DESC")
    return left


def _from_one_end(
    source: Database, table: str, columns: Sequence[str], within: Range, order: str
) -> Generator[Row, None, Range | None]:
    """Rows until one cannot be read; returns what is left of the range, None for nothing."""
    low, high = within
    sql = (
        f"SELECT rowid, {', '.join(columns)} FROM {table} NOT INDEXED "
        f"WHERE rowid BETWEEN ? AND ? ORDER BY rowid {order}"
    )
    try:
        for row in source.stream(sql, within):
            low, high = (row[0] + 1, high) if order == "ASC" else (low, row[0] - 1)
            yield row
    except StorageError:
        return (low, high) if low <= high else None
    return None


def _insert(new: Database, table: str, columns: Sequence[str], row: Row) -> bool:
    values, marks = [], []
    for value in row:
        escaped = isinstance(value, str) and not value.isascii()  # may be no UTF-8
        values.append(value.encode("utf-8", "surrogateescape") if escaped else value)
        marks.append("CAST(? AS TEXT)" if escaped else "?")
    new.execute(
        f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join(marks)})", values
    )
    return bool(new.execute("SELECT changes()")[0][0])


def _columns(database: Database, table: str) -> list[str]:
    return [f'"{row[1]}"' for row in database.execute(f"PRAGMA table_info({table})")]


def _keep_sequences(source: Database, new: Database) -> None:
    """Ids of removed rows are never given again."""
    try:
        rows = source.execute("SELECT name, seq FROM sqlite_sequence")
    except StorageError:
        return
    for name, seq in rows:
        new.execute("DELETE FROM sqlite_sequence WHERE name = ? AND seq < ?", (name, seq))
        new.execute(
            "INSERT INTO sqlite_sequence SELECT ?1, ?2 "
            "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
            (name, seq),
        )
