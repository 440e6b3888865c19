"""Annotations as rows of SQLite tables, and back."""

import json
from typing import TypeVar

from core.masks import Mask, decode_rle
from mrcnn_gui.project.annotation import (
    Category,
    Decision,
    ImageEntry,
    Instance,
    Provenance,
    ReviewStatus,
    Side,
    Source,
    Suggestion,
    Verdict,
)
from mrcnn_gui.project.database import Row
from mrcnn_gui.project.errors import DamagedProjectError

T = TypeVar("T")

_STATUSES = {status.value: status for status in ReviewStatus}
_SIDES: dict[str | None, Side | None] = {None: None, **{side.value: side for side in Side}}

MASK_COLUMNS = "x, y, width, height, mask"
CATEGORY_COLUMNS = "id, name, color, key, description, supercategory, attributes"
IMAGE_COLUMNS = (
    "id, path, width, height, content_hash, status, side, problem, export_id, page, pages, "
    'orientation, file_size, modified_ns, "group", reviewer, comment'
)
INSTANCE_COLUMNS = (
    "id, category_id, source, model_version, score, is_crowd, attributes, original, z_order, "
    "locked, seconds, " + MASK_COLUMNS
)
SUGGESTION_COLUMNS = "key, category, score, model_version, " + MASK_COLUMNS


def places(columns: str) -> str:
    """The placeholders for a list of columns: "?, ?, ?"."""
    return ", ".join("?" * len(columns.split(",")))


def mask_to_row(mask: Mask) -> Row:
    """The box and the packed, compressed crop."""
    return (*mask.bbox_xywh, mask.packed)


def run_lengths_to_row(
    counts: bytes, height: int, width: int, bbox_xywh: tuple[int, int, int, int]
) -> Row:
    """Compressed COCO run lengths of a whole image, kept as they are: an import's quick way."""
    return (*bbox_xywh, b"%d %d " % (height, width) + counts)


def mask_from_row(row: Row) -> Mask:
    """Inverse of `mask_to_row` and `run_lengths_to_row`.

    Raises:
        DamagedProjectError: The stored bytes are no such mask.
    """
    x, y, width, height, blob = row
    try:
        if blob[:1].isdigit():  # a zlib stream begins with "x"
            frame_height, frame_width, counts = blob.decode().split(" ")
            return decode_rle({"size": [int(frame_height), int(frame_width)], "counts": counts})
        return Mask.from_packed(blob, (x, y, width, height))
    except (ValueError, TypeError) as error:
        raise DamagedProjectError(f"a stored mask is damaged ({error})") from error


def category_from_row(row: Row) -> Category:
    """From CATEGORY_COLUMNS."""
    category_id, name, color, key, description, supercategory, attributes = row
    definitions = tuple(_stored_json(attributes, list))
    return Category(category_id, name, color, key, description, supercategory, definitions)


def category_to_row(category: Category) -> Row:
    """In the order of CATEGORY_COLUMNS."""
    return (
        category.id,
        category.name,
        category.color,
        category.key,
        category.description,
        category.supercategory,
        json.dumps(category.attributes),
    )


def image_from_row(row: Row) -> ImageEntry:
    """From IMAGE_COLUMNS."""
    image_id, path, width, height, content_hash, status, side, *rest = row
    return ImageEntry(
        image_id,
        path,
        width,
        height,
        content_hash,
        _STATUSES[status],
        _SIDES[side],
        *rest,
    )


def instance_to_row(instance: Instance) -> Row:
    """In the order of INSTANCE_COLUMNS."""
    return (
        instance.id,
        instance.category_id,
        instance.provenance.source,
        instance.provenance.model_version,
        instance.provenance.score,
        instance.is_crowd,
        json.dumps(dict(instance.attributes)),
        instance.original,
        instance.z_order,
        instance.locked,
        instance.seconds,
        *mask_to_row(instance.mask),
    )


def instance_from_row(row: Row) -> Instance:
    """From INSTANCE_COLUMNS."""
    instance_id, category_id, source, version, score, is_crowd, attributes, original = row[:8]
    z_order, locked, seconds = row[8:11]
    return Instance(
        instance_id,
        category_id,
        mask_from_row(row[11:]),
        Provenance(Source(source), version, score),
        bool(is_crowd),
        _stored_json(attributes, dict),
        original,
        z_order,
        bool(locked),
        seconds,
    )


def suggestion_to_row(suggestion: Suggestion) -> Row:
    """In the order of SUGGESTION_COLUMNS."""
    return (
        suggestion.key,
        suggestion.category,
        suggestion.score,
        suggestion.model_version,
        *mask_to_row(suggestion.mask),
    )


def suggestion_from_row(row: Row) -> Suggestion:
    """From SUGGESTION_COLUMNS."""
    key, category, score, model_version = row[:4]
    return Suggestion(key, category, score, mask_from_row(row[4:]), model_version)


def decision_from_row(row: Row) -> Decision:
    """From the verdict and SUGGESTION_COLUMNS."""
    return Decision(suggestion_from_row(row[1:]), Verdict(row[0]))


def _stored_json(text: str, kind: type[T]) -> T:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DamagedProjectError(f"stored attributes are damaged ({error})") from error
    if not isinstance(value, kind):
        raise DamagedProjectError(
            f"expected stored attributes as a {kind.__name__}, got {text[:40]!r}"
        )
    return value
