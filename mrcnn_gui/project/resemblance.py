"""Which masks are much like others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.masks import Mask


def resembles(masks: Sequence[Mask], others: Sequence[Mask], threshold: float) -> NDArray[np.bool_]:
    """For each mask, whether its IoU with any of the others is above the threshold: [n].

    Most pairs are settled by their boxes and areas; pixels are compared only for the rest.
    """
    possible = _iou_bounds(masks, others) > threshold
    return np.array(
        [
            any(mask.iou(others[int(index)]) > threshold for index in np.flatnonzero(row))
            for mask, row in zip(masks, possible, strict=True)
        ],
        dtype=np.bool_,
    )


def distinct(masks: Sequence[Mask], threshold: float) -> list[int]:
    """Indices of the masks that are not above the threshold with an earlier one of these."""
    possible = _iou_bounds(masks, masks) > threshold
    kept: list[int] = []
    for index, mask in enumerate(masks):
        rivals = [earlier for earlier in kept if possible[index, earlier]]
        if not any(mask.iou(masks[earlier]) > threshold for earlier in rivals):
            kept.append(index)
    return kept


def _iou_bounds(masks: Sequence[Mask], others: Sequence[Mask]) -> NDArray[np.float64]:
    """What the mask IoU cannot exceed, from boxes and areas alone: [n, m]."""
    a, b = _boxes(masks)[:, None], _boxes(others)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    overlaps = sides.clip(min=0).prod(axis=2)
    areas, other_areas = _areas(masks)[:, None], _areas(others)[None]
    shared = np.minimum(overlaps, np.minimum(areas, other_areas))
    bounds: NDArray[np.float64] = shared / np.maximum(areas + other_areas - shared, 1)
    return bounds


def _boxes(masks: Sequence[Mask]) -> NDArray[np.int64]:
    return np.array([mask.box_xyxy for mask in masks], dtype=np.int64).reshape(-1, 4)


def _areas(masks: Sequence[Mask]) -> NDArray[np.int64]:
    return np.array([mask.area for mask in masks], dtype=np.int64)
