"""An image at its own size and at halvings of it, cut into tiles for the canvas."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

Pixels = NDArray[np.uint8]

TILE = 512


@dataclass(frozen=True, eq=False)
class Pyramid:
    """One decoded image.

    Attributes:
        levels: uint8 [height, width, 3] RGB each; level 0 is the image, every next one has half
            the width and height (rounded up), the last one is smaller than a tile.
    """

    levels: tuple[Pixels, ...]

    @classmethod
    def of(cls, pixels: Pixels) -> "Pyramid":
        """Halve an image by area means until it is smaller than a tile."""
        import cv2  # not at start-up

        levels = [pixels]
        while max(levels[-1].shape[:2]) >= TILE:
            height, width = levels[-1].shape[:2]
            size = (width + 1) // 2, (height + 1) // 2
            smaller = cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA)
            levels.append(np.asarray(smaller, dtype=np.uint8))
        return cls(tuple(levels))

    @property
    def width(self) -> int:
        """Width of the image in pixels."""
        return int(self.levels[0].shape[1])

    @property
    def height(self) -> int:
        """Height of the image in pixels."""
        return int(self.levels[0].shape[0])

    @property
    def bytes(self) -> int:
        """Memory that the levels take."""
        return sum(level.nbytes for level in self.levels)

    def level_for(self, scale: float) -> int:
        """The smallest level that is not enlarged when a view shows an image pixel `scale` wide."""
        halvings = math.floor(-math.log2(scale)) if scale > 0 else len(self.levels)
        return min(max(halvings, 0), len(self.levels) - 1)

    def grid(self, level: int) -> tuple[int, int]:
        """Number of tile columns and rows of a level."""
        height, width = self.levels[level].shape[:2]
        return -(-width // TILE), -(-height // TILE)

    def tile(self, level: int, column: int, row: int) -> QImage:
        """One tile: 512 x 512 level pixels, less at the right and bottom edges.

        Returns:
            RGB888, owning its pixels.

        Raises:
            IndexError: There is no such level, column or row.
        """
        columns, rows = self.grid(level)
        if not (0 <= column < columns and 0 <= row < rows):
            raise IndexError(
                f"level {level} has {columns} x {rows} tiles, got column {column}, row {row}"
            )
        top, left = row * TILE, column * TILE
        return to_qimage(self.levels[level][top : top + TILE, left : left + TILE])


def to_qimage(pixels: Pixels) -> QImage:
    """A QImage with pixels of its own from uint8 [height, width, 3] RGB."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    view = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB888)
    return view.copy()
