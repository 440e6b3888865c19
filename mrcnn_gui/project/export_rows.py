"""What an export reads: rows as they are, so that what nobody touched is never decoded."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from core.masks import Mask, decode_rle
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.database import Database

_COLUMNS = "id, category_id, width, untouched, original, mask"


@dataclass(frozen=True, slots=True)
class UntouchedRow:
    """An instance as its import left it.

    Attributes:
        id: The instance's.
        category_id: What it is.
        original: Its COCO record as canonical JSON.
        size: Height and width of the image that `counts` are for.
        counts: Compressed COCO run lengths; b"" when it has no pixels.
    """

    id: int
    category_id: int
    original: str
    size: tuple[int, int]
    counts: bytes

    def instance(self) -> Instance:
        """The same, decoded."""
        record = json.loads(self.original)
        attributes = record.get("attributes")
        return Instance(
            self.id,
            self.category_id,
            _mask(self.size, self.counts),
            Provenance(Source.IMPORTED),
            bool(record.get("iscrowd", 0)),
            attributes if isinstance(attributes, dict) else {},
            self.original,
        )


class ExportRows:
    """Reads one project for an export."""

    def __init__(self, database: Database, instances: Callable[[int], list[Instance]]) -> None:
        """Read with `instances` what has to be decoded."""
        self._database = database
        self._instances = instances

    def of_image(self, image_id: int) -> Iterator[UntouchedRow | Instance]:
        """The instances of one image by id; those that an import left as run lengths undecoded."""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM instances WHERE image_id = ? ORDER BY id", (image_id,)
        )
        changed = {
            instance_id
            for (instance_id,) in self._database.execute(
                "SELECT instance_id FROM strokes WHERE image_id = ?", (image_id,)
            )
        }
        decoded: dict[int, Instance] | None = None
        for instance_id, category_id, width, untouched, original, blob in rows:
            plain = untouched and original and instance_id not in changed
            if plain and (not width or blob[:1].isdigit()):
                size, counts = _run_lengths(blob) if width else ((0, 0), b"")
                yield UntouchedRow(instance_id, category_id, original, size, counts)
                continue
            if decoded is None:
                decoded = {instance.id: instance for instance in self._instances(image_id)}
            yield decoded[instance_id]

    def image_original(self, image_id: int) -> dict[str, Any]:
        """The imported COCO record of an image; empty where there is none."""
        rows = self._database.execute("SELECT original FROM images WHERE id = ?", (image_id,))
        return _record(rows[0][0]) if rows else {}

    def image_originals(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Id and imported COCO record of every image that has one."""
        for image_id, original in self._database.execute(
            "SELECT id, original FROM images WHERE original != '' ORDER BY id"
        ):
            yield image_id, _record(original)

    def category_originals(self) -> dict[int, dict[str, Any]]:
        """The imported COCO records of the categories that have one, by id."""
        rows = self._database.execute("SELECT id, original FROM categories WHERE original != ''")
        return {category_id: _record(original) for category_id, original in rows}

    def imports(self) -> list[tuple[str, dict[str, Any]]]:
        """Name of each imported file, the first one first, and its other top-level keys."""
        rows = self._database.execute("SELECT name, rest FROM imports ORDER BY id")
        return [(name, _record(rest)) for name, rest in rows]


def _run_lengths(blob: bytes) -> tuple[tuple[int, int], bytes]:
    height, width, counts = blob.split(b" ", 2)
    return (int(height), int(width)), counts


def _mask(size: tuple[int, int], counts: bytes) -> Mask:
    if not counts:
        return Mask.empty()
    return decode_rle({"size": list(size), "counts": counts.decode()})


def _record(text: str) -> dict[str, Any]:
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}
