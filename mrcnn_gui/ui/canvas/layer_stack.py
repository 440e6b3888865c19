"""All layers of a picture, found by where they lie: what a part of the view costs is what is there.

No Qt: workers compose from a stack while the GUI thread already holds the next one.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.ui.canvas.boxes import Box
from mrcnn_gui.ui.canvas.compose import compose
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.stamps import Pixels
from mrcnn_gui.ui.canvas.style import MAX_REACH, Layer, boxes_of

T = TypeVar("T")

Rank: TypeAlias = tuple[int, ...]
"""Where a layer lies in its stack, lowest first; the last number is an id."""

_PER_LAYER = 4000  # what a layer costs besides its pixels, as so many pixels


@dataclass(frozen=True, eq=False)
class LayerStack:
    """Layers by rank, bottom first; never changes.

    Attributes:
        ranks: Rising.
        layers: One for each rank.
        boxes: int32 [n, 4]: the box of each layer in image pixels.
    """

    ranks: tuple[Rank, ...]
    layers: tuple[Layer, ...]
    boxes: NDArray[np.int32]

    @classmethod
    def of(cls, layers: Iterable[tuple[Rank, Layer]]) -> "LayerStack":
        """A stack of these layers, in whatever order they come."""
        ordered = sorted(layers, key=lambda item: item[0])
        bare = tuple(layer for _, layer in ordered)
        return cls(tuple(rank for rank, _ in ordered), bare, boxes_of(bare))

    def over(self, layers: Iterable[tuple[Rank, Layer]]) -> "LayerStack":
        """The stack with these layers more, each at its rank."""
        more = LayerStack.of(layers)
        if not more.ranks:
            return self
        places = [bisect_left(self.ranks, rank) for rank in more.ranks]
        return LayerStack(
            _with(self.ranks, places, more.ranks),
            _with(self.layers, places, more.layers),
            np.insert(self.boxes, places, more.boxes, axis=0),
        )

    def without(self, ranks: Collection[Rank]) -> "LayerStack":
        """The stack without the layers of these ranks, which it has."""
        if not ranks:
            return self
        gone = sorted(bisect_left(self.ranks, rank) for rank in ranks)
        return LayerStack(
            _left(self.ranks, gone), _left(self.layers, gone), np.delete(self.boxes, gone, axis=0)
        )

    def below(self, rank: Rank) -> "LayerStack":
        """The layers under a rank."""
        at = bisect_left(self.ranks, rank)
        return LayerStack(self.ranks[:at], self.layers[:at], self.boxes[:at])

    def box(self, rank: Rank) -> Box:
        """The image box of the layer of this rank, which the stack has."""
        return self.layers[bisect_left(self.ranks, rank)].box_xyxy

    def ranks_at(self, x: int, y: int) -> list[Rank]:
        """Of the layers whose box holds an image pixel, rising."""
        return [self.ranks[index] for index in self.touching((x, y, x + 1, y + 1))]

    def touching(self, box_xyxy: Box) -> list[int]:
        """Indices of the layers whose box shares pixels with an image box, rising."""
        left, top, right, bottom = box_xyxy
        boxes = self.boxes
        across = (boxes[:, 0] < right) & (boxes[:, 2] > left)
        down = (boxes[:, 1] < bottom) & (boxes[:, 3] > top)
        indices: list[int] = np.flatnonzero(across & down).tolist()
        return indices

    def pixels(self, scale: float, box: Box) -> Pixels | None:
        """Compose a box of the picture at a scale, counted from the image's corner.

        Returns:
            uint32 [height, width], premultiplied 0xAARRGGBB; None when no layer is near.
        """
        grid = Grid(scale, -box[0], -box[1])
        touching = self.touching(_image_box(scale, box))
        layers = [self.layers[index] for index in touching]
        if not layers:
            return None
        width, height = box[2] - box[0], box[3] - box[1]
        pixels = np.empty((height, width), dtype=np.uint32)
        compose(pixels, (0, 0, width, height), layers, grid, self.boxes[touching])
        return pixels

    def cost(self, scale: float, box: Box) -> int:
        """What composing a box costs, as a number of pixels; 100 million take about a second."""
        boxes = self.boxes[self.touching(_image_box(scale, box))]
        if not boxes.size:
            return 0
        seen = boxes * scale
        widths = np.minimum(seen[:, 2], box[2]) - np.maximum(seen[:, 0], box[0])
        heights = np.minimum(seen[:, 3], box[3]) - np.maximum(seen[:, 1], box[1])
        return int((np.maximum(widths, 1) * np.maximum(heights, 1)).sum()) + _PER_LAYER * len(boxes)


EMPTY = LayerStack.of(())


def _with(items: tuple[T, ...], places: Sequence[int], more: Sequence[T]) -> tuple[T, ...]:
    """The items with these more, each before the item at its place; the places rise."""
    pieces = zip((0, *places), (*places, len(items)), strict=True)
    parts = [items[start:stop] for start, stop in pieces]
    between = [(it,) for it in more] + [()]
    return tuple(chain.from_iterable(chain.from_iterable(zip(parts, between, strict=True))))


def _left(items: tuple[T, ...], gone: Sequence[int]) -> tuple[T, ...]:
    """What is left without the items at these places, which rise."""
    pieces = zip((-1, *gone), (*gone, len(items)), strict=True)
    return tuple(chain.from_iterable(items[start + 1 : stop] for start, stop in pieces))


def _image_box(scale: float, box: Box) -> Box:
    """An image box that holds all that the look of a box of the picture depends on."""
    left, top, right, bottom = box
    return (
        int((left - MAX_REACH) // scale) - 1,
        int((top - MAX_REACH) // scale) - 1,
        int((right + MAX_REACH) // scale) + 2,
        int((bottom + MAX_REACH) // scale) + 2,
    )
