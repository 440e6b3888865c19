"""Regions of one colour."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.masks.mask import Mask


def flood(pixels: NDArray[np.uint8], x: int, y: int, tolerance: int) -> Mask:
    """The pixels of a colour like the one at a pixel that hang together with it.

    Args:
        pixels: RGB [H, W, 3], C-contiguous; is not changed.
        x: Column of the pixel.
        y: Row of the pixel.
        tolerance: How far every channel may be from the colour at the pixel, 0..255.

    Raises:
        ValueError: The pixel lies outside, or the array is no RGB image.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"expected RGB uint8 [H, W, 3], got {pixels.dtype} {pixels.shape}")
    height, width = pixels.shape[:2]
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"expected a pixel of the {width} x {height} image, got ({x}, {y})")
    reached = np.zeros((height + 2, width + 2), dtype=np.uint8)
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | 255 << 8
    apart = (tolerance,) * 3
    _, _, _, box = cv2.floodFill(pixels, reached, (x, y), 0, apart, apart, flags)
    left, top, across, down = box
    inside = reached[top + 1 : top + 1 + down, left + 1 : left + 1 + across]
    return Mask.from_bitmap(inside, left, top)
