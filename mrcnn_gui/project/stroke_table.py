"""Strokes on large masks that are written down, but not yet part of the stored mask.

A mask of many pixels is not written again at every stroke: the pixels that flipped get a row of
their own, in the transaction of the edit. Whoever reads instances flips them; `fold` writes the
whole masks and drops the strokes when there is time.
"""

from collections.abc import Mapping
from functools import reduce

from core.masks import Mask
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.rows import MASK_COLUMNS, mask_from_row, mask_to_row, places

LARGE = 2**18
"""Pixels of a crop from which on a stroke is written alone; below, the mask takes a few ms."""

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
        for instance_id, flipped in self.pending(image_id).items():
            [row] = self._database.execute(
                f"SELECT {MASK_COLUMNS} FROM instances WHERE id = ?", (instance_id,)
            )
            self._database.execute(
                f"UPDATE instances SET ({MASK_COLUMNS}, untouched) = "
                f"({places(MASK_COLUMNS)}, 0) WHERE id = ?",
                (*mask_to_row(mask_from_row(row).xor(flipped)), instance_id),
            )
            self._database.execute("DELETE FROM strokes WHERE instance_id = ?", (instance_id,))
