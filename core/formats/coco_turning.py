"""COCO records made on the stored pixels of an image, turned as the image is shown.

EXIF orientation says how stored pixels are shown (Exif 2.32, tag 0x0112): 2 mirrors, 3 turns by
180 degrees, 4 flips, 5 transposes, 6 turns clockwise, 7 transverses, 8 turns counter-clockwise.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.masks import Mask, decode_rle, encode_rle

Point = tuple[float, float]
Turn = Callable[[float, float], Point]

SIDEWAYS = frozenset({5, 6, 7, 8})  # orientations that swap width and height


def turned(record: dict[str, Any], orientation: int, width: int, height: int) -> dict[str, Any]:
    """An annotation turned upright: segmentation, bbox and keypoints.

    Args:
        record: A COCO annotation whose segmentation was checked.
        orientation: The EXIF orientation, 1-8.
        width: Of the stored image, in pixels.
        height: Of the stored image, in pixels.
    """
    turn = _TURNS[orientation](float(width), float(height))
    changes: dict[str, Any] = {}
    segmentation = record.get("segmentation")
    if isinstance(segmentation, list):
        changes["segmentation"] = [_turn_flat(polygon, turn) for polygon in segmentation]
    elif isinstance(segmentation, dict):
        changes["segmentation"] = _turn_rle(segmentation, orientation)
    if record.get("bbox"):
        changes["bbox"] = _turn_box(record["bbox"], turn)
    if record.get("keypoints"):
        changes["keypoints"] = _turn_keypoints(record["keypoints"], turn)
    return {**record, **changes}


_TURNS: dict[int, Callable[[float, float], Turn]] = {
    1: lambda w, h: lambda x, y: (x, y),
    2: lambda w, h: lambda x, y: (w - x, y),
    3: lambda w, h: lambda x, y: (w - x, h - y),
    4: lambda w, h: lambda x, y: (x, h - y),
    5: lambda w, h: lambda x, y: (y, x),
    6: lambda w, h: lambda x, y: (h - y, x),
    7: lambda w, h: lambda x, y: (h - y, w - x),
    8: lambda w, h: lambda x, y: (y, w - x),
}
_BITMAPS: dict[int, Callable[[NDArray[np.bool_]], NDArray[np.bool_]]] = {
    1: lambda bitmap: bitmap,
    2: lambda bitmap: bitmap[:, ::-1],
    3: lambda bitmap: bitmap[::-1, ::-1],
    4: lambda bitmap: bitmap[::-1],
    5: lambda bitmap: bitmap.T,
    6: lambda bitmap: bitmap[::-1].T,
    7: lambda bitmap: bitmap[::-1, ::-1].T,
    8: lambda bitmap: bitmap[:, ::-1].T,
}


def _turn_flat(flat: list[float], turn: Turn) -> list[float]:
    pairs = zip(flat[0::2], flat[1::2], strict=True)
    return [value for x, y in pairs for value in turn(x, y)]


def _turn_box(bbox: list[float], turn: Turn) -> list[float]:
    x, y, width, height = bbox
    (x0, y0), (x1, y1) = turn(x, y), turn(x + width, y + height)
    return [min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)]


def _turn_keypoints(flat: list[float], turn: Turn) -> list[float]:
    """Triples x, y, visibility; COCO's points are pixels' indices, so that centres turn."""
    made = []
    for x, y, seen in zip(flat[0::3], flat[1::3], flat[2::3], strict=True):
        new_x, new_y = turn(x + 0.5, y + 0.5)
        made += [new_x - 0.5, new_y - 0.5, seen] if seen else [x, y, seen]
    return made


def _turn_rle(rle: dict[str, Any], orientation: int) -> dict[str, Any]:
    height, width = rle["size"]
    mask = decode_rle({"size": [height, width], "counts": rle["counts"]})
    bitmap = np.zeros((height, width), dtype=np.bool_)
    x0, y0, x1, y1 = mask.box_xyxy
    bitmap[y0:y1, x0:x1] = mask.crop
    upright = _BITMAPS[orientation](bitmap)
    return dict(encode_rle(Mask.from_bitmap(upright), *upright.shape))
