"""Which masks are much like others."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.masks import Mask

_Pair: TypeAlias = tuple[Mask, Mask, float]
_Matrix: TypeAlias = NDArray[np.bool_]


class Resemblance:
    """Compares masks, and remembers for the next time what the last one has told.

    An edit changes one mask of many: only its pairs are then compared by their pixels again.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], _Pair] = {}  # by the objects' ids, which they keep
        self._before: dict[tuple[int, int], _Pair] = {}
        self._kept: dict[tuple[int, int], _Pair] = {}

    def keep(self) -> None:
        """Never forget what has been asked about so far."""
        self._kept |= self._known

    def begin(self) -> None:
        """Forget the pairs that nobody has asked about since this was called last."""
        self._before, self._known = self._known, {}

    def resembles(
        self, masks: Sequence[Mask], others: Sequence[Mask], threshold: float
    ) -> NDArray[np.bool_]:
        """For each mask, whether its IoU with any of the others is above the threshold: [n].

        Most pairs are settled by their boxes and areas; pixels are compared only for the rest.
        """
        possible = _possible(masks, others, threshold)
        found = np.zeros(len(masks), dtype=np.bool_)
        for index in np.flatnonzero(possible.any(axis=1)).tolist():
            near = (others[it] for it in np.flatnonzero(possible[index]).tolist())
            found[index] = any(self._iou(masks[index], other) > threshold for other in near)
        return found

    def distinct(self, masks: Sequence[Mask], threshold: float) -> list[int]:
        """Indices of the masks that are not above the threshold with an earlier one of these."""
        possible = np.tril(_possible(masks, masks, threshold), k=-1)
        kept = [True] * len(masks)
        for index in np.flatnonzero(possible.any(axis=1)).tolist():
            rivals = (it for it in np.flatnonzero(possible[index]).tolist() if kept[it])
            kept[index] = not any(self._iou(masks[index], masks[it]) > threshold for it in rivals)
        return [index for index, is_kept in enumerate(kept) if is_kept]

    def _iou(self, a: Mask, b: Mask) -> float:
        key = id(a), id(b)
        pair = self._known.get(key) or self._before.get(key) or self._kept.get(key)
        pair = pair or (a, b, a.iou(b))
        self._known[key] = pair
        return pair[2]


def _possible(masks: Sequence[Mask], others: Sequence[Mask], threshold: float) -> _Matrix:
    """Where the mask IoU may exceed a threshold >= 0, from boxes and areas alone: [n, m].

    Of thousands of small masks few boxes overlap: only for those something is computed.
    """
    a, b = _boxes(masks), _boxes(others)
    possible = a[:, None, 0] < b[None, :, 2]
    possible &= b[None, :, 0] < a[:, None, 2]
    possible &= a[:, None, 1] < b[None, :, 3]
    possible &= b[None, :, 1] < a[:, None, 3]
    rows, columns = np.nonzero(possible)
    a, b, areas, other_areas = a[rows], b[columns], _areas(masks)[rows], _areas(others)[columns]
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.minimum(sides.prod(axis=1), np.minimum(areas, other_areas))
    possible[rows, columns] = shared > threshold * (areas + other_areas - shared)
    return possible


def _boxes(masks: Sequence[Mask]) -> NDArray[np.int64]:
    return np.array([mask.box_xyxy for mask in masks], dtype=np.int64).reshape(-1, 4)


def _areas(masks: Sequence[Mask]) -> NDArray[np.int64]:
    return np.array([mask.area for mask in masks], dtype=np.int64)
