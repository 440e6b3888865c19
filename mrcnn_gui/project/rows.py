"""Annotations as rows of SQLite tables, and back."""

import json
import zlib
from typing import Any

import numpy as np

from core.masks import Mask
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

MASK_COLUMNS = "x, y, width, height, mask"
CATEGORY_COLUMNS = "id, name, color, key"
IMAGE_COLUMNS = "id, path, width, height, content_hash, status, side, problem"
INSTANCE_COLUMNS = (
    "id, category_id, source, model_version, score, is_crowd, attributes, original, " + MASK_COLUMNS
)
SUGGESTION_COLUMNS = "key, category, score, model_version, " + MASK_COLUMNS


def places(columns: str) -> str:
    """The placeholders for a list of columns: "?, ?, ?"."""
    return ", ".join("?" * len(columns.split(",")))


def mask_to_row(mask: Mask) -> Row:
    """The box and the packed, compressed crop."""
    blob = zlib.compress(np.packbits(mask.crop).tobytes(), level=1)
    return (*mask.bbox_xywh, blob)


def mask_from_row(row: Row) -> Mask:
    """Inverse of `mask_to_row`.

    Raises:
        DamagedProjectError: The stored bytes are no such mask.
    """
    x, y, width, height, blob = row
    try:
        packed = np.frombuffer(zlib.decompress(blob), dtype=np.uint8)
        crop = np.unpackbits(packed, count=width * height).reshape(height, width)
        return Mask(crop.view(np.bool_), x, y)
    except (zlib.error, ValueError, TypeError) as error:
        raise DamagedProjectError(f"a stored mask is damaged ({error})") from error


def category_from_row(row: Row) -> Category:
    """From CATEGORY_COLUMNS."""
    return Category(*row)


def image_from_row(row: Row) -> ImageEntry:
    """From IMAGE_COLUMNS."""
    image_id, path, width, height, content_hash, status, side, problem = row
    return ImageEntry(
        image_id,
        path,
        width,
        height,
        content_hash,
        ReviewStatus(status),
        Side(side) if side else None,
        problem,
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
        *mask_to_row(instance.mask),
    )


def instance_from_row(row: Row) -> Instance:
    """From INSTANCE_COLUMNS."""
    instance_id, category_id, source, version, score, is_crowd, attributes, original = row[:8]
    return Instance(
        instance_id,
        category_id,
        mask_from_row(row[8:]),
        Provenance(Source(source), version, score),
        bool(is_crowd),
        _json_object(attributes),
        original,
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


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DamagedProjectError(f"stored attributes are damaged ({error})") from error
    if not isinstance(value, dict):
        raise DamagedProjectError(f"expected stored attributes as an object, got {text[:40]!r}")
    return value
