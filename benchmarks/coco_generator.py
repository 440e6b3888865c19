"""A COCO data set of any size: small PNG files, and annotations written as they are made."""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import orjson
import pycocotools.mask as coco_mask
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 480
CATEGORIES = 80
PER_IMAGE = 10  # instances, on average
_FEWEST, _MOST = 8, 32  # vertices of a polygon: 20 on average
_SMALLEST, _LARGEST = 20, 200  # pixels across
_RLE_SHARE, _CROWD_SHARE = 0.02, 0.01
_IN_FOLDER = 1000

Record = dict[str, Any]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Generated:
    """Where a data set is, and how large it is."""

    images: Path
    instances_json: Path
    image_count: int
    instance_count: int


def generate(folder: Path, image_count: int) -> Generated:
    """Write the images and the COCO file; the same arguments give the same bytes."""
    names = [f"part_{number // _IN_FOLDER:03}/{number:06}.png" for number in range(image_count)]
    write_images(folder / "images", names)
    instances_json = folder / "instances.json"
    instances = 0
    with instances_json.open("wb") as file:
        file.write(b'{"info":{"description":"generated"},"images":[')
        file.write(b",".join(map(_image_record, range(image_count), names)))
        categories = [{"id": each, "name": f"kind {each}"} for each in range(1, CATEGORIES + 1)]
        file.write(b'],"categories":' + orjson.dumps(categories) + b',"annotations":[\n')
        for number in range(image_count):
            records = list(_annotations(number, instances + 1))
            instances += len(records)
            file.write(b",\n" * bool(number and records) + b",\n".join(map(orjson.dumps, records)))
        file.write(b"]}\n")
    return Generated(folder / "images", instances_json, image_count, instances)


def write_images(folder: Path, names: list[str]) -> None:
    """PNG files of one colour, no two with the same bytes."""
    png = cv2.imencode(".png", np.full((HEIGHT, WIDTH), 90, np.uint8))[1].tobytes()
    end = len(png) - 12  # the last chunk is empty
    for parent in sorted({(folder / name).parent for name in names}):
        parent.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(png[:end] + _comment(name) + png[end:])


def _comment(text: str) -> bytes:
    chunk = b"tEXtComment\0" + text.encode()
    return struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))


def _image_record(number: int, name: str) -> bytes:
    return orjson.dumps({"id": number + 1, "file_name": name, "width": WIDTH, "height": HEIGHT})


def _annotations(image: int, first_id: int) -> Iterator[Record]:
    """The annotations of one image: now and then none at all."""
    generator = np.random.default_rng(image)
    few, many = (0, 2 * PER_IMAGE) if image else (PER_IMAGE, PER_IMAGE)  # the first has some
    count = int(generator.integers(few, many + 1))
    sizes = generator.integers(_FEWEST, _MOST + 1, count)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    points = _outlines(generator, sizes).round(2)
    kinds = generator.random(count)
    categories = generator.integers(1, CATEGORIES + 1, count).tolist()
    for place, (start, stop) in enumerate(pairwise(bounds.tolist())):
        record = _record(points[start:stop], float(kinds[place]))
        yield {
            "id": first_id + place,
            "image_id": image + 1,
            "category_id": categories[place],
            **record,
        }


def _outlines(generator: np.random.Generator, sizes: NDArray[np.int64]) -> Points:
    """The corners of ragged outlines around random places, one after the other: [n, 2]."""
    count, owner = len(sizes), np.repeat(np.arange(len(sizes)), sizes)
    radius = np.exp(generator.uniform(math.log(_SMALLEST / 2), math.log(_LARGEST / 2), count))
    center = generator.uniform(0, 1, (count, 2)) * (WIDTH, HEIGHT)
    turn = (np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)) / sizes[owner]
    reach = radius[owner] * generator.uniform(0.7, 1.0, len(owner))
    angle = 2 * np.pi * turn
    around = np.stack([np.cos(angle), np.sin(angle)], axis=1) * reach[:, None]
    return np.clip(center[owner] + around, 0, (WIDTH, HEIGHT))


def _record(points: Points, kind: float) -> Record:
    polygon = points.reshape(-1).tolist()
    if kind < _RLE_SHARE:
        [rle] = coco_mask.frPyObjects([polygon], HEIGHT, WIDTH)
        segmentation = {"size": [HEIGHT, WIDTH], "counts": rle["counts"].decode()}
        return {
            "segmentation": segmentation,
            "area": int(coco_mask.area(rle)),
            "bbox": coco_mask.toBbox(rle).tolist(),
            "iscrowd": int(kind < _CROWD_SHARE),
        }
    low, high = points.min(axis=0), points.max(axis=0)
    bbox = np.concatenate([low, high - low]).round(2).tolist()
    x, y = points.T
    area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    return {"segmentation": [polygon], "area": round(area, 2), "bbox": bbox, "iscrowd": 0}
