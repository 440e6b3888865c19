"""Masks, instances and suggestions as JSON values, exact in both directions."""

from base64 import b64decode, b64encode
from typing import Any

from core.masks import Mask, decode_rle
from mrcnn_gui.project.annotation import (
    JSON,
    Instance,
    Provenance,
    Region,
    RegionKind,
    Source,
    Suggestion,
)

Record = dict[str, Any]


def mask_to_json(mask: Mask) -> Record:
    """Where the crop lies, and its bits: the same bytes as in a row of the database."""
    x, y, width, height = mask.bbox_xywh
    bits = b64encode(mask.packed).decode("ascii")
    return {"x": x, "y": y, "width": width, "height": height, "bits": bits}


def mask_from_json(record: Record) -> Mask:
    """Inverse of `mask_to_json`; older records have run lengths."""
    x, y, width, height = (record[name] for name in ("x", "y", "width", "height"))
    if "bits" in record:
        return Mask.from_packed(b64decode(record["bits"], validate=True), (x, y, width, height))
    if not record["counts"]:
        return Mask.empty()
    return decode_rle({"size": [height, width], "counts": record["counts"]}).shift(x, y)


def instance_to_json(instance: Instance) -> Record:
    """All fields of an instance; the defaults are left out."""
    record: Record = {
        "id": instance.id,
        "category_id": instance.category_id,
        "mask": mask_to_json(instance.mask),
        "source": instance.provenance.source,
        "model_version": instance.provenance.model_version,
        "score": instance.provenance.score,
    }
    optional: dict[str, JSON] = {
        "is_crowd": instance.is_crowd,
        "attributes": dict(instance.attributes),
        "original": instance.original,
        "z_order": instance.z_order,
        "locked": instance.locked,
        "seconds": instance.seconds,
    }
    return record | {name: value for name, value in optional.items() if value}


def instance_from_json(record: Record) -> Instance:
    """Inverse of `instance_to_json`."""
    return Instance(
        record["id"],
        record["category_id"],
        mask_from_json(record["mask"]),
        Provenance(Source(record["source"]), record["model_version"], record["score"]),
        record.get("is_crowd", False),
        record.get("attributes", {}),
        record.get("original", ""),
        record.get("z_order", 0),
        record.get("locked", False),
        record.get("seconds", 0.0),
    )


def region_to_json(region: Region) -> Record:
    """All fields of a region."""
    return {"id": region.id, "kind": region.kind, "mask": mask_to_json(region.mask)}


def region_from_json(record: Record) -> Region:
    """Inverse of `region_to_json`."""
    return Region(record["id"], RegionKind(record["kind"]), mask_from_json(record["mask"]))


def suggestion_to_json(suggestion: Suggestion) -> Record:
    """All fields of a suggestion."""
    return {
        "key": suggestion.key,
        "category": suggestion.category,
        "score": suggestion.score,
        "mask": mask_to_json(suggestion.mask),
        "model_version": suggestion.model_version,
    }


def suggestion_from_json(record: Record) -> Suggestion:
    """Inverse of `suggestion_to_json`."""
    return Suggestion(**{**record, "mask": mask_from_json(record["mask"])})
