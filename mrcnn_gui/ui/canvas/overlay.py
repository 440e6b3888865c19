"""One image of all masks for what the view shows; only what changed is composed again."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QImage

from mrcnn_gui.ui.canvas.compose import Box, Grid, Layer, Pixels, compose, grown, hull, overlap

MAX_REACH = 16  # no style reaches further, in view pixels


class Overlay:
    """The composed masks, with the parts that are stale.

    Nothing is composed before `refresh`: many changes between two frames cost one composition.
    """

    def __init__(self) -> None:
        self._pixels: Pixels = np.zeros((0, 0), dtype=np.uint32)
        self._grid = Grid(1.0, 0, 0)
        self._stale: list[Box] = []

    @property
    def image(self) -> QImage:
        """The picture as it is now: shares the pixels, in device pixels of the view."""
        height, width = self._pixels.shape
        form = QImage.Format.Format_ARGB32_Premultiplied
        return QImage(self._pixels.data, width, height, 4 * width, form)

    @property
    def pixels(self) -> Pixels:
        """[height, width], premultiplied 0xAARRGGBB."""
        return self._pixels

    def place(self, grid: Grid, width: int, height: int) -> None:
        """Say what the view shows; a pan at the same scale keeps what stays in the view."""
        if (height, width) != self._pixels.shape:
            self._pixels = np.zeros((height, width), dtype=np.uint32)
            self.invalidate_all()
        elif grid.scale != self._grid.scale:
            self.invalidate_all()
        else:
            self._scroll(grid.x - self._grid.x, grid.y - self._grid.y)
        self._grid = grid

    def invalidate_all(self) -> None:
        """Everything is stale."""
        self._stale = [self._bounds]

    def invalidate(self, image_box: Box) -> Box | None:
        """An image box is stale; returns the view box that must be painted again, if any."""
        return self._invalidate_view(grown(self._grid.covered(image_box), MAX_REACH))

    def refresh(self, layers: Sequence[Layer]) -> None:
        """Compose what is stale."""
        for box in self._stale:
            compose(self._pixels, box, layers, self._grid)
        self._stale = []

    @property
    def _bounds(self) -> Box:
        height, width = self._pixels.shape
        return 0, 0, width, height

    def _invalidate_view(self, box: Box) -> Box | None:
        seen = overlap(box, self._bounds)
        if seen is not None and self._stale != [self._bounds]:
            self._stale = _merged([*self._stale, seen])
        return seen

    def _scroll(self, dx: int, dy: int) -> None:
        if dx == dy == 0:
            return
        kept = overlap(self._bounds, _moved(self._bounds, dx, dy))
        if kept is None:
            self.invalidate_all()
            return
        source = _moved(kept, -dx, -dy)
        moved = np.zeros_like(self._pixels)
        moved[kept[1] : kept[3], kept[0] : kept[2]] = self._pixels[
            source[1] : source[3], source[0] : source[2]
        ]
        self._pixels = moved
        stale, self._stale = self._stale, []
        for box in (*(_moved(box, dx, dy) for box in stale), *_uncovered(self._bounds, kept)):
            self._invalidate_view(box)


def _moved(box: Box, dx: int, dy: int) -> Box:
    return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy


def _uncovered(bounds: Box, kept: Box) -> list[Box]:
    """The parts of the view outside the kept box, as up to four strips."""
    left, top, right, bottom = bounds
    strips = [
        (left, top, right, kept[1]),
        (left, kept[3], right, bottom),
        (left, kept[1], kept[0], kept[3]),
        (kept[2], kept[1], right, kept[3]),
    ]
    return [box for box in strips if box[0] < box[2] and box[1] < box[3]]


def _merged(boxes: list[Box]) -> list[Box]:
    """The boxes, with those that overlap joined to their hull."""
    joined: list[Box] = []
    for box in boxes:
        whole = box
        while (hit := next((other for other in joined if overlap(whole, other)), None)) is not None:
            joined.remove(hit)
            whole = hull(whole, hit)
        joined.append(whole)
    return joined
