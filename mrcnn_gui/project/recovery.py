"""What annotations must be whose rows cannot be read: from the edits, the import, or a backup."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from core.formats.coco import CocoAnnotation, annotation_mask
from mrcnn_gui.project.annotation import ImageEntry, Instance, Provenance, Region, Source
from mrcnn_gui.project.annotation_table import AnnotationTable
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.edits import (
    AcceptSuggestion,
    AddInstance,
    AddRegion,
    Batch,
    Edit,
    PaintMask,
    RemoveInstance,
    RemoveRegion,
    SetAttributes,
    SetCategory,
    SetLocked,
    SetOrder,
    decode_edit,
)
from mrcnn_gui.project.errors import StorageError

Instances = dict[int, Instance]
Regions = dict[int, Region]


class Recovery:
    """Finds annotations of one project again; changes nothing."""

    def __init__(self, database: Database, backup: Database | None) -> None:
        self._database = database
        self._backup = backup
        self._last_logged: tuple[int, tuple[Instances, Regions]] | None = None
        self._last_backed_up: tuple[int, Instances] | None = None

    def logged(self, entry: ImageEntry) -> tuple[Instances, Regions]:
        """What the edits of an image made that is still there; nothing if one is unreadable."""
        if self._last_logged is None or self._last_logged[0] != entry.id:
            self._last_logged = entry.id, self._made_by_edits(entry)
        return self._last_logged[1]

    def _made_by_edits(self, entry: ImageEntry) -> tuple[Instances, Regions]:
        instances: Instances = {}
        regions: Regions = {}
        replay(self._edits(entry.id) or (), instances, regions)
        width, height = entry.width, entry.height
        if width:
            regions = {
                key: replace(each, mask=each.mask.clip(width, height))
                for key, each in regions.items()
            }
        return {key: _clipped(each, entry) for key, each in instances.items()}, regions

    def instance(
        self, entry: ImageEntry, instance_id: int, original: str
    ) -> tuple[Instance, str] | None:
        """One instance, and what it was made from; None when nothing tells."""
        made = self.logged(entry)[0].get(instance_id)
        if made is not None:
            return made, "from its edits"
        edits = self._edits(entry.id)
        base = _imported(instance_id, original, entry)
        if base is not None and edits is not None:
            return self._edited(base, edits, entry), "from its imported record and its edits"
        return self._from_backup(entry, instance_id, edits)

    def backed_up(self, entry: ImageEntry) -> set[int]:
        """The ids of the instances that the backup has of an image."""
        return set(self._of_backup(entry.id))

    def is_as_logged(self, entry: ImageEntry) -> bool:
        """Whether the instances that a whole log made are there, as its end left them."""
        rows = self._database.execute(
            "SELECT edit FROM edits WHERE image_id = ? ORDER BY position", (entry.id,)
        )
        instances: Instances = {}
        replay(map(decode_edit, (text for (text,) in rows)), instances, {})
        present = {it.id: it for it in AnnotationTable(self._database).instances(entry.id)}
        return bool(rows) and all(
            present.get(key) == _clipped(each, entry) for key, each in instances.items()
        )

    def _from_backup(
        self, entry: ImageEntry, instance_id: int, edits: list[Edit] | None
    ) -> tuple[Instance, str] | None:
        found = self._of_backup(entry.id)
        if self._backup is None or instance_id not in found:
            return None
        rows = self._backup.execute("SELECT cursor FROM images WHERE id = ?", (entry.id,))
        name, cursor = self._backup.path.name, int(rows[0][0])
        if edits is None or not self._continues(entry.id, cursor):
            return found[instance_id], f"as it was in {name}"
        return (
            self._edited(found[instance_id], edits[cursor:], entry),
            f"from {name} and its edits since",
        )

    def _of_backup(self, image_id: int) -> Instances:
        """The instances that the backup has of an image."""
        if self._last_backed_up is None or self._last_backed_up[0] != image_id:
            found: Instances = {}
            if self._backup is not None:
                with suppress(StorageError):  # one of them cannot be read
                    found = {it.id: it for it in AnnotationTable(self._backup).instances(image_id)}
            self._last_backed_up = image_id, found
        return self._last_backed_up[1]

    def _edited(self, base: Instance, edits: Iterable[Edit], entry: ImageEntry) -> Instance:
        instances = {base.id: base}
        replay(edits, instances, {})
        return _clipped(instances.get(base.id, base), entry)

    def _edits(self, image_id: int) -> list[Edit] | None:
        """The edits in force; None when they are not all there, or one cannot be read."""
        try:
            cursor = self._database.execute("SELECT cursor FROM images WHERE id = ?", (image_id,))
            rows = self._database.execute(
                "SELECT position, edit FROM edits WHERE image_id = ? AND position <= ? "
                "ORDER BY position",
                (image_id, cursor[0][0]),
            )
            if [position for position, _ in rows] != list(range(1, cursor[0][0] + 1)):
                return None
            return [decode_edit(text) for _, text in rows]
        except (StorageError, ValueError):
            return None

    def _continues(self, image_id: int, cursor: int) -> bool:
        """Whether the log goes on from where the backup's ended."""
        sql = "SELECT position, edit FROM edits WHERE image_id = ? AND position <= ?"
        parameters = (image_id, cursor)
        assert self._backup is not None
        there = self._backup.execute(f"{sql} ORDER BY position", parameters)
        return there == self._database.execute(f"{sql} ORDER BY position", parameters)


def replay(edits: Iterable[Edit], instances: Instances, regions: Regions) -> None:
    """Make edits to what there is; those that speak of something else are passed over."""
    for edit in edits:
        match edit:
            case Batch(parts):
                replay(parts, instances, regions)
            case AddInstance(instance) | AcceptSuggestion(_, instance, False):
                instances[instance.id] = instance
            case RemoveInstance(instance) | AcceptSuggestion(_, instance, True):
                instances.pop(instance.id, None)
            case AddRegion(region):
                regions[region.id] = region
            case RemoveRegion(region):
                regions.pop(region.id, None)
            case PaintMask() | SetCategory() | SetAttributes() | SetOrder() | SetLocked():
                if edit.instance_id in instances:
                    instances[edit.instance_id] = _altered(instances[edit.instance_id], edit)
            case _:
                pass


def _altered(
    instance: Instance, edit: PaintMask | SetCategory | SetAttributes | SetOrder | SetLocked
) -> Instance:
    match edit:
        case PaintMask(_, xor):
            return replace(instance, mask=instance.mask.xor(xor))
        case SetCategory():
            return replace(instance, category_id=edit.after)
        case SetAttributes():
            return replace(instance, attributes=edit.after)
        case SetOrder():
            return replace(instance, z_order=edit.after)
        case SetLocked():
            return replace(instance, locked=edit.after)


def _imported(instance_id: int, original: str, entry: ImageEntry) -> Instance | None:
    """The instance as its import made it; None where the record does not say how it was turned."""
    if not original or not entry.width or entry.orientation != 1:
        return None
    try:
        record = json.loads(original)
        category_id, crowd = int(record["category_id"]), bool(record.get("iscrowd", 0))
        annotation = CocoAnnotation(
            instance_id, 0, category_id, record.get("segmentation"), None, crowd, record
        )
        mask = annotation_mask(annotation, entry.height, entry.width)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    attributes = record.get("attributes")
    return Instance(
        instance_id,
        category_id,
        mask,
        Provenance(Source.IMPORTED),
        crowd,
        attributes if isinstance(attributes, dict) else {},
        original,
    )


def _clipped(instance: Instance, entry: ImageEntry) -> Instance:
    if not entry.width:
        return instance
    return replace(instance, mask=instance.mask.clip(entry.width, entry.height))
