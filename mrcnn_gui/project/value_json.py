"""Masks, instances and suggestions as JSON values, exact in both directions."""

from base64 import b64decode, b64encode
from typing import Any

import numpy as np

from core.masks import Mask, decode_rle, encode_rle
from mrcnn_gui.project.annotation import (
    JSON,
    Instance,
    Provenance,
    Region,
    RegionKind,
    Source,
    Suggestion,
)
from mrcnn_gui.project.crop_bits import pack_crop, unpack_crop

Record = dict[str, Any]

_SMALL = 2**14  # pixels up to which run lengths are quick whatever they look like


def mask_to_json(mask: Mask) -> Record:
    """Where the crop lies, and its run lengths, or its bits where there are too many runs."""
    x, y, width, height = mask.bbox_xywh
    record: Record = {"x": x, "y": y, "width": width, "height": height}
    if mask.crop.size > _SMALL and _is_noise(mask):
        return {**record, "bits": b64encode(pack_crop(mask)).decode("ascii")}
    counts = encode_rle(mask.shift(-x, -y), height, width)["counts"] if mask.area else ""
    return {**record, "counts": counts}


def mask_from_json(record: Record) -> Mask:
    """Inverse of `mask_to_json`."""
    x, y, width, height = (record[name] for name in ("x", "y", "width", "height"))
    if "bits" in record:
        return Mask(unpack_crop(b64decode(record["bits"], validate=True), height, width), x, y)
    if not record["counts"]:
        return Mask.empty()
    return decode_rle({"size": [height, width], "counts": record["counts"]}).shift(x, y)


def _is_noise(mask: Mask) -> bool:
    """Whether run lengths would take more room and time than a bit for each pixel."""
    edges = np.count_nonzero(mask.crop[1:] != mask.crop[:-1])
    return bool(edges > mask.crop.size / 8)


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
