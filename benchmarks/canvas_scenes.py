"""The scenes of the canvas benchmark: large photos with many masks, each a project of its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.projects import create_project

VERTICES = 60

Polygon = np.ndarray[tuple[int, int], np.dtype[np.float64]]  # [n, 2], x and y


def photo(path: Path, width: int, height: int, seed: int = 0) -> Path:
    """A photo of blurred blobs under grain, as a JPEG file."""
    generator = np.random.default_rng(seed)
    blobs = generator.integers(0, 256, (height // 100 + 2, width // 100 + 2, 3), np.uint8)
    pixels = cv2.resize(blobs, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = generator.integers(0, 24, (512, 512, 3), np.uint8)
    tiled = np.tile(grain, (height // 512 + 1, width // 512 + 1, 1))[:height, :width]
    cv2.imwrite(str(path), cv2.add(pixels, tiled), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return path


def polygons(count: int, width: int, height: int, radii: tuple[int, int]) -> Iterator[Polygon]:
    """Uneven stars of 60 vertices all over an image."""
    generator = np.random.default_rng(count)
    angles = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    for _ in range(count):
        radius = generator.uniform(*radii)
        reach = radius * generator.uniform(0.6, 1.0, VERTICES)
        middle = generator.uniform((radius, radius), (width - radius, height - radius))
        yield middle + reach[:, None] * np.stack((np.cos(angles), np.sin(angles)), axis=1)


def polygon_masks(outlines: Sequence[Polygon]) -> list[Mask]:
    """The pixels inside of each."""
    return [_filled([outline]) for outline in outlines]


def dense_masks(count: int, width: int, height: int) -> list[Mask]:
    """Wheels with lobes and holes whose outlines have 5,000 pixels and more."""
    generator = np.random.default_rng(1)
    angles = np.linspace(0, 2 * np.pi, 1600, endpoint=False)
    masks = []
    for _ in range(count):
        lobes = int(generator.integers(11, 15))
        middle = generator.uniform((300, 300), (width - 300, height - 300))
        outer = 220 + 55 * np.sin(lobes * angles)
        inner = 90 + 25 * np.sin(lobes // 2 * angles)
        ring = np.stack((np.cos(angles), np.sin(angles)), axis=1)
        masks.append(_filled([middle + outer[:, None] * ring, middle + inner[:, None] * ring]))
    return masks


def outline_pixels(mask: Mask) -> int:
    """How many pixels of a mask have a neighbour outside of it."""
    crop = np.pad(mask.crop, 1).astype(np.uint8)
    core = cv2.erode(crop, np.ones((3, 3), np.uint8))
    return int(np.count_nonzero(crop) - np.count_nonzero(core))


def project(work: Path, name: str, photos: Sequence[Path], masks: Sequence[Mask]) -> Path:
    """A project on some photos; every photo gets the masks, in five categories."""
    categories = tuple(f"kind {number}" for number in range(1, 6))
    folder = create_project(work / name, photos[0].parent, categories).folder
    human = Provenance(Source.HUMAN)
    with Store.open(folder) as store:
        ids = [category.id for category in store.categories()]
        first = 1
        for entry in store.images():
            instances = [
                Instance(number, ids[number % len(ids)], mask, human)
                for number, mask in enumerate(masks, first)
            ]
            store.insert_instances(entry.id, instances)
            first += len(masks)
    return folder


def _filled(outlines: Sequence[Polygon]) -> Mask:
    """The pixels that lie in an odd number of outlines."""
    points = np.concatenate(outlines)
    left, top = np.floor(points.min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + 2
    bitmap = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(bitmap, [np.rint(it - (left, top)).astype(np.int32) for it in outlines], 1)
    return Mask.from_bitmap(bitmap, int(left), int(top))
