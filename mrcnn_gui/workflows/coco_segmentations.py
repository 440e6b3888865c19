"""COCO segmentations as run lengths in their one canonical form; no mask is ever built."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pycocotools.mask as coco_mask

from core.formats.coco_fields import CocoError, shown
from core.masks import Compressed, canonical_counts, empty_counts, fill_polygons
from mrcnn_gui.project.import_table import ImportedMask

_MEASURED = 250  # masks at once: `pycocotools.mask.area` fails from 256 on


class Pixels(NamedTuple):
    """The pixels of a segmentation.

    Attributes:
        rle: `size` is [height, width], `counts` are bytes.
        reaches_out: A polygon lies farther out than pycocotools can always bear.
    """

    rle: Compressed
    reaches_out: bool = False


class MeasuredMask(NamedTuple):
    """A mask, and how many pixels it has."""

    mask: ImportedMask
    area: int


def pixels_of(segmentation: object, height: int, width: int) -> Pixels:
    """The pixels of a segmentation; none where it is missing or empty.

    Args:
        segmentation: Polygons, compressed or uncompressed run lengths, or nothing.
        height: Of the image, in pixels.
        width: Of the image, in pixels.

    Raises:
        CocoError: It is none of those, or made for an image of another size.
    """
    try:
        return _pixels_of(segmentation, height, width)
    except CocoError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        raise CocoError(str(error)) from error


def measured_masks(rles: Sequence[Compressed]) -> Iterator[MeasuredMask]:
    """The box and the area of many masks, far quicker than of one after the other."""
    for start in range(0, len(rles), _MEASURED):
        some = list(rles[start : start + _MEASURED])
        boxes = coco_mask.toBbox(some).astype(int).tolist()
        for rle, box, area in zip(some, boxes, coco_mask.area(some).tolist(), strict=True):
            height, width = rle["size"]
            yield MeasuredMask(ImportedMask(rle["counts"], height, width, tuple(box)), area)


def check_rle_size(rle: dict[str, Any], height: int, width: int) -> None:
    """Refuse run lengths for an image of another size.

    Raises:
        CocoError: They say another height or width, or none.
    """
    size = rle.get("size")
    if not isinstance(size, list) or size != [height, width]:
        raise CocoError(f"its RLE is for {shown(size)}, its image is {[height, width]}")


def _pixels_of(segmentation: object, height: int, width: int) -> Pixels:
    if isinstance(segmentation, list) and segmentation:
        rle, low, high = fill_polygons(segmentation, height, width)
        reach = max(width, height)
        return Pixels(rle, not -reach <= low <= high <= 2 * reach)
    if not segmentation:
        counts = empty_counts(height, width)
    elif isinstance(segmentation, dict):
        check_rle_size(segmentation, height, width)
        given = segmentation.get("counts", ())
        counts = canonical_counts({"size": [height, width], "counts": given})
    else:
        raise CocoError(f"segmentation must be polygons or an RLE, got {shown(segmentation)}")
    return Pixels({"size": [height, width], "counts": counts})
