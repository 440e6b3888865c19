"""Connected parts of masks, and their holes.

Pixels that touch at a corner only are apart, as in `mask_to_rings`; what lies outside hangs
together over corners, so that every bay is either a hole or open.
"""

import cv2
import numpy as np

from core.masks.mask import Mask


def split_parts(mask: Mask) -> list[Mask]:
    """The 4-connected parts of a mask, largest first; of equal ones the upper left one."""
    if mask.is_empty:
        return []
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        mask.crop.view(np.uint8), connectivity=4
    )
    if count == 2:
        return [mask]
    areas = boxes[1:, cv2.CC_STAT_AREA]
    parts = []
    for label in (np.argsort(-areas, kind="stable") + 1).tolist():
        left, top, width, height = (int(value) for value in boxes[label, :4])
        window = labels[top : top + height, left : left + width]
        parts.append(Mask.from_bitmap(window == label, mask.x + left, mask.y + top))
    return parts


def largest_part(mask: Mask) -> Mask:
    """The part with the most pixels; the empty mask has none and stays empty."""
    return split_parts(mask)[0] if not mask.is_empty else mask


def fill_holes(mask: Mask, up_to: int | None = None) -> Mask:
    """The mask with what it encloses: everything, or the holes of up to so many pixels."""
    if mask.is_empty:
        return mask
    outside = np.pad(~mask.crop, 1, constant_values=True).view(np.uint8)
    count, labels = cv2.connectedComponents(outside, connectivity=8)
    if count <= 2:  # the mask is label 0, what lies around it another
        return mask
    enclosed = np.flatnonzero((labels != 0) & (labels != labels[0, 0]))
    if up_to is not None:
        holes = labels.reshape(-1)[enclosed]
        enclosed = enclosed[np.bincount(holes, minlength=count)[holes] <= up_to]
    outside.reshape(-1)[enclosed] = 0
    return Mask.from_bitmap(outside[1:-1, 1:-1] == 0, mask.x, mask.y)
