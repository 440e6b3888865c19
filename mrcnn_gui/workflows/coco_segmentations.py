"""COCO segmentations as run lengths in their one canonical form; no mask is ever built."""

from typing import Any

import pycocotools.mask as coco_mask

from core.formats.coco_fields import CocoError, shown
from core.masks import canonical_counts, empty_counts, polygons_to_counts
from mrcnn_gui.project.import_table import ImportedMask


def segmentation_mask(segmentation: object, height: int, width: int) -> ImportedMask:
    """The pixels of a segmentation; none where it is missing or empty.

    Args:
        segmentation: Polygons, compressed or uncompressed run lengths, or nothing.
        height: Of the image, in pixels.
        width: Of the image, in pixels.

    Raises:
        CocoError: It is none of those, or made for an image of another size.
    """
    try:
        counts = _counts(segmentation, height, width)
    except CocoError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        raise CocoError(str(error)) from error
    box = coco_mask.toBbox({"size": [height, width], "counts": counts}).astype(int).tolist()
    return ImportedMask(counts, height, width, tuple(box))


def check_rle_size(rle: dict[str, Any], height: int, width: int) -> None:
    """Refuse run lengths for an image of another size.

    Raises:
        CocoError: They say another height or width, or none.
    """
    size = rle.get("size")
    if not isinstance(size, list) or size != [height, width]:
        raise CocoError(f"its RLE is for {shown(size)}, its image is {[height, width]}")


def mask_area(mask: ImportedMask) -> int:
    """How many pixels it has."""
    return int(coco_mask.area({"size": [mask.height, mask.width], "counts": mask.counts}))


def _counts(segmentation: object, height: int, width: int) -> bytes:
    if not segmentation:
        return empty_counts(height, width)
    if isinstance(segmentation, list):
        return polygons_to_counts(segmentation, height, width)
    if isinstance(segmentation, dict):
        return _rle_counts(segmentation, height, width)
    raise CocoError(f"segmentation must be polygons or an RLE, got {shown(segmentation)}")


def _rle_counts(rle: dict[str, Any], height: int, width: int) -> bytes:
    check_rle_size(rle, height, width)
    return canonical_counts({"size": [height, width], "counts": rle.get("counts", ())})
