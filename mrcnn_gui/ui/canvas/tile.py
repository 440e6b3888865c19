"""A tile of the picture, and the tiles that stand in for it while it is being made."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter, QRegion

from mrcnn_gui.ui.canvas.boxes import Box, overlap
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.stamps import Pixels

SIDE = 512

Key: TypeAlias = tuple[int, int]  # column and row, counted from the image's corner


@dataclass(eq=False)
class Tile:
    """View pixels at one scale.

    Attributes:
        box: Where it lies, counted from the image's corner.
        pixels: uint32 [h, w]; None where nothing is to be seen.
        image: Shares the pixels.
    """

    box: Box
    pixels: Pixels | None
    image: QImage | None

    @classmethod
    def of(cls, box: Box, pixels: Pixels | None, form: QImage.Format) -> "Tile":
        """A tile of these pixels, which must stay as they are unless somebody edits the tile."""
        return cls(box, pixels, None if pixels is None else _image(pixels, form))

    def replace(self, box: Box, pixels: Pixels | None, form: QImage.Format) -> None:
        """Change the part in a box, which lies within the tile's."""
        if self.pixels is None:
            if pixels is None:
                return
            height, width = self.box[3] - self.box[1], self.box[2] - self.box[0]
            self.pixels = np.zeros((height, width), dtype=np.uint32)
            self.image = _image(self.pixels, form)
        left, top = self.box[:2]
        rows, columns = slice(box[1] - top, box[3] - top), slice(box[0] - left, box[2] - left)
        self.pixels[rows, columns] = 0 if pixels is None else pixels


@dataclass(frozen=True, eq=False)
class StandIn:
    """Tiles of another scale."""

    scale: float
    tiles: tuple[Tile, ...]

    def paint(self, painter: QPainter, grid: Grid, missing: QRegion) -> QRegion:
        """Paint what there is of a region of the view; returns what is not painted over."""
        if missing.isEmpty():
            return missing
        factor = grid.scale / self.scale
        painter.save()
        painter.setClipRegion(missing)
        for tile in self.tiles:
            target = _scaled(tile.box, factor, grid)
            if not missing.intersects(target.toAlignedRect()):
                continue
            if tile.image is not None:
                painter.drawImage(target, tile.image)
            missing -= target.toRect()
        painter.restore()
        return missing


NOTHING = StandIn(1.0, ())


def tile_box(key: Key, bounds: Box) -> Box:
    """Where a tile lies, cut off at the bounds of the plane."""
    column, row = key
    whole = column * SIDE, row * SIDE, (column + 1) * SIDE, (row + 1) * SIDE
    return overlap(whole, bounds) or (*whole[:2], *whole[:2])


def keys_in(box: Box, bounds: Box) -> list[Key]:
    """The tiles that share pixels with a box."""
    seen = overlap(box, bounds)
    if seen is None:
        return []
    columns = range(seen[0] // SIDE, -(-seen[2] // SIDE))
    rows = range(seen[1] // SIDE, -(-seen[3] // SIDE))
    return [(column, row) for row in rows for column in columns]


def rect(box: Box) -> QRect:
    """The box as Qt has it."""
    return QRect(box[0], box[1], box[2] - box[0], box[3] - box[1])


def _scaled(box: Box, factor: float, grid: Grid) -> QRectF:
    left, top, right, bottom = (edge * factor for edge in box)
    return QRectF(left + grid.x, top + grid.y, right - left, bottom - top)


def _image(pixels: Pixels, form: QImage.Format) -> QImage:
    height, width = pixels.shape
    return QImage(pixels.data, width, height, pixels.strides[0], form)
