"""A COCO file with everything that files in the wild have, and the fate of each of its records.

docs/coco.md lists the same cases; a test holds both against each other.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pycocotools.mask as coco_mask
from numpy.typing import NDArray

from tests.workflows.conftest import HEIGHT, WIDTH

Record = dict[str, Any]

KEPT = "kept"  # not a word in the report
SIZE = [HEIGHT, WIDTH]
SQUARE = [[10, 10, 30, 10, 30, 30, 10, 30]]
PIXELS = WIDTH * HEIGHT


@dataclass(frozen=True)
class Case:
    """A record, what becomes of it, and a part of the reason that the report gives."""

    what: str
    fate: str
    changes: Record = field(default_factory=dict)
    why: str = ""
    reference: Any = None  # a segmentation of the same mask that pycocotools survives


def _donuts(*rings: tuple[int, int]) -> Record:
    """Rings around the middle, between an inner and an outer distance."""
    y, x = np.indices((HEIGHT, WIDTH))
    far = np.maximum(abs(y - HEIGHT // 2), abs(x - WIDTH // 2))
    return rle(np.logical_or.reduce([(inner <= far) & (far < outer) for inner, outer in rings]))


def rle(bitmap: NDArray[np.bool_]) -> Record:
    """A bitmap as compressed run lengths, by pycocotools."""
    made = coco_mask.encode(np.asfortranarray(bitmap.astype(np.uint8)))
    return {"size": [int(side) for side in made["size"]], "counts": made["counts"].decode()}


def _diagonal() -> Record:
    bitmap = np.zeros((HEIGHT, WIDTH), np.bool_)
    bitmap[np.arange(20), np.arange(20)] = True
    bitmap[20:30, 20:30] = True
    return rle(bitmap)


def _million() -> list[list[float]]:
    """A star of a million corners."""
    angle = np.linspace(0, 2 * math.pi, 1_000_000, endpoint=False)
    radius = 20 + 8 * np.sin(angle * 7)
    x, y = WIDTH / 2 + radius * np.cos(angle), HEIGHT / 2 + radius * np.sin(angle)
    return [np.stack([x, y], axis=1).round(3).reshape(-1).tolist()]


def _pixel(x: int, y: int) -> list[int]:
    return [x, y, x + 1, y, x + 1, y + 1, x, y + 1]


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


_OUT = [[-20, -20, 40, -20, 40, 40, -20, 40]]
_FAR = [[-1e9, -1e9, 40, -1e9, 40, 40, -1e9, 40]]
_HALF_RUNS = {"size": SIZE, "counts": [5, 0, 5, 40, 0, 0, PIXELS - 50]}

ANNOTATIONS = (
    Case("one polygon", KEPT),
    Case("holes", KEPT, {"segmentation": _donuts((5, 12))}),
    Case("donut in donut", KEPT, {"segmentation": _donuts((1, 4), (8, 14), (20, 30))}),
    Case("diagonal touches", KEPT, {"segmentation": _diagonal()}),
    Case("several polygons", KEPT, {"segmentation": [*SQUARE, [50, 5, 60, 5, 55.5, 20.25]]}),
    Case("1-pixel parts", KEPT, {"segmentation": [_pixel(2 * n, 3 * n) for n in range(20)]}),
    Case("image-sized mask", KEPT, {"segmentation": {"size": SIZE, "counts": [0, PIXELS]}}),
    Case("crowd", KEPT, {"segmentation": _donuts((3, 9)), "iscrowd": 1}),
    Case(
        "crowd in uncompressed run lengths",
        KEPT,
        {"segmentation": {"size": SIZE, "counts": [100, 60, PIXELS - 160]}, "iscrowd": 1},
    ),
    Case("run lengths with empty runs", KEPT, {"segmentation": _HALF_RUNS}),
    Case("overlaps", KEPT, {"segmentation": [[20, 20, 40, 20, 40, 40, 20, 40]]}),
    Case("the same pixels as another one", KEPT, {"category_id": 2}),
    Case("coordinates outside the image", KEPT, {"segmentation": _OUT}),
    Case("a million vertices", KEPT, {"segmentation": _million()}),
    Case("non-ASCII and unknown fields", KEPT, {"worker": "Zoë 🐈", "深い": {"a": [None, 1.5]}}),
    Case("attributes", KEPT, {"attributes": {"blurred": True}}),
    Case("empty segmentation", "noted", {"segmentation": []}, "no segmentation"),
    Case("keypoints without a mask", "noted", {"keypoints": [9, 9, 2], "segmentation": None}),
    Case("wholly outside the image", "noted", {"segmentation": [[200, 0, 300, 0, 300, 9]]}),
    Case("bbox of something else", "noted", {"bbox": [50, 50, 9, 9]}, "its bbox"),
    Case("area of something else", "noted", {"area": 5000}, "its area 5000"),
    Case("coordinates a billion pixels away", "mended", {"segmentation": _FAR}, "far out", _OUT),
    Case("id 0", "mended", {"id": 0}, "its id 0"),
    Case("negative id", "mended", {"id": -4}, "its id -4"),
    Case("id missing", "mended", {"id": None}, "its id None"),
    Case("number as a string id", "mended", {"id": "900"}, "its id '900' is 900 now"),
    Case("text as an id", "mended", {"id": "7f3a"}, "its id '7f3a'"),
    Case("id with a fraction", "mended", {"id": 1.5}, "its id 1.5"),
    Case("id above 2^53", "mended", {"id": 2**60}, f"its id {2**60}"),
    Case("duplicate id", "mended", {"id": 100}, "its id 100 is taken"),
    Case("image_id as text", "mended", {"image_id": "1"}, "its image_id '1' is 1 now"),
    Case("category_id as text", "mended", {"category_id": "1"}, "its category_id '1' is 1 now"),
    Case("NaN as area", "mended", {"area": math.nan}, "its area nan"),
    Case("bbox of three numbers", "mended", {"bbox": [1, 2, 3]}, "its bbox [1, 2, 3]"),
    Case("NaN as a coordinate", "refused", {"segmentation": [[1, 1, math.nan, 9, 9, 9]]}, "JSON"),
    Case("infinite number in an unknown field", "refused", {"x": math.inf}, "JSON"),
    Case("half a character", "refused", {"x": "\ud83d"}, "no Unicode"),
    Case("unknown category", "refused", {"category_id": 77}, "no category 77"),
    Case("unknown image", "refused", {"image_id": 77}, "its image 77"),
    Case("iscrowd 2", "refused", {"iscrowd": 2}, "iscrowd"),
    Case("polygon of two points", "refused", {"segmentation": [[1, 1, 9, 9]]}, "three points"),
    Case("polygon that is not in a list", "refused", {"segmentation": SQUARE[0]}, "flat list"),
    Case("polygon of texts", "refused", {"segmentation": [["1"] * 6]}, "flat list"),
    Case("segmentation that is a text", "refused", {"segmentation": "x"}, "polygons or an RLE"),
    Case(
        "outline of more than ten million pixels",
        "refused",
        {"segmentation": [[0, 0, 90, 60] * 60_000]},
        "outline of 10,8",
    ),
    Case(
        "run lengths for another size",
        "refused",
        {"segmentation": {"size": [10**9, 10**9], "counts": [10**18]}},
        "its RLE is for [1000000000, 1000000000]",
    ),
    Case(
        "run lengths that are too short",
        "refused",
        {"segmentation": {"size": SIZE, "counts": [5, 5]}},
        "add up to 10",
    ),
    Case(
        "negative run length",
        "refused",
        {"segmentation": {"size": SIZE, "counts": [-5, PIXELS + 5]}},
        "negative: -5",
    ),
    Case(
        "run length beyond 64 bits",
        "refused",
        {"segmentation": {"size": SIZE, "counts": [2**64, 5]}},
        "whole numbers",
    ),
    Case(
        "run lengths that are not ASCII",
        "refused",
        {"segmentation": {"size": SIZE, "counts": "é"}},
        "not ASCII",
    ),
    Case("nested in 300 levels", "refused", {"x": _nested(300)}, "nested in more than 200"),
    Case("the same record again", "duplicate"),
)

IMAGES = (
    Case("image", KEPT, {"id": 1, "file_name": "0.png", "license": 3, "coco_url": "http://x/0"}),
    Case("image with a gap in the ids", KEPT, {"id": 40, "file_name": "1.png"}),
    Case("non-ASCII name of an image", KEPT, {"id": 41, "file_name": "süb/写真 1.png"}),
    Case(
        "image without a size",
        "mended",
        {"id": 42, "file_name": "2.png", "width": None},
        "its size is missing",
    ),
    Case(
        "image size as text",
        "mended",
        {"id": 43, "file_name": "3.png", "width": str(WIDTH)},
        "in whole numbers",
    ),
    Case("number as an image's string id", "mended", {"id": "44", "file_name": "4.png"}, "44 now"),
    Case("text as an image's id", "mended", {"id": "x", "file_name": "5.png"}, "its id is no"),
    Case("image with a duplicate id", "refused", {"file_name": "6.png"}, "the id 1 before it"),
    Case("two images of one file", "refused", {"id": 50, "file_name": "0.png"}, "one file_name"),
    Case("image of another size", "refused", {"id": 51, "width": 5}, "the file says 5 x 64"),
    Case("image that is missing", "refused", {"id": 52, "file_name": "gone.png"}, "No such file"),
    Case("image that is no image", "refused", {"id": 53, "file_name": "text.png"}, "known format"),
    Case("file_name with ..", "refused", {"id": 54, "file_name": "../out.png"}, "leads out"),
    Case("absolute file_name", "refused", {"id": 55, "file_name": "/etc/hosts"}, "leads out"),
    Case("file_name on a drive", "refused", {"id": 56, "file_name": "C:\\x.png"}, "leads out"),
    Case("address as file_name", "refused", {"id": 57, "file_name": "http://x/y"}, "an address"),
    Case("link out of the folder", "refused", {"id": 58, "file_name": "link.png"}, "a link"),
    Case("file in a linked folder", "refused", {"id": 59, "file_name": "linked/out.png"}, "a link"),
    Case(
        "image of ten billion pixels",
        "refused",
        {"id": 60, "file_name": "bomb.png", "width": 100_000, "height": 100_000},
        "100,000 x 100,000 pixels, more than the 2,147,483,647",
    ),
)

CATEGORIES = (
    Case("category", KEPT, {"id": 1, "name": "cat", "supercategory": "animal", "x": [1]}),
    Case("non-ASCII name of a category", KEPT, {"id": 2, "name": "Kätzchen 猫"}),
    Case("category with the id 0", KEPT, {"id": 0, "name": "zero"}),
    Case("nameless category", "mended", {"id": 90, "name": ""}, "it is called 'category 90' now"),
    Case("two categories of one name", "mended", {"id": 91, "name": "cat"}, "'cat (91)' now"),
    Case("text as a category's id", "mended", {"id": "n02", "name": "dog"}, "its id 'n02'"),
    Case("category with a duplicate id", "refused", {"id": 1, "name": "bird"}, "the id 1 before"),
    Case("category without an id", "refused", {"id": None, "name": "fish"}, "expected an object"),
)


def annotation(place: int, case: Case) -> Record:
    """The record of a case; area and bbox fit its mask unless they are what it is about."""
    if case.fate == "duplicate":
        return annotation(0, ANNOTATIONS[0])
    record: Record = {"id": 100 + place, "image_id": 1, "category_id": 1, "case": case.what}
    record |= {"iscrowd": 0, "segmentation": SQUARE, "area": 0, "bbox": []} | case.changes
    shown = case.reference or record["segmentation"]
    if case.fate != "refused" and shown:
        counts = reference_rle(shown)
        derived = {"area": int(coco_mask.area(counts)), "bbox": coco_mask.toBbox(counts).tolist()}
        record |= {key: value for key, value in derived.items() if key not in case.changes}
    return record


def image(case: Case) -> Record:
    """The record of a case."""
    base = {"id": 1, "file_name": "6.png", "width": WIDTH, "height": HEIGHT, "case": case.what}
    return base | case.changes


def category(case: Case) -> Record:
    """The record of a case."""
    return {"case": case.what} | case.changes


def torture_file() -> Record:
    """The whole file."""
    return {
        "info": {"description": "ünïcode", "version": None},
        "licenses": [{"id": 3, "name": "free"}],
        "images": [image(case) for case in IMAGES],
        "annotations": [annotation(place, case) for place, case in enumerate(ANNOTATIONS)],
        "categories": [category(case) for case in CATEGORIES],
        "unknown": [{"深": 1}],
    }


def reference_rle(segmentation: Any) -> Record:
    """A segmentation as run lengths, by pycocotools alone."""
    if isinstance(segmentation, list):
        parts: Record = coco_mask.merge(coco_mask.frPyObjects(segmentation, *SIZE))
        return parts
    counts = segmentation["counts"]
    if isinstance(counts, str):
        return {"size": SIZE, "counts": counts.encode()}
    made: Record = coco_mask.frPyObjects(segmentation, *SIZE)
    return made
