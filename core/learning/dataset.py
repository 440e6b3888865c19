"""Photos with COCO annotations as training samples for the model."""

import json
import logging
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.formats.coco import (
    CocoAnnotation,
    CocoImage,
    annotation_mask,
    read_coco,
    segmentation_mask,
)
from core.images import read_rgb
from core.learning.transforms import (
    Augmentation,
    Sample,
    augment,
    copy_paste,
    crop,
    flip,
    resize_image,
    resize_mask,
)
from core.masks import Mask
from core.model.mask_rcnn import Target

logger = logging.getLogger(__name__)

CLASS_AGNOSTIC = ("object",)
_NO_EXTRAS = Augmentation()


class CocoDetectionDataset:
    """The images of a COCO file and their instances.

    Images without annotations are negatives. Crowds become ignored boxes. Annotations of
    categories that are not asked for are left out: to the model they are background.

    Two fields of an image's record beyond COCO's say where not everything is labelled, both lists
    of segmentations: `finished`, outside of which only the annotated pixels are known (without the
    field all is), and `ignore`, where nothing is.
    """

    def __init__(
        self,
        json_path: Path,
        images_root: Path,
        categories: tuple[str, ...] | None = None,
        image_size: int = 640,
    ) -> None:
        """Read the annotations; images are read when they are asked for.

        Args:
            json_path: COCO file.
            images_root: Folder that relative file names start from.
            categories: Names in the order of the labels; None makes every instance "object".
            image_size: Long side in pixels of the samples that `dataset[i]` gives.

        Raises:
            CocoError: The file is no valid COCO file.
        """
        coco = read_coco(json_path)
        self.categories = CLASS_AGNOSTIC if categories is None else categories
        self.image_size = image_size
        self._source = (json_path, images_root, categories, image_size)
        self._root = images_root
        labels = {
            category.id: 1 if categories is None else _label(category.name, categories)
            for category in coco.categories
        }
        annotations: dict[int, list[CocoAnnotation]] = {}
        for annotation in coco.annotations:
            annotations.setdefault(annotation.image_id, []).append(annotation)
        self._entries = [
            _Entry(image, tuple(annotations.get(image.id, ())), labels) for image in coco.images
        ]

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Let other processes read the file themselves.

        The records of 50,000 images are long to send, and a process is only sent them when it has
        started: many would start one after the other.
        """
        return CocoDetectionDataset, self._source

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        """The image [3, H, W] in 0..1 and its target, as they are, at `image_size`."""
        return to_tensors(self.sample(index, self.image_size))

    @property
    def image_ids(self) -> list[int]:
        """The ids in the file, in the order of the samples."""
        return [entry.image.id for entry in self._entries]

    @property
    def landscape(self) -> list[bool]:
        """For each image, whether it is at least as wide as high."""
        return [entry.image.width >= entry.image.height for entry in self._entries]

    def long_side(self, index: int) -> int:
        """Of the image itself, in pixels."""
        image = self._entries[index].image
        return max(image.width, image.height)

    def identity(self, index: int) -> str:
        """Names an image as it is now, with its annotations: another name, another sample."""
        return self._entries[index].identity(self._root)

    def augmented(
        self,
        index: int,
        long_side: int,
        generator: np.random.Generator,
        augmentation: Augmentation = _NO_EXTRAS,
    ) -> tuple[Tensor, Target]:
        """A random view of an image whose long side has `long_side` pixels."""
        sample = self.sample(index, long_side)
        if augmentation.pastes(generator):
            other = self.sample(int(generator.integers(len(self))), long_side)
            sample = copy_paste(
                sample, flip(other) if generator.random() < 0.5 else other, generator
            )
        if augmentation.crops(generator):
            sample = crop(sample, generator)
        return to_tensors(augment(sample, generator))

    def sample(self, index: int, long_side: int) -> Sample:
        """An image at a size, with the masks of that size; instances that vanish are dropped.

        Raises:
            ImageReadError: The image cannot be read.
            ValueError: The image has another shape than the file says.
        """
        entry = self._entries[index]
        path = self._root / entry.image.file_name
        image = resize_image(read_rgb(path, max_side=long_side), long_side)
        factors = _factors(image.shape[1], image.shape[0], entry.image)
        instances, crowds = entry.masks(factors)
        return Sample(
            image,
            tuple(mask for mask, _ in instances),
            tuple(label for _, label in instances),
            tuple(crowds),
            entry.known(factors, [mask for mask, _ in instances]),
        )


@dataclass(frozen=True)
class _Entry:
    """One image of the file and the annotations on it."""

    image: CocoImage
    annotations: tuple[CocoAnnotation, ...]
    labels: dict[int, int]  # by category id; 0 where the category is not asked for

    def identity(self, root: Path) -> str:
        status = (root / self.image.file_name).stat()
        file = (status.st_size, status.st_mtime_ns)
        records = [annotation.record for annotation in self.annotations]
        return json.dumps((self.image.record, file, records, sorted(self.labels.items())))

    def masks(self, factors: tuple[float, float]) -> tuple[list[tuple[Mask, int]], list[Mask]]:
        """Scaled masks with their labels, and the scaled masks of crowds."""
        instances: list[tuple[Mask, int]] = []
        crowds: list[Mask] = []
        for annotation in self.annotations:
            label = self.labels[annotation.category_id]
            if label == 0:
                continue
            mask = annotation_mask(annotation, self.image.height, self.image.width)
            if mask.is_empty:
                logger.warning(
                    "%s: an annotation without a pixel is left out", self.image.file_name
                )
                continue
            mask = resize_mask(mask, factors)
            if mask.is_empty:
                continue
            if annotation.is_crowd:
                crowds.append(mask)
            else:
                instances.append((mask, label))
        return instances, crowds

    def known(self, factors: tuple[float, float], instances: list[Mask]) -> Mask | None:
        """The scaled pixels whose objects are all labelled; None for every pixel."""
        record = self.image.record
        if "finished" not in record and "ignore" not in record:
            return None
        everything = Mask.from_bitmap(np.ones((self.image.height, self.image.width), np.bool_))
        finished = self._regions("finished") if "finished" in record else [everything]
        parts = [resize_mask(mask, factors) for mask in finished] + instances
        known = reduce(Mask.union, parts, Mask.empty())
        ignored = [resize_mask(mask, factors) for mask in self._regions("ignore")]
        return reduce(Mask.subtract, ignored, known)

    def _regions(self, name: str) -> list[Mask]:
        size = self.image.height, self.image.width
        found = self.image.record.get(name, [])
        return [
            segmentation_mask(each, *size, f"{name} of {self.image.file_name}") for each in found
        ]


def to_tensors(sample: Sample) -> tuple[Tensor, Target]:
    """A sample as the model takes it: image [3, H, W] float32 in 0..1, boxes from the masks."""
    pixels = torch.from_numpy(np.ascontiguousarray(sample.image.transpose(2, 0, 1)))
    known = None if sample.known is None else sample.known.to_bitmap(*sample.image.shape[:2])
    target: Target = {
        "boxes_xyxy": _boxes(sample.masks),
        "labels": torch.tensor(sample.labels, dtype=torch.int64),
        "masks": list(sample.masks),
        "ignore_xyxy": _boxes(sample.ignored),
        "known": None if known is None else torch.from_numpy(known),
    }
    return pixels.float().div_(255), target


def _boxes(masks: tuple[Mask, ...]) -> Tensor:
    """[N, 4]."""
    return torch.tensor([mask.box_xyxy for mask in masks], dtype=torch.float32).reshape(-1, 4)


def _label(name: str, categories: tuple[str, ...]) -> int:
    return categories.index(name) + 1 if name in categories else 0


def _factors(width: int, height: int, image: CocoImage) -> tuple[float, float]:
    """New over old size, for x and y."""
    # Rounding moves each side by half a pixel at most; more means another picture or rotation.
    if abs(width * image.height - height * image.width) > 1.5 * max(image.width, image.height):
        raise ValueError(
            f"{image.file_name}: expected the shape {image.width}x{image.height} of the COCO "
            f"file, got an image with the shape {width}x{height}"
        )
    return width / image.width, height / image.height
