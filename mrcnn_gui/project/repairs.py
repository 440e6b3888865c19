"""Rows that make no sense put right: made anew where something tells how, else moved aside."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.annotation_table import AnnotationTable
from mrcnn_gui.project.aside import Aside
from mrcnn_gui.project.category_table import CategoryTable
from mrcnn_gui.project.checkup import (
    broken_position,
    unreadable_decisions,
    unreadable_instances,
    unreadable_regions,
    unreadable_strokes,
)
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.recovery import Recovery
from mrcnn_gui.project.rows import mask_to_row
from mrcnn_gui.project.salvage import Range


class Repairs:
    """Repairs the rows of one project; belongs inside a transaction, foreign keys not enforced."""

    def __init__(self, database: Database, recovery: Recovery, aside: Aside) -> None:
        self._database, self._recovery, self._aside = database, recovery, aside
        self._annotations = AnnotationTable(database)

    def annotations(self, entry: ImageEntry) -> Iterator[str]:
        """Repair what cannot be read of an image; yields a line for each."""
        broken = {row[0] for row, _ in unreadable_instances(self._database, entry.id)}
        strokes = {row[1] for row, _ in unreadable_strokes(self._database, entry.id)}
        for instance_id in sorted(broken | strokes):
            yield self._instance(entry, instance_id, readable=instance_id not in broken)
        for row, _ in list(unreadable_regions(self._database, entry.id)):
            yield self._region(entry, row[0])
        for row, _ in list(unreadable_decisions(self._database, entry.id)):
            self._take_out("decisions", "image_id = ? AND key = ?", (entry.id, row[1]))
            yield f"decision {row[1]}: moved aside, the suggestion may come back"

    def lost(self, entry: ImageEntry, gaps: Mapping[str, Sequence[Range]]) -> Iterator[str]:
        """Bring back what a salvage left out of an image; yields a line for each.

        Args:
            entry: The image.
            gaps: By table the row ids of which nothing could be read.
        """
        rows = self._database.execute("SELECT id FROM instances WHERE image_id = ?", (entry.id,))
        present = {instance_id for (instance_id,) in rows}
        known = self._recovery.logged(entry)[0].keys() | self._recovery.backed_up(entry)
        for instance_id in sorted(known - present):
            if _is_in(instance_id, gaps.get("instances", ())):
                yield self._instance(entry, instance_id, readable=False)
        if _is_in(entry.id, gaps.get("images", ())):
            yield from self._history_of_restored(entry)

    def _history_of_restored(self, entry: ImageEntry) -> Iterator[str]:
        """The cursor of a row from a backup is that of then: the annotations may be of now."""
        count = self._count(entry.id)
        if count and self._recovery.is_as_logged(entry):
            self._set_cursor(entry.id, count)
        elif count:
            self._forget(entry.id, "position <= ?", count)
            self._set_cursor(entry.id, 0)
            yield "its history begins anew: nothing tells which edits are in force"

    def log(self, entry: ImageEntry) -> Iterator[str]:
        """Let the history of an image begin behind what cannot be read, with its cursor in it."""
        cursor, broken = self._log_state(entry.id)
        if broken is not None and broken > cursor:
            self._forget(entry.id, "position > ?", cursor)
            yield "what was undone cannot be redone: an edit is missing or cannot be read"
            cursor, broken = self._log_state(entry.id)
        if broken is not None:
            self._forget(entry.id, "position <= ?", broken)
            self._renumber(entry.id, broken)
            cursor = self._set_cursor(entry.id, cursor - broken)
            yield f"its history begins behind edit {broken}: it is missing or cannot be read"
        count = self._count(entry.id)
        if cursor > count and self._recovery.is_as_logged(entry):
            self._set_cursor(entry.id, count)
            yield f"its history was at edit {cursor} of {count}, and is at its end now"
        elif cursor > count:
            self._forget(entry.id, "position <= ?", count)
            self._set_cursor(entry.id, 0)
            yield f"its history begins anew: edits {count + 1} to {cursor} are missing"

    def references(self) -> Iterator[str]:
        """Repair rows that refer to something that is not there; yields a line for each."""
        for table, row, parent, key in self._database.execute("PRAGMA foreign_key_check"):
            columns = self._database.execute(f"PRAGMA foreign_key_list({table})")
            column = next(each[3] for each in columns if each[0] == key)
            told = f"row {row} of {table}"
            if parent == "categories":
                yield f"{told}: its category was made anew as {self._category(row)}"
            elif self._may_be_null(table, column):
                self._database.execute(
                    f"UPDATE {table} SET {column} = NULL WHERE rowid = ?", (row,)
                )
                yield f"{told}: it refers to no {parent} any more"
            else:
                self._take_out(table, "rowid = ?", (row,))
                yield f"{told}: moved aside, it belongs to nothing in {parent}"

    def _instance(self, entry: ImageEntry, instance_id: int, *, readable: bool) -> str:
        rows = self._database.execute("SELECT original FROM instances WHERE id = ?", (instance_id,))
        original = rows[0][0] if rows else ""
        found = self._recovery.instance(entry, instance_id, original)
        self._take_out("strokes", "instance_id = ?", (instance_id,))
        if found is None and readable:
            return f"instance {instance_id}: its latest strokes were moved aside"
        self._take_out("instances", "id = ?", (instance_id,))
        if found is None:
            return f"instance {instance_id}: moved aside, nothing tells its mask"
        self._annotations.insert(entry.id, [found[0]])
        return f"instance {instance_id}: made anew {found[1]}"

    def _region(self, entry: ImageEntry, region_id: int) -> str:
        found = self._recovery.logged(entry)[1].get(region_id)
        if found is None:
            self._take_out("regions", "id = ?", (region_id,))
            return f"region {region_id}: moved aside, nothing tells its mask"
        self._database.execute(
            "UPDATE regions SET (kind, x, y, width, height, mask) = (?, ?, ?, ?, ?, ?) "
            "WHERE id = ?",
            (found.kind, *mask_to_row(found.mask), region_id),
        )
        return f"region {region_id}: made anew from its edits"

    def _log_state(self, image_id: int) -> tuple[int, int | None]:
        """The cursor, and the last broken position."""
        [[cursor]] = self._database.execute("SELECT cursor FROM images WHERE id = ?", (image_id,))
        rows = self._database.execute(
            "SELECT position, edit FROM edits WHERE image_id = ? ORDER BY position", (image_id,)
        )
        return cursor, broken_position(rows)

    def _set_cursor(self, image_id: int, cursor: int) -> int:
        self._database.execute("UPDATE images SET cursor = ? WHERE id = ?", (cursor, image_id))
        return cursor

    def _count(self, image_id: int) -> int:
        rows = self._database.execute("SELECT count(*) FROM edits WHERE image_id = ?", (image_id,))
        return int(rows[0][0])

    def _forget(self, image_id: int, which: str, position: int) -> None:
        """Take edits out of a log; project-wide ones of theirs become edits of each image."""
        where, parameters = f"image_id = ? AND {which}", (image_id, position)
        steps = self._database.execute(
            f"SELECT DISTINCT project_edit FROM edits WHERE {where} AND project_edit NOT NULL",
            parameters,
        )
        for (step,) in steps:
            self._database.execute(
                "UPDATE edits SET project_edit = NULL WHERE project_edit = ?", (step,)
            )
            self._take_out("project_edits", "id = ?", (step,))
        self._take_out("edits", where, parameters)

    def _renumber(self, image_id: int, dropped: int) -> None:
        rows = self._database.execute(
            "SELECT position FROM edits WHERE image_id = ? ORDER BY position", (image_id,)
        )
        for (position,) in rows:  # one by one, upwards: no two ever have one position
            self._database.execute(
                "UPDATE edits SET position = ? WHERE image_id = ? AND position = ?",
                (position - dropped, image_id, position),
            )

    def _category(self, instance_id: int) -> str:
        [[category_id]] = self._database.execute(
            "SELECT category_id FROM instances WHERE id = ?", (instance_id,)
        )
        categories = CategoryTable(self._database)
        name = f"recovered {category_id}"
        if all(each.id != category_id for each in categories.all()):
            taken = {each.name for each in categories.all()}
            while name in taken:
                name += "'"
            categories.add(name, None, category_id)
        return repr(name)

    def _may_be_null(self, table: str, column: str) -> bool:
        columns = self._database.execute(f"PRAGMA table_info({table})")
        return not any(each[1] == column and each[3] for each in columns)

    def _take_out(self, table: str, where: str, parameters: Sequence[Any]) -> None:
        columns = [row[1] for row in self._database.execute(f"PRAGMA table_info({table})")]
        for row in self._database.execute(f"SELECT * FROM {table} WHERE {where}", parameters):
            self._aside.keep_row(table, columns, row)
        self._database.execute(f"DELETE FROM {table} WHERE {where}", parameters)


def _is_in(row_id: int, gaps: Sequence[Range]) -> bool:
    return any(low <= row_id <= high for low, high in gaps)
