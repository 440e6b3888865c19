"""Strokes on large masks that are written down, but not yet part of the stored mask.

A mask of many pixels is not written again at every stroke: the pixels that flipped get a row of
their own, in the transaction of the edit. Whoever reads instances flips them; `fold` writes the
whole masks and drops the strokes when there is time.
"""

from collections.abc import Mapping
from functools import reduce
from typing import TypeAlias

from core.masks import Mask
from mrcnn_gui.project.database import Database, Row
from mrcnn_gui.project.rows import MASK_COLUMNS, mask_from_row, mask_to_row, places

LARGE = 2**18
"""Pixels of a crop from which on a stroke is written alone; below, the mask takes a few ms."""

Folded: TypeAlias = Mapping[int, Row]
"""Rows of whole masks, by instance."""

_INSERT = (
    f"INSERT INTO strokes (image_id, instance_id, {MASK_COLUMNS}) "
    f"VALUES (?, ?, {places(MASK_COLUMNS)})"
)


class StrokeTable:
    """Pending strokes of one project; writing belongs inside a transaction of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, image_id: int, instance_id: int, flipped: Mask) -> None:
        """Note the pixels of a stored instance that changed sides."""
        self._database.execute(_INSERT, (image_id, instance_id, *mask_to_row(flipped)))

    def any(self, image_id: int) -> bool:
        """Whether an image has strokes."""
        rows = self._database.execute(
            "SELECT EXISTS (SELECT 1 FROM strokes WHERE image_id = ?)", (image_id,)
        )
        return bool(rows[0][0])

    def pending(self, image_id: int) -> Mapping[int, Mask]:
        """The pixels that differ from the stored masks, by instance."""
        rows = self._database.execute(
            f"SELECT instance_id, {MASK_COLUMNS} FROM strokes WHERE image_id = ?", (image_id,)
        )
        strokes: dict[int, list[Mask]] = {}
        for instance_id, *row in rows:
            strokes.setdefault(instance_id, []).append(mask_from_row(tuple(row)))
        return {instance_id: reduce(Mask.xor, each) for instance_id, each in strokes.items()}

    def fold(self, image_id: int) -> None:
        """Write the whole masks of an image's instances, and drop its strokes."""
        self._put(self.folded(image_id))

    def folded(self, image_id: int) -> Folded:
        """The rows of the whole masks; any connection may be asked, so that nobody waits."""
        with self._database.snapshot():
            strokes = self.pending(image_id)
            select = f"SELECT {MASK_COLUMNS} FROM instances WHERE id = ?"
            stored = {key: self._database.execute(select, (key,))[0] for key in strokes}
        return {
            key: mask_to_row(mask_from_row(stored[key]).xor(flipped))
            for key, flipped in strokes.items()
        }

    @property
    def moment(self) -> int:
        """Stays the same as long as this connection, the only one that writes, writes nothing."""
        return self._database.changes

    def put(self, folded: Folded, moment: int) -> bool:
        """Write the whole masks, and drop the strokes; False when something was written since.

        Args:
            folded: What another connection has read.
            moment: That of this connection before.
        """
        if moment != self.moment:
            return False
        with self._database.transaction():
            self._put(folded)
        return True

    def _put(self, folded: Folded) -> None:
        for instance_id, row in folded.items():
            self._database.execute(
                f"UPDATE instances SET ({MASK_COLUMNS}, untouched) = "
                f"({places(MASK_COLUMNS)}, 0) WHERE id = ?",
                (*row, instance_id),
            )
            self._database.execute("DELETE FROM strokes WHERE instance_id = ?", (instance_id,))
