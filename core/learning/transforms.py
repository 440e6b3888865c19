"""Changes of one training image together with its masks; masks stay crops all the way."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks import Mask

# Half-widths of the ranges that the factors on brightness, contrast and saturation come from.
BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.2, 0.3
SMALLEST_CROP = 0.5  # of each side
VISIBLE = 0.25  # an instance with a smaller part in the crop is neither object nor background
_GRAY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


@dataclass(frozen=True, eq=False)
class Sample:
    """An image and what is on it, in the pixels of that image.

    Attributes:
        image: HWC RGB uint8.
        masks: One mask per instance.
        labels: The instance's label, 1 for the first category.
        ignored: Crowds: regions that teach neither object nor background.
        known: The pixels whose objects are all in `masks`; None: every pixel.
    """

    image: NDArray[np.uint8]
    masks: tuple[Mask, ...]
    labels: tuple[int, ...]
    ignored: tuple[Mask, ...] = ()
    known: Mask | None = None


@dataclass(frozen=True)
class Augmentation:
    """How often views are changed beyond mirroring and colour, each 0..1.

    Attributes:
        crop: Share of the views that show a part of the image.
        copy_paste: Share of the views that get objects of another image.
    """

    crop: float = 0.0
    copy_paste: float = 0.0

    def crops(self, generator: np.random.Generator) -> bool:
        """Draw whether a view is cropped."""
        return self.crop > 0 and generator.random() < self.crop

    def pastes(self, generator: np.random.Generator) -> bool:
        """Draw whether a view gets foreign objects."""
        return self.copy_paste > 0 and generator.random() < self.copy_paste


def resize_image(image: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    """Scale so that the longer side has `long_side` pixels."""
    height, width = image.shape[:2]
    scale = long_side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return image
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=method).astype(np.uint8, copy=False)


def resize_mask(mask: Mask, factors: tuple[float, float]) -> Mask:
    """Scale a mask about the image's top left corner.

    The centre of new pixel i lies at (i + 0.5) / factor in the old image, whose pixel j covers
    [j, j + 1); a new pixel is inside when the bilinear value there is at least 0.5.

    Args:
        mask: The mask in pixels of the old image.
        factors: New over old size, for x and for y.
    """
    if mask.is_empty:
        return mask
    (sx, sy), (x1, y1, x2, y2) = factors, mask.box_xyxy
    left, top = int(np.floor(x1 * sx)), int(np.floor(y1 * sy))
    right, bottom = int(np.ceil(x2 * sx)), int(np.ceil(y2 * sy))
    new_to_old = np.array(
        [
            [1 / sx, 0, (left + 0.5) / sx - 0.5 - x1],
            [0, 1 / sy, (top + 0.5) / sy - 0.5 - y1],
        ]
    )
    values = cv2.warpAffine(
        _shrinkable(mask.crop, factors),
        new_to_old,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    return Mask.from_bitmap(values >= 0.5, left, top)


def _shrinkable(crop: NDArray[np.bool_], factors: tuple[float, float]) -> NDArray[np.float32]:
    """The crop as numbers, averaged where sampling it at steps of 1 / factor would skip pixels."""
    values = crop.astype(np.float32)
    width, height = (_odd_step(factor) for factor in factors)
    if width == height == 1:
        return values
    return cv2.blur(values, (width, height), borderType=cv2.BORDER_CONSTANT).astype(np.float32)


def _odd_step(factor: float) -> int:
    """The largest odd number of old pixels that fits in a new one: a blur without a shift."""
    step = max(1, int(1 / factor))
    return step - 1 + step % 2


def flip(sample: Sample) -> Sample:
    """Mirror left and right."""
    width = sample.image.shape[1]
    return replace(
        sample,
        image=np.ascontiguousarray(sample.image[:, ::-1]),
        masks=tuple(_flip_mask(mask, width) for mask in sample.masks),
        ignored=tuple(_flip_mask(mask, width) for mask in sample.ignored),
        known=None if sample.known is None else _flip_mask(sample.known, width),
    )


def _flip_mask(mask: Mask, width: int) -> Mask:
    if mask.is_empty:
        return mask
    return Mask(np.ascontiguousarray(mask.crop[:, ::-1]), width - mask.box_xyxy[2], mask.y)


def jitter_colour(sample: Sample, generator: np.random.Generator) -> Sample:
    """Change brightness, contrast and saturation a little."""
    brightness, contrast, saturation = 1 + generator.uniform(-1, 1, 3) * (
        BRIGHTNESS,
        CONTRAST,
        SATURATION,
    )
    # All three are linear in the colours of a pixel, so one matrix [3, 4] does them at once.
    means = np.array(cv2.mean(sample.image)[:3])
    mean = (1 - saturation) * (means @ _GRAY) + saturation * means.mean()
    mixing = saturation * np.eye(3) + (1 - saturation) * np.tile(_GRAY, (3, 1))
    offset = np.full((3, 1), brightness * (1 - contrast) * mean)
    matrix = np.hstack((brightness * contrast * mixing, offset))
    return replace(sample, image=cv2.transform(sample.image, matrix).astype(np.uint8, copy=False))


def crop(sample: Sample, generator: np.random.Generator) -> Sample:
    """Cut out a part with sides of half to all of the image's, anywhere in it."""
    height, width = sample.image.shape[:2]
    share_y, share_x = generator.uniform(SMALLEST_CROP, 1, 2)
    rows, columns = max(1, round(height * share_y)), max(1, round(width * share_x))
    top, left = (int(generator.integers(n + 1)) for n in (height - rows, width - columns))
    pairs = [
        (mask, mask.shift(-left, -top).clip(columns, rows), label)
        for mask, label in zip(sample.masks, sample.labels, strict=True)
    ]
    seen = [(part, label, part.area >= VISIBLE * whole.area) for whole, part, label in pairs]
    crowds = [mask.shift(-left, -top).clip(columns, rows) for mask in sample.ignored]
    crowds += [part for part, _, is_visible in seen if not is_visible]
    return Sample(
        np.ascontiguousarray(sample.image[top : top + rows, left : left + columns]),
        tuple(part for part, _, is_visible in seen if is_visible),
        tuple(label for _, label, is_visible in seen if is_visible),
        tuple(mask for mask in crowds if not mask.is_empty),
        None if sample.known is None else sample.known.shift(-left, -top).clip(columns, rows),
    )


def copy_paste(sample: Sample, other: Sample, generator: np.random.Generator) -> Sample:
    """Put some instances of another sample over this one, in their places (arXiv 2012.07177).

    What they cover is taken from the masks below; instances that vanish are dropped. Their pixels
    are known from then on.
    """
    height, width = sample.image.shape[:2]
    image, masks, labels = sample.image.copy(), list(sample.masks), list(sample.labels)
    known = sample.known
    for mask, label in zip(other.masks, other.labels, strict=True):
        pasted = mask.clip(width, height)
        if pasted.is_empty or generator.random() < 0.5:
            continue
        x1, y1, x2, y2 = pasted.box_xyxy
        image[y1:y2, x1:x2][pasted.crop] = other.image[y1:y2, x1:x2][pasted.crop]
        masks = [below.subtract(pasted) for below in masks] + [pasted]
        labels.append(label)
        known = None if known is None else known.union(pasted)
    kept = [(m, label) for m, label in zip(masks, labels, strict=True) if not m.is_empty]
    return replace(
        sample,
        image=image,
        masks=tuple(mask for mask, _ in kept),
        labels=tuple(label for _, label in kept),
        known=known,
    )


def augment(sample: Sample, generator: np.random.Generator) -> Sample:
    """One random view of a sample: half the time mirrored, always recoloured a little."""
    if generator.random() < 0.5:
        sample = flip(sample)
    return jitter_colour(sample, generator)
