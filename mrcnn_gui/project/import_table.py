"""Rows that an import writes in bulk: a million of them in a minute."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from core.masks import Mask
from mrcnn_gui.project.annotation import Source
from mrcnn_gui.project.database import Database, Row
from mrcnn_gui.project.rows import mask_to_row, places, run_lengths_to_row

_INSTANCE_COLUMNS = (
    "id, image_id, category_id, source, model_version, score, is_crowd, attributes, original, "
    "untouched, x, y, width, height, mask"
)
_INSERT = f"INSERT INTO instances ({_INSTANCE_COLUMNS}) VALUES ({places(_INSTANCE_COLUMNS)})"
_NO_MASK = mask_to_row(Mask.empty())


@dataclass(frozen=True)
class ImportedImage:
    """An image as an import notes it; `record` is the COCO record as canonical JSON."""

    id: int
    width: int
    height: int
    orientation: int
    record: str


class ImportedMask(NamedTuple):
    """Compressed COCO run lengths in the frame of the whole image, and their box."""

    counts: bytes
    height: int
    width: int
    bbox_xywh: tuple[int, int, int, int]

    def to_row(self) -> Row:
        """The columns of a mask."""
        if not self.bbox_xywh[2]:
            return _NO_MASK
        return run_lengths_to_row(self.counts, self.height, self.width, self.bbox_xywh)


class ImportedInstance(NamedTuple):
    """An annotation as an import writes it; a tuple, as there are a million of them.

    Attributes:
        id: The file's id where it is free, else None.
        image_id: The project's image.
        category_id: The project's category.
        mask: Its pixels.
        is_crowd: COCO's iscrowd.
        attributes: The user's own fields, as JSON.
        record: The COCO record as canonical JSON.
        untouched: Whether an export may write the record as it stands.
    """

    id: int | None
    image_id: int
    category_id: int
    mask: ImportedMask
    is_crowd: bool
    attributes: str
    record: str
    untouched: bool


class ImportTable:
    """Writing belongs inside a transaction of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unnamed = 0

    def begin(self, name: str) -> int:
        """Note a new import of the file of this name; returns its id."""
        self._database.execute("INSERT INTO imports (name, rest) VALUES (?, '{}')", (name,))
        return int(self._database.execute("SELECT max(id) FROM imports")[0][0])

    def note_rest(self, import_id: int, rest: str) -> None:
        """Keep the other top-level keys of the file, as JSON."""
        self._database.execute("UPDATE imports SET rest = ? WHERE id = ?", (rest, import_id))

    def highest_instance_id(self) -> int:
        """The highest id that an instance has or had."""
        rows = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'instances'")
        return int(rows[0][0]) if rows else 0

    def records(self) -> Iterator[tuple[int, str]]:
        """Image id and record of every imported instance."""
        yield from self._database.stream(
            "SELECT image_id, original FROM instances WHERE original <> ''"
        )

    def note_images(self, import_id: int, images: Iterable[ImportedImage]) -> None:
        """Write down what the file and the images' headers say."""
        self._database.execute_many(
            "UPDATE images SET width = ?, height = ?, orientation = ?, problem = '', "
            "import_id = ?, original = ? WHERE id = ?",
            (
                (image.width, image.height, image.orientation, import_id, image.record, image.id)
                for image in images
            ),
        )

    def export_ids(self) -> dict[int, tuple[int, bool]]:
        """By export id: the image that has it, and whether that image was imported."""
        rows = self._database.execute("SELECT export_id, id, import_id NOT NULL FROM images")
        return {export_id: (image_id, bool(imported)) for export_id, image_id, imported in rows}

    def set_export_ids(self, ids: Mapping[int, int]) -> None:
        """Give images, by id, new export ids, which no other image may have afterwards."""
        # In two steps, as ids may be exchanged: nobody has these numbers in between.
        low = self._database.execute("SELECT min(export_id) FROM images")[0][0] or 0
        parked = min(low, 0) - 1
        self._database.execute_many(
            "UPDATE images SET export_id = ? WHERE id = ?",
            ((parked - place, image_id) for place, image_id in enumerate(ids)),
        )
        self._database.execute_many(
            "UPDATE images SET export_id = ? WHERE id = ?",
            ((export_id, image_id) for image_id, export_id in ids.items()),
        )

    def start(self, image_ids: Iterable[int]) -> None:
        """Put to-do images in progress, except those with edits: there it belongs to their log."""
        self._database.execute_many(
            "UPDATE images SET status = 'in_progress' WHERE id = ? AND status = 'todo' "
            "AND NOT EXISTS (SELECT 1 FROM edits WHERE image_id = images.id)",
            ((image_id,) for image_id in image_ids),
        )

    def add(self, instances: Iterable[ImportedInstance]) -> None:
        """Add instances; those without an id get theirs in `name_all`."""
        self._database.execute_many(_INSERT, map(self._row, instances))

    def name_all(self) -> None:
        """Give the instances that came without an id the next free ones, in their order."""
        if not self._unnamed:
            return
        highest = self.highest_instance_id()
        self._database.execute("UPDATE instances SET id = ? - id WHERE id < 0", (highest,))
        self._database.execute(
            "UPDATE sqlite_sequence SET seq = ? WHERE name = 'instances'",
            (highest + self._unnamed,),
        )
        self._unnamed = 0

    def _row(self, instance: ImportedInstance) -> Row:
        instance_id = instance.id
        if instance_id is None:
            self._unnamed += 1
            instance_id = -self._unnamed
        return (
            instance_id,
            instance.image_id,
            instance.category_id,
            Source.IMPORTED.value,
            "",
            None,
            instance.is_crowd,
            instance.attributes,
            instance.record,
            instance.untouched,
            *instance.mask.to_row(),
        )
