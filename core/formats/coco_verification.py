"""Whether a written COCO file says what it was meant to say: read again with pycocotools."""

from array import array
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pycocotools.mask as coco_mask

from core.formats.coco_fields import CocoError, Record
from core.formats.json_stream import JsonStreamError, members
from core.formats.reference import COCO
from core.masks import decode_rle, empty_counts, encode_rle

Size = tuple[int, int]

LOADED_WHOLE = 50_000
"""Files of up to so many annotations are also loaded by `pycocotools.COCO`."""

_DIGEST = 16  # bytes
_FAR = 1e7  # pixels: pycocotools' time and memory follow a polygon's length


class ExpectedDataset:
    """What a file must read back as: a digest for each annotation, in the order of the file.

    Sixteen bytes for each annotation are all that is kept, however large the masks are.

    Attributes:
        images: Height and width of each image, by its id in the file.
    """

    def __init__(self) -> None:
        self.images: dict[int, Size] = {}
        self.ids = array("q")
        self._digests = bytearray()
        self._empty: set[int] = set()

    def add(self, annotation_id: int, image_id: int, category_id: int, counts: bytes) -> None:
        """Expect an annotation next.

        Args:
            annotation_id: Its id in the file.
            image_id: Its image's id in the file.
            category_id: Its category's id.
            counts: Compressed run lengths of the mask in the whole image; b"" where it has no
                pixel.
        """
        self.ids.append(annotation_id)
        self._digests += _digest(image_id, category_id, counts)
        if not counts:
            self._empty.add(len(self.ids) - 1)

    def is_empty(self, index: int) -> bool:
        """Whether the annotation at this place of the file has no pixel."""
        return index in self._empty

    def differs(self, index: int, image_id: object, category_id: object, counts: bytes) -> bool:
        """Whether the annotation at this place of the file is another one."""
        expected = self._digests[index * _DIGEST : (index + 1) * _DIGEST]
        return _digest(image_id, category_id, counts) != expected


def verify_coco(path: Path, expected: ExpectedDataset) -> None:
    """Read a written file again, record by record, and compare ids, categories and every mask.

    Files of up to 50,000 annotations are also loaded with `pycocotools.COCO`, and all its masks
    are compared. Areas and boxes are not: those of imported records stay as they came.

    Raises:
        CocoError: The file does not load, or differs anywhere.
    """
    check = _Check(path.name, expected)
    try:
        for key, value in members(path, ("images", "annotations")):
            if key == "images":
                check.image(value)
            elif key == "annotations":
                check.annotation(value)
    except (OSError, JsonStreamError) as error:
        raise CocoError(f"{path.name} cannot be read again: {error}") from error
    check.end()
    if len(expected.ids) <= LOADED_WHOLE:
        _verify_with_pycocotools(path, expected)


class _Check:
    """Follows a file in its order."""

    def __init__(self, name: str, expected: ExpectedDataset) -> None:
        self._name, self._expected = name, expected
        self._images = 0
        self._annotations = 0

    def image(self, record: Record) -> None:
        found = (record.get("height"), record.get("width"))
        if self._expected.images.get(record.get("id", -1)) != found:
            raise CocoError(f"image {record.get('id')} reads back with another size or id")
        self._images += 1

    def annotation(self, record: Record) -> None:
        index, ids = self._annotations, self._expected.ids
        self._annotations += 1
        if index >= len(ids):
            return  # `end` tells of the number
        annotation_id, image_id = record.get("id"), record.get("image_id", -1)
        if annotation_id != ids[index]:
            raise CocoError(f"annotation {ids[index]} is missing: {annotation_id} is in its place")
        height, width = self._expected.images.get(image_id, (0, 0))
        try:
            counts = _counts(record.get("segmentation"), height, width)
        except (ValueError, TypeError, LookupError) as error:
            raise CocoError(f"annotation {annotation_id} reads back broken: {error}") from error
        category_id = record.get("category_id")
        if self._expected.differs(index, image_id, category_id, counts):
            # An imported RLE may be written in a way that no encoder chooses.
            counts = _canonical(counts, height, width)
            if self._expected.differs(index, image_id, category_id, counts):
                raise CocoError(
                    f"annotation {annotation_id} reads back with another mask, image or category"
                )

    def end(self) -> None:
        counts = {
            "images": (self._images, len(self._expected.images)),
            "annotations": (self._annotations, len(self._expected.ids)),
        }
        for what, (found, expected) in counts.items():
            if found != expected:
                raise CocoError(f"{self._name} holds {found} {what}, expected {expected}")


def _counts(segmentation: Any, height: int, width: int) -> bytes:
    """A segmentation as compressed run lengths, by pycocotools; b"" where it has no pixel."""
    if not segmentation:
        return b""
    counts = _encoded(segmentation, height, width)
    return b"" if counts == _no_pixel(height, width) else counts


@lru_cache(maxsize=100)
def _no_pixel(height: int, width: int) -> bytes:
    return empty_counts(height, width)


def _encoded(segmentation: Any, height: int, width: int) -> bytes:
    if isinstance(segmentation, list):
        if max(map(max, segmentation)) > _FAR or min(map(min, segmentation)) < -_FAR:
            raise ValueError("a polygon reaches so far out of its image that pycocotools dies")
        parts = coco_mask.frPyObjects(segmentation, height, width)
        merged = parts[0] if len(parts) == 1 else coco_mask.merge(parts)
        return bytes(merged["counts"])
    if list(segmentation["size"]) != [height, width]:
        raise ValueError(f"its RLE is for {segmentation['size']}, its image is {[height, width]}")
    counts = segmentation["counts"]
    if isinstance(counts, str):
        return counts.encode()
    return bytes(coco_mask.frPyObjects(segmentation, height, width)["counts"])


def _canonical(counts: bytes, height: int, width: int) -> bytes:
    if not counts:
        return counts
    try:
        mask = decode_rle({"size": [height, width], "counts": counts.decode()})
    except ValueError:
        return counts
    return b"" if mask.is_empty else str(encode_rle(mask, height, width)["counts"]).encode()


def _verify_with_pycocotools(path: Path, expected: ExpectedDataset) -> None:
    try:
        coco = COCO(str(path))
        differing = list(_differing(coco, expected))
    except (OSError, ValueError, LookupError, TypeError, AssertionError) as error:
        raise CocoError(f"pycocotools cannot load {path.name}: {error}") from error
    if differing:
        raise CocoError(f"pycocotools reads annotation {differing[0]} differently")


def _differing(coco: COCO, expected: ExpectedDataset) -> Iterator[int]:
    for index, annotation_id in enumerate(expected.ids):
        if expected.is_empty(index):
            continue  # pycocotools has no word for some of them
        record = coco.anns[annotation_id]
        image_id, category_id = record["image_id"], record["category_id"]
        counts = coco.annToRLE(record)["counts"]
        counts = counts.encode() if isinstance(counts, str) else counts
        if expected.differs(index, image_id, category_id, counts):
            counts = _canonical(counts, *expected.images[image_id])
            if expected.differs(index, image_id, category_id, counts):
                yield annotation_id


def _digest(image_id: object, category_id: object, counts: bytes) -> bytes:
    words = b"%a %a " % (image_id, category_id)
    return blake2b(words + counts, digest_size=_DIGEST).digest()
