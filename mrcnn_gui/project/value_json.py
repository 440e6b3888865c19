"""Masks, instances and suggestions as JSON values, exact in both directions."""

from typing import Any

from core.masks import Mask, decode_rle, encode_rle
from mrcnn_gui.project.annotation import JSON, Instance, Provenance, Source, Suggestion

Record = dict[str, Any]


def mask_to_json(mask: Mask) -> Record:
    """The run lengths of the crop, and where it lies."""
    x, y, width, height = mask.bbox_xywh
    counts = encode_rle(mask.shift(-x, -y), height, width)["counts"] if mask.area else ""
    return {"x": x, "y": y, "width": width, "height": height, "counts": counts}


def mask_from_json(record: Record) -> Mask:
    """Inverse of `mask_to_json`."""
    if not record["counts"]:
        return Mask.empty()
    crop = decode_rle({"size": [record["height"], record["width"]], "counts": record["counts"]})
    return crop.shift(record["x"], record["y"])


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
