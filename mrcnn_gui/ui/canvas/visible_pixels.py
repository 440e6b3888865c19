"""The pixels of the image that the view shows, as finely as it shows them."""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from core.masks import Mask
from core.masks.flood import flood
from core.masks.parts import fill_holes
from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.ui.canvas.viewport import Viewport

_COARSENESS = 0.75  # a level whose pixels are this little larger than the screen's is fine enough
PINHOLE = 12  # pixels of the level: what is no larger is noise


@dataclass(frozen=True, eq=False)
class VisiblePixels:
    """A part of one level of the pyramid.

    Attributes:
        pixels: uint8 [h, w, 3] RGB, contiguous.
        left: Column of the part in the level.
        top: Row of the part in the level.
        level_width: Of the whole level.
        level_height: Of the whole level.
        image_width: Of the image.
        image_height: Of the image.
    """

    pixels: NDArray[np.uint8]
    left: int
    top: int
    level_width: int
    level_height: int
    image_width: int
    image_height: int

    def alike(self, column: int, row: int, tolerance: int) -> Mask:
        """What has a colour like an image pixel and hangs together with it; empty out of view.

        Pinholes, which noise makes, are filled.

        Args:
            column: Of the pixel in the image.
            row: Of the pixel in the image.
            tolerance: How far every channel may be from its colour, 0..255.
        """
        x = column * self.level_width // self.image_width - self.left
        y = row * self.level_height // self.image_height - self.top
        height, width = self.pixels.shape[:2]
        if not (0 <= x < width and 0 <= y < height):
            return Mask.empty()
        found = fill_holes(flood(self.pixels, x, y, tolerance), PINHOLE)
        found = found.shift(self.left, self.top)
        left, top, right, bottom = found.box_xyxy
        columns = _shown(left, right, self.level_width, self.image_width)
        rows = _shown(top, bottom, self.level_height, self.image_height)
        enlarged = found.crop.take(columns - left, axis=1)[rows - top]  # rows are the cheaper ones
        first_column = ceil(left * self.image_width / self.level_width)
        return Mask.from_bitmap(
            enlarged, first_column, ceil(top * self.image_height / self.level_height)
        )


def visible_pixels(pyramid: Pyramid, viewport: Viewport) -> VisiblePixels | None:
    """What the view shows of an image; None when nothing of it is in the view."""
    finest = pyramid.level_for(viewport.scale * _COARSENESS)
    level = pyramid.levels[finest]
    height, width = level.shape[:2]
    across, down = width / viewport.image_width, height / viewport.image_height
    x0, y0 = viewport.to_image(0, 0)
    x1, y1 = viewport.to_image(viewport.view_width, viewport.view_height)
    left, right = max(floor(x0 * across), 0), min(ceil(x1 * across), width)
    top, bottom = max(floor(y0 * down), 0), min(ceil(y1 * down), height)
    if left >= right or top >= bottom:
        return None
    pixels = np.ascontiguousarray(level[top:bottom, left:right])
    size = viewport.image_width, viewport.image_height
    return VisiblePixels(pixels, left, top, width, height, *size)


def _shown(start: int, stop: int, level_size: int, image_size: int) -> NDArray[np.intp]:
    """For each image column that the level's columns start..stop hold, which of them holds it."""
    first, last = ceil(start * image_size / level_size), ceil(stop * image_size / level_size)
    columns: NDArray[np.intp] = np.arange(first, last) * level_size // image_size
    return columns
