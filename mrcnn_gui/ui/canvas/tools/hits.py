"""What lies under the cursor."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, hypot

import numpy as np

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Suggestion


def instance_at(instances: Iterable[Instance], x: int, y: int) -> Instance | None:
    """The instance at a pixel: the smallest, of equal ones the topmost."""
    hits = [instance for instance in instances if instance.mask.contains(x, y)]
    return min(hits, key=lambda hit: (hit.mask.area, -hit.z_order, -hit.id), default=None)


def suggestion_at(suggestions: Sequence[Suggestion], x: int, y: int) -> Suggestion | None:
    """The smallest suggestion at a pixel."""
    hits = [suggestion for suggestion in suggestions if suggestion.mask.contains(x, y)]
    return min(hits, key=lambda hit: hit.mask.area, default=None)


def outline_distance(mask: Mask, x: float, y: float, reach: float) -> float:
    """Distance in image pixels from a point inside a mask to the nearest pixel outside of it.

    Only as far as `reach`: infinity when everything within is inside.
    """
    left, top = floor(x - reach) - 1, floor(y - reach) - 1
    size = 2 * ceil(reach) + 4
    window = mask.shift(-left, -top).to_bitmap(size, size)
    rows, columns = np.nonzero(~window)
    if rows.size == 0:
        return float("inf")
    nearest = float(np.min(np.hypot(columns + left + 0.5 - x, rows + top + 0.5 - y)))
    return nearest if nearest <= hypot(reach, 1.0) else float("inf")
