"""COCO instance annotations: a JSON file <-> plain values, exact and checked.

The format: https://cocodataset.org/#format-data. Polygons of one annotation are united; holes and
crowds are run lengths.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.formats.coco_fields import CocoError, Record, is_number, text, whole
from core.masks import Mask, RunLengths, decode_rle, polygons_to_mask

__all__ = [
    "CocoAnnotation",
    "CocoCategory",
    "CocoDataset",
    "CocoError",
    "CocoImage",
    "Record",
    "annotation_mask",
    "read_coco",
    "segmentation_mask",
]

_LISTS = ("images", "categories", "annotations")
_SURROGATE = re.compile(r"\\ud[89a-f]", re.IGNORECASE)  # half a character, as JSON escapes it


@dataclass(frozen=True)
class CocoImage:
    """One entry of `images`; width and height in pixels, `record` as it stands in the file."""

    id: int
    file_name: str
    width: int
    height: int
    record: Record = field(repr=False)


@dataclass(frozen=True)
class CocoCategory:
    """One entry of `categories`, with the user's own id."""

    id: int
    name: str
    record: Record = field(repr=False)


@dataclass(frozen=True)
class CocoAnnotation:
    """One entry of `annotations`.

    Attributes:
        id: Unique in the file.
        image_id: Id of an entry of `images`.
        category_id: Id of an entry of `categories`.
        segmentation: Polygons, an RLE, or None for a box without a mask.
        bbox: x, y, width, height in pixels, or None.
        is_crowd: Whether it marks a group that cannot be told apart.
        record: The entry as it stands in the file, unknown fields included.
    """

    id: int
    image_id: int
    category_id: int
    segmentation: list[list[float]] | Record | None = field(repr=False)
    bbox: tuple[float, float, float, float] | None
    is_crowd: bool
    record: Record = field(repr=False)


@dataclass(frozen=True)
class CocoDataset:
    """A COCO file; `rest` holds its other top-level keys (info, licenses, unknown ones)."""

    images: tuple[CocoImage, ...]
    categories: tuple[CocoCategory, ...]
    annotations: tuple[CocoAnnotation, ...]
    rest: Record


def read_coco(path: Path) -> CocoDataset:
    """Read a COCO file and check its records; masks are checked as they are decoded.

    Raises:
        CocoError: The file is no COCO file, or a record is wrong.
    """
    root = _load(path)
    lists = {key: _records(root, key) for key in _LISTS}
    dataset = CocoDataset(
        images=tuple(_image(record, n) for n, record in enumerate(lists["images"])),
        categories=tuple(_category(record, n) for n, record in enumerate(lists["categories"])),
        annotations=tuple(_annotation(record, n) for n, record in enumerate(lists["annotations"])),
        rest={key: value for key, value in root.items() if key not in _LISTS},
    )
    _check_references(dataset)
    return dataset


def annotation_mask(annotation: CocoAnnotation, height: int, width: int) -> Mask:
    """Decode the mask of an annotation: polygons, compressed or uncompressed run lengths.

    Raises:
        CocoError: The segmentation is missing, broken or made for an image of another size.
    """
    return segmentation_mask(annotation.segmentation, height, width, f"annotation {annotation.id}")


def segmentation_mask(
    segmentation: list[list[float]] | Record | None, height: int, width: int, where: str
) -> Mask:
    """Decode a segmentation: polygons, compressed or uncompressed run lengths.

    Args:
        segmentation: As COCO has it.
        height: Of the image.
        width: Of the image.
        where: What errors call it.

    Raises:
        CocoError: It is missing, broken or made for an image of another size.
    """
    if not segmentation:
        raise CocoError(f"{where} has no segmentation")
    try:
        if isinstance(segmentation, list):
            return polygons_to_mask(segmentation, height, width)
        _check_size(segmentation["size"], height, width)
        return decode_rle(RunLengths(size=segmentation["size"], counts=segmentation["counts"]))
    except KeyError as error:
        raise CocoError(f"{where}: its RLE lacks {error}") from error
    except ValueError as error:
        raise CocoError(f"{where}: {error}") from error


def _check_size(size: object, height: int, width: int) -> None:
    """Before the mask is decoded: an absurd size would take all memory."""
    if isinstance(size, Sequence) and list(size) != [height, width]:
        raise ValueError(f"its RLE is for {size}, its image is {[height, width]}")


def _load(path: Path) -> Record:
    try:
        text = path.read_text(encoding="utf-8-sig")
        root = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(root, ensure_ascii=False).encode()  # fails unless they come in pairs
    except OSError as error:
        raise CocoError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # bad JSON, bad UTF-8
        raise CocoError(f"{path.name} is not a JSON file: {error}") from error
    if isinstance(root, list):
        raise CocoError(f"{path.name} holds a list (results?), expected a COCO dataset object")
    if not isinstance(root, dict) or "images" not in root:
        raise CocoError(f"{path.name} is not a COCO dataset: it has no 'images'")
    return root


def _records(root: Record, key: str) -> list[Record]:
    records = root.get(key, [])
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise CocoError(f"'{key}' must be a list of objects")
    return records


def _image(record: Record, position: int) -> CocoImage:
    where = f"images[{position}]"
    width, height = (whole(record, key, where) for key in ("width", "height"))
    if width < 1 or height < 1:
        raise CocoError(f"{where}: expected a size of 1 x 1 or more, got {width} x {height}")
    return CocoImage(
        whole(record, "id", where), text(record, "file_name", where), width, height, record
    )


def _category(record: Record, position: int) -> CocoCategory:
    where = f"categories[{position}]"
    return CocoCategory(whole(record, "id", where), text(record, "name", where), record)


def _annotation(record: Record, position: int) -> CocoAnnotation:
    where = f"annotations[{position}]"
    segmentation, crowd = record.get("segmentation"), record.get("iscrowd", 0)
    if segmentation is not None and not isinstance(segmentation, list | dict):
        raise CocoError(f"{where}: segmentation must be polygons or an RLE, got {segmentation!r}")
    if crowd not in (0, 1):
        raise CocoError(f"{where}: iscrowd must be 0 or 1, got {crowd!r}")
    if not isinstance(record.get("area"), int | float | None):
        raise CocoError(f"{where}: area must be a number, got {record['area']!r}")
    return CocoAnnotation(
        id=whole(record, "id", where),
        image_id=whole(record, "image_id", where),
        category_id=whole(record, "category_id", where),
        segmentation=segmentation,
        bbox=_bbox(record, where),
        is_crowd=bool(crowd),
        record=record,
    )


def _bbox(record: Record, where: str) -> tuple[float, float, float, float] | None:
    bbox = record.get("bbox")
    if not bbox:
        return None
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(map(is_number, bbox)):
        raise CocoError(f"{where}: bbox must be four numbers x, y, width, height, got {bbox!r}")
    return float(bbox[0]), float(bbox[1]), float(bbox[2]), float(bbox[3])


def _check_references(dataset: CocoDataset) -> None:
    images = _unique([image.id for image in dataset.images], "image")
    categories = _unique([category.id for category in dataset.categories], "category")
    _unique([annotation.id for annotation in dataset.annotations], "annotation")
    for annotation in dataset.annotations:
        if annotation.image_id not in images:
            raise CocoError(f"annotation {annotation.id}: no image {annotation.image_id}")
        if annotation.category_id not in categories:
            raise CocoError(f"annotation {annotation.id}: no category {annotation.category_id}")


def _unique(ids: Sequence[int], kind: str) -> set[int]:
    seen: set[int] = set()
    for value in ids:
        if value in seen:
            raise CocoError(f"two records have the {kind} id {value}")
        seen.add(value)
    return seen
