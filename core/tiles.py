"""Large images in overlapping tiles, so that small objects are seen at full size.

Every tile is predicted by itself. An object that a seam cuts is found in parts by two or more
tiles: parts belong together when their masks agree in the strip that both tiles see.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from core.masks import Mask
from core.ops.boxes import intersection
from core.predictor import Detection, Predictor

_AGREES = 0.5  # IoU within the shared strip
_AT_EDGE = 2.0  # pixels: a box that comes so close to a seam is cut by it

Window = tuple[int, int, int, int]  # x1, y1, x2, y2 in pixels


@dataclass(frozen=True)
class _Part:
    """A detection in the whole image's pixels, and the tile that saw it."""

    detection: Detection
    window: Window
    is_cut: bool


def predict_tiles(
    predictor: Predictor,
    image: NDArray[np.uint8],
    *,
    tile: int | None = None,
    overlap: int | None = None,
    min_score: float = 0.05,
    limit: int = 2000,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Detection]:
    """Find objects in an image of any size.

    Args:
        predictor: the model.
        image: RGB [H, W, 3]; one that fits in a tile is predicted as a whole.
        tile: side of a tile in pixels; None: the one that the model sees at full size.
        overlap: pixels that neighbouring tiles share, at least; an object up to this size is seen
            whole by one of them; None: a quarter of a tile.
        min_score: leave out what the model is less sure of, 0..1.
        limit: how many at most.
        should_stop: asked before each tile; when it says yes, what was found so far is returned.

    Returns:
        Detections in the image's pixels, best first. Each tile may give as many as `predict`.

    Raises:
        ValueError: the overlap is no smaller than half a tile, or the array is no RGB image.
    """
    tile = predictor.config.image_size if tile is None else tile
    overlap = tile // 4 if overlap is None else overlap
    if not 0 <= overlap < tile / 2:
        raise ValueError(f"overlap: expected 0..{tile // 2 - 1} for tiles of {tile}, got {overlap}")
    parts: list[list[_Part]] = []
    height, width = image.shape[:2]
    for window in windows(height, width, tile, overlap):
        if should_stop():
            break
        x1, y1, x2, y2 = window
        found = predictor.predict(image[y1:y2, x1:x2], min_score=min_score)
        parts.append([_place(d, window, (height, width)) for d in found])
    merged = [_merge(group) for group in _groups(parts)]
    return sorted(merged, key=lambda detection: -detection.score)[:limit]


def windows(height: int, width: int, tile: int, overlap: int) -> list[Window]:
    """Return tiles that cover an image, row by row, of equal size where the image allows."""
    return [
        (x, y, min(x + tile, width), min(y + tile, height))
        for y in _starts(height, tile, overlap)
        for x in _starts(width, tile, overlap)
    ]


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Spread as few tiles as needed evenly."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(i * (length - tile) / (count - 1)) for i in range(count)]


def _place(detection: Detection, window: Window, size: tuple[int, int]) -> _Part:
    """Move a detection of a tile to its place in the image."""
    left, top, right, bottom = window
    x1, y1, x2, y2 = detection.box_xyxy
    moved = replace(
        detection,
        box_xyxy=(x1 + left, y1 + top, x2 + left, y2 + top),
        shape=detection.mask.shift(left, top),
    )
    height, width = size
    is_cut = (
        (left > 0 and x1 < _AT_EDGE)
        or (top > 0 and y1 < _AT_EDGE)
        or (right < width and x2 > right - left - _AT_EDGE)
        or (bottom < height and y2 > bottom - top - _AT_EDGE)
    )
    return _Part(moved, window, is_cut)


def _groups(tiles: Sequence[Sequence[_Part]]) -> list[list[_Part]]:
    """Put the parts of one object together: a part joins through any other that it agrees with."""
    every = [part for parts in tiles for part in parts]
    owners = list(range(len(every)))

    def owner(i: int) -> int:
        while owners[i] != i:
            i = owners[i]
        return i

    starts = np.cumsum([0, *(len(parts) for parts in tiles)]).tolist()
    for (i, first), (j, second) in combinations(enumerate(tiles), 2):
        for a, b in _agreeing(first, second):
            low, high = sorted((owner(starts[i] + a), owner(starts[j] + b)))
            owners[high] = low
    groups: dict[int, list[_Part]] = {}
    for i, part in enumerate(every):
        groups.setdefault(owner(i), []).append(part)
    return list(groups.values())


def _agreeing(first: Sequence[_Part], second: Sequence[_Part]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of parts of two tiles that show the same object."""
    if not first or not second:
        return
    strip = _shared(first[0].window, second[0].window)
    if strip is None:
        return
    boxes = [torch.tensor([p.detection.box_xyxy for p in parts]) for parts in (first, second)]
    for a, b in torch.nonzero(intersection(*boxes) > 0).tolist():
        one, other = first[a].detection, second[b].detection
        if one.category == other.category and _iou_within(strip, one.mask, other.mask) > _AGREES:
            yield a, b


def _shared(first: Window, second: Window) -> Window | None:
    x1, y1 = max(first[0], second[0]), max(first[1], second[1])
    x2, y2 = min(first[2], second[2]), min(first[3], second[3])
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def _iou_within(window: Window, first: Mask, second: Mask) -> float:
    return _within(window, first).iou(_within(window, second))


def _within(window: Window, mask: Mask) -> Mask:
    box = _shared(window, mask.box_xyxy)
    return Mask.empty() if box is None else Mask.from_bitmap(mask.window(box), box[0], box[1])


def _merge(parts: Sequence[_Part]) -> Detection:
    """Return the best that one tile saw whole, or else all that the tiles saw together."""
    whole = [part.detection for part in parts if not part.is_cut]
    found = whole or [part.detection for part in parts]
    best = max(found, key=lambda detection: detection.score)
    if whole or len(found) == 1:
        return best
    mask = found[0].mask
    for detection in found[1:]:
        mask = mask.union(detection.mask)
    boxes = np.array([detection.box_xyxy for detection in found])
    x1, y1 = boxes[:, :2].min(axis=0).tolist()
    x2, y2 = boxes[:, 2:].max(axis=0).tolist()
    return replace(best, box_xyxy=(x1, y1, x2, y2), shape=mask)
