"""COCO annotations of masks."""

from core.formats.coco import Record
from core.masks import Mask, RunLengths, encode_rle, mask_to_rings


def segmentation_of(mask: Mask, height: int, width: int) -> list[list[int]] | RunLengths:
    """Write a mask down exactly: one polygon if it has one part and no holes, else an RLE."""
    clipped = mask.clip(width, height)
    rings = mask_to_rings(clipped)
    if len(rings) == 1:
        return [rings[0].reshape(-1).tolist()]
    return encode_rle(clipped, height, width)


def annotation_record(
    *,
    id: int,  # noqa: A002 - the name of the field
    image_id: int,
    category_id: int,
    mask: Mask,
    height: int,
    width: int,
    is_crowd: bool = False,
) -> Record:
    """Make a COCO annotation; area and bbox are those of the mask, a crowd is always an RLE."""
    clipped = mask.clip(width, height)
    write_down = encode_rle if is_crowd else segmentation_of
    return {
        "id": id,
        "image_id": image_id,
        "category_id": category_id,
        "segmentation": write_down(clipped, height, width),
        "area": clipped.area,
        "bbox": list(clipped.bbox_xywh),
        "iscrowd": int(is_crowd),
    }
