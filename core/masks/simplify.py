"""Polygons of fewer corners, within a distance of the exact ones."""

import cv2
import numpy as np

from core.masks.contours import Ring


def simplify_ring(ring: Ring, tolerance: float) -> Ring:
    """Leave out corners of a closed ring (Douglas and Peucker, 1973).

    Args:
        ring: int32 [n, 2], (x, y) pixel corners, closed implicitly.
        tolerance: In pixels: no corner that is left out lies farther from the new ring.

    Returns:
        Some of the corners, in their order; all of them where fewer than three would be left.
    """
    simple = cv2.approxPolyDP(ring.reshape(-1, 1, 2), tolerance, closed=True).reshape(-1, 2)
    return simple.astype(np.int32) if len(simple) >= 3 else ring
