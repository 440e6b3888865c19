"""The image itself as view pixels: pure functions of its pyramid, no Qt.

Enlarged pixels are squares that lie exactly under those of the masks. Everything else is
interpolated between the four nearest pixels of a level, at positions rounded to 1/32 of them:
so a part of the picture equals the same part of the whole.
"""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.services.deep_levels import DEEP, DeepLevel
from mrcnn_gui.services.look import WHITE, Table, Tone
from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.ui.canvas.boxes import Box, area
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.stamps import Pixels

NEAREST_FROM = 4.0  # from this scale on, pixels are shown as squares
_STEPS = 32  # positions between two pixels


@dataclass(frozen=True, eq=False)
class Backdrop:
    """Turns a pyramid into the pixels of a view.

    Attributes:
        pyramid: The image.
        tone: How its values are shown.
    """

    pyramid: Pyramid
    tone: Tone = Tone()  # noqa: RUF009 - never changes

    @cached_property
    def _table(self) -> Table | None:
        return self.tone.table(DEEP if self._is_deep else WHITE + 1)

    @property
    def _is_deep(self) -> bool:
        return isinstance(self.pyramid.levels[0], DeepLevel)

    def bounds(self, scale: float) -> Box:
        """The box that the image fills at a scale, counted from its corner."""
        width, height = self.pyramid.width * scale, self.pyramid.height * scale
        return 0, 0, max(ceil(width - 0.5), 1), max(ceil(height - 0.5), 1)

    def pixels(self, scale: float, box: Box) -> Pixels:
        """A box of the picture at a scale, within `bounds`.

        Returns:
            uint32 [height, width], 0xffRRGGBB.
        """
        level = self.pyramid.level_for(scale)
        if level == 0 and (scale >= NEAREST_FROM or scale == 1.0) and self.pyramid.is_whole:
            return self._squares(scale, box)
        return self._packed(self._interpolated(level, scale, box))

    def cost(self, _scale: float, box: Box) -> int:
        """What that takes: the pixels of the box."""
        return area(box)

    def _squares(self, scale: float, box: Box) -> Pixels:
        grid = Grid(scale, 0, 0)
        height, width = self.pyramid.levels[0].shape[:2]
        columns = grid.columns(box[0], box[2]).clip(0, width - 1)
        rows = grid.rows(box[1], box[3]).clip(0, height - 1)
        seen = self._packed(self._read(0, rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
        if scale == 1.0:
            return seen
        wide = seen.take(columns - columns[0], axis=1)
        squares: Pixels = wide.take(rows - rows[0], axis=0)
        return squares

    def _interpolated(self, level: int, scale: float, box: Box) -> NDArray[np.uint8]:
        height, width = self.pyramid.levels[level].shape[:2]
        x = _positions(box[0], box[2], scale * self.pyramid.width / width, width)
        y = _positions(box[1], box[3], scale * self.pyramid.height / height, height)
        left, top = int(x[0]) // _STEPS, int(y[0]) // _STEPS
        right, bottom = int(x[-1]) // _STEPS + 2, int(y[-1]) // _STEPS + 2
        seen = self._read(level, top, min(bottom, height), left, min(right, width))
        shape = (y.size, x.size)
        columns = np.broadcast_to((x - left * _STEPS).astype(np.float32) / _STEPS, shape)
        rows = np.broadcast_to((y - top * _STEPS).astype(np.float32)[:, None] / _STEPS, shape)
        mixed = cv2.remap(seen, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(mixed, dtype=np.uint8)

    def smallest(self) -> Pixels:
        """The whole image at its smallest size."""
        last = len(self.pyramid.levels) - 1
        height, width = self.pyramid.levels[last].shape[:2]
        return self._packed(self._read(last, 0, height, 0, width))

    def _packed(self, rgb: NDArray[np.uint8]) -> Pixels:
        table = None if self._is_deep else self._table
        return packed(rgb if table is None else table[rgb])

    def _read(self, level: int, top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
        seen, part = self.pyramid.levels[level], (slice(top, bottom), slice(left, right))
        if isinstance(seen, DeepLevel) and self._table is not None:
            return seen.shown(part, self._table)  # before depth is lost
        return np.ascontiguousarray(seen[part])


def _positions(start: int, stop: int, scale: float, length: int) -> NDArray[np.int64]:
    """Where the view pixels' centres lie between the centres of a level's pixels, in 1/32."""
    centres = (np.arange(start, stop, dtype=np.float64) + 0.5) / scale - 0.5
    return np.floor(centres * _STEPS + 0.5).astype(np.int64).clip(0, (length - 1) * _STEPS)


def packed(rgb: NDArray[np.uint8]) -> Pixels:
    """uint8 [height, width, 3] RGB as 0xffRRGGBB."""
    bgra = np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGRA), dtype=np.uint8)
    pixels: Pixels = bgra.view(np.uint32)[:, :, 0]
    return pixels
