"""Grow, shrink and smooth masks; distances are those between the centres of pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks.mask import Bitmap, Mask

_KERNEL_RADIUS = 3  # up to here a dilation is cheaper than a distance transform


def grow(mask: Mask, radius: int, width: int, height: int) -> Mask:
    """The pixels within a distance of a mask.

    Args:
        mask: Lies in the image.
        radius: In pixels; 1 adds the four neighbours of every pixel.
        width: Of the image: nothing grows out of it.
        height: Of the image.
    """
    if mask.is_empty or radius <= 0:
        return mask
    padded = np.pad(mask.crop, radius)
    return Mask.from_bitmap(_near(padded, radius), mask.x - radius, mask.y - radius).clip(
        width, height
    )


def shrink(mask: Mask, radius: int, width: int, height: int) -> Mask:
    """The pixels farther than a distance from every image pixel outside of a mask.

    The image's border takes nothing away: an object that it cuts off goes on behind it.

    Args:
        mask: Lies in the image.
        radius: In pixels; 1 leaves the pixels whose four neighbours are inside.
        width: Of the image.
        height: Of the image.
    """
    if mask.is_empty or radius <= 0:
        return mask
    outside, x, y = _surroundings(mask, radius, width, height)
    np.logical_not(outside, out=outside)
    kept = ~_near(outside, radius)
    return Mask.from_bitmap(kept, x, y).intersect(mask)


def smooth(mask: Mask, radius: int, width: int, height: int) -> Mask:
    """Each pixel as most of those within a distance are; a tie leaves it as it is.

    Args:
        mask: Lies in the image.
        radius: In pixels; details finer than this go.
        width: Of the image: what lies outside of it has no vote.
        height: Of the image.
    """
    if mask.is_empty or radius <= 0:
        return mask
    bitmap, x, y = _surroundings(mask, 2 * radius, width, height)
    votes = _votes(bitmap, radius)
    voters = _votes(np.ones_like(bitmap), radius)
    smoothed = (2 * votes > voters) | ((2 * votes == voters) & bitmap)
    return Mask.from_bitmap(smoothed, x, y)


def _surroundings(mask: Mask, margin: int, width: int, height: int) -> tuple[Bitmap, int, int]:
    """The mask with a margin, as far as the image goes: bitmap, left, top."""
    left, top, right, bottom = mask.box_xyxy
    x, y = max(left - margin, 0), max(top - margin, 0)
    right, bottom = min(right + margin, width), min(bottom + margin, height)
    return mask.shift(-x, -y).to_bitmap(bottom - y, right - x), x, y


def _near(bitmap: Bitmap, radius: int) -> Bitmap:
    """The pixels of the array within a distance of those inside."""
    if radius <= _KERNEL_RADIUS:
        near = cv2.dilate(bitmap.view(np.uint8), _disc(radius), borderValue=0)
        return near.view(np.bool_)
    if not bitmap.any():
        return bitmap
    apart = (~bitmap).view(np.uint8)
    distance = cv2.distanceTransform(apart, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    near_enough: Bitmap = distance <= radius + 1e-3
    return near_enough


def _votes(bitmap: Bitmap, radius: int) -> NDArray[np.float32]:
    """How many pixels within a distance are inside; those outside of the array are not."""
    kernel = _disc(radius).astype(np.float32)
    votes = cv2.filter2D(
        bitmap.astype(np.float32), cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT
    )
    return np.rint(votes).astype(np.float32)


def _disc(radius: int) -> NDArray[np.uint8]:
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc: NDArray[np.uint8] = (rows**2 + columns**2 <= radius**2).astype(np.uint8)
    return disc
