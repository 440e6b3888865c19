"""The table of regions: parts of images that are finished, or to be ignored."""

from mrcnn_gui.project.annotation import Region, RegionKind
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.document import Change, ImageDocument
from mrcnn_gui.project.rows import MASK_COLUMNS, mask_from_row, mask_to_row


class RegionTable:
    """Regions of one project; writing belongs inside a transaction of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last_id = 0

    def of_image(self, image_id: int) -> dict[int, Region]:
        """The regions of one image, by rising ids."""
        rows = self._database.execute(
            f"SELECT id, kind, {MASK_COLUMNS} FROM regions WHERE image_id = ? ORDER BY id",
            (image_id,),
        )
        return {row[0]: Region(row[0], RegionKind(row[1]), mask_from_row(row[2:])) for row in rows}

    def new_id(self) -> int:
        """An id that no region of the project has or ever had, >= 1."""
        rows = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'regions'")
        self._last_id = max(self._last_id, rows[0][0] if rows else 0) + 1
        return self._last_id

    def save(self, document: ImageDocument, change: Change) -> None:
        """Write what a change touched as the document has it; what it lacks is deleted."""
        for region_id in sorted(change.region_ids):
            key = (region_id, document.image_id)
            self._database.execute("DELETE FROM regions WHERE id = ? AND image_id = ?", key)
            region = document.regions.get(region_id)
            if region is not None:
                self._database.execute(
                    f"INSERT INTO regions (id, image_id, kind, {MASK_COLUMNS}) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (*key, region.kind, *mask_to_row(region.mask)),
                )
