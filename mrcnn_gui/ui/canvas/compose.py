"""Paint masks into an array of view pixels: pure functions, no Qt.

Every pixel depends on the masks, the grid and a neighbourhood of a few pixels only, never on the
box that is asked for: a box composed anew equals the same part of the whole picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.ui.canvas.boxes import Box, grown, overlap

Bitmap: TypeAlias = NDArray[np.bool_]
Pixels: TypeAlias = NDArray[np.uint32]  # [height, width], premultiplied 0xAARRGGBB

MAX_REACH = 16  # no style reaches further, in view pixels
_SLOPE_REACH = 3  # half the Sobel kernel that tells which way a dashed outline runs


@dataclass(frozen=True)
class Grid:
    """The view's pixels on the image: view column i shows image column (i + 0.5 - x) / scale.

    Attributes:
        scale: View pixels per image pixel.
        x: View column of the image's left edge.
        y: View row of the image's top edge.
    """

    scale: float
    x: int
    y: int

    def columns(self, start: int, stop: int) -> NDArray[np.intp]:
        """The image columns that the view columns start..stop show."""
        return _sampled(start - self.x, stop - self.x, self.scale)

    def rows(self, start: int, stop: int) -> NDArray[np.intp]:
        """The image rows that the view rows start..stop show."""
        return _sampled(start - self.y, stop - self.y, self.scale)

    def covered(self, box_xyxy: Box) -> Box:
        """A view box that holds every view pixel which shows a pixel of an image box."""
        left, top, right, bottom = (edge * self.scale for edge in box_xyxy)
        return (
            floor(left) + self.x,
            floor(top) + self.y,
            ceil(right) + self.x,
            ceil(bottom) + self.y,
        )


@dataclass(frozen=True)
class Style:
    """How a mask looks; colours are premultiplied 0xAARRGGBB, 0 draws nothing.

    Attributes:
        fill: Colour of the inside.
        border: Colour of the outline just inside the mask's edge.
        border_width: In view pixels.
        halo: Colour of the outline just outside the mask's edge.
        halo_width: In view pixels.
        gap: Second colour of a dashed border; None draws it solid.
        dash: Length of a dash, in view pixels.
    """

    fill: int
    border: int
    border_width: int
    halo: int = 0
    halo_width: int = 0
    gap: int | None = None
    dash: int = 6

    @property
    def reach(self) -> int:
        """How far the look of a pixel depends on its neighbours, in view pixels."""
        slope = 0 if self.gap is None else _SLOPE_REACH
        return max(self.border_width, self.halo_width, slope)


@dataclass(frozen=True, eq=False)
class Layer:
    """A mask to be drawn: a bool crop [h, w] (need not be tight) at (x, y) of the image."""

    crop: Bitmap
    x: int
    y: int
    style: Style

    @property
    def box_xyxy(self) -> Box:
        """The crop's box in image pixels."""
        height, width = self.crop.shape
        return self.x, self.y, self.x + width, self.y + height


@dataclass(frozen=True, eq=False)
class _Stamp:
    """A layer at view resolution: the part in a box, with the neighbours its outline needs."""

    bitmap: Bitmap  # [h + 2 reach, w + 2 reach]
    box: Box  # without the reach
    style: Style

    @property
    def inside(self) -> Bitmap:
        return self.trimmed(self.bitmap)

    def trimmed(self, bitmap: Bitmap) -> Bitmap:
        reach = self.style.reach
        return bitmap[reach : bitmap.shape[0] - reach, reach : bitmap.shape[1] - reach]


def compose(pixels: Pixels, box: Box, layers: Sequence[Layer], grid: Grid) -> None:
    """Draw the layers into one box of the view, in place; what was there is dropped.

    All fills lie below all halos, and those below all borders, so that no outline is hidden by
    the inside of another mask; within each, later layers lie on top.

    Args:
        pixels: The whole view.
        box: The part to compose, in view pixels; within the view.
        layers: Bottom first.
        grid: Where the view lies on the image.
    """
    pixels[_slices(box)] = 0
    stamps = [stamp for layer in layers if (stamp := _stamp(layer, box, grid)) is not None]
    for stamp in stamps:
        if stamp.style.fill:
            np.copyto(pixels[_slices(stamp.box)], np.uint32(stamp.style.fill), where=stamp.inside)
    for stamp in stamps:
        if stamp.style.halo:
            halo = np.uint32(stamp.style.halo)
            np.copyto(pixels[_slices(stamp.box)], halo, where=_outer_ring(stamp))
    for stamp in stamps:
        _draw_border(pixels[_slices(stamp.box)], stamp, grid)


def _slices(box: Box) -> tuple[slice, slice]:
    return slice(box[1], box[3]), slice(box[0], box[2])


def _sampled(start: int, stop: int, scale: float) -> NDArray[np.intp]:
    centres = np.arange(start, stop, dtype=np.float64) + 0.5
    sampled: NDArray[np.intp] = np.floor(centres / scale).astype(np.intp)
    return sampled


def _stamp(layer: Layer, box: Box, grid: Grid) -> _Stamp | None:
    reach = layer.style.reach
    part = overlap(box, grown(grid.covered(layer.box_xyxy), reach))
    if part is None:
        return None
    left, top, right, bottom = grown(part, reach)
    columns = grid.columns(left, right) - layer.x
    rows = grid.rows(top, bottom) - layer.y
    return _Stamp(_sample(layer.crop, rows, columns, grid.scale), part, layer.style)


def _sample(
    crop: Bitmap, rows: NDArray[np.intp], columns: NDArray[np.intp], scale: float
) -> Bitmap:
    """The crop's values at rising rows and columns, False outside of it."""
    bitmap = np.zeros((rows.size, columns.size), dtype=np.bool_)
    top, bottom = np.searchsorted(rows, (0, crop.shape[0]))
    left, right = np.searchsorted(columns, (0, crop.shape[1]))
    if top == bottom or left == right:
        return bitmap
    rows, columns = rows[top:bottom], columns[left:right]
    seen = crop[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    rows, columns = rows - rows[0], columns - columns[0]
    if scale < 1:  # the axis that makes less of the array goes first
        sampled = seen.take(rows, axis=0).take(columns, axis=1)
    else:
        sampled = seen.take(columns, axis=1).take(rows, axis=0)
    bitmap[top:bottom, left:right] = sampled
    return bitmap


@lru_cache(maxsize=16)
def _disc(radius: int) -> NDArray[np.uint8]:
    size = 2 * radius + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).astype(np.uint8)


def _outer_ring(stamp: _Stamp) -> Bitmap:
    spread = cv2.dilate(stamp.bitmap.view(np.uint8), _disc(stamp.style.halo_width))
    return stamp.trimmed(spread.view(np.bool_) & ~stamp.bitmap)


def _inner_ring(stamp: _Stamp) -> Bitmap:
    # Pixels outside the array count as inside the mask: the reach keeps them from mattering.
    core = cv2.erode(stamp.bitmap.view(np.uint8), _disc(stamp.style.border_width))
    return stamp.trimmed(stamp.bitmap & ~core.view(np.bool_))


def _draw_border(region: Pixels, stamp: _Stamp, grid: Grid) -> None:
    ring = _inner_ring(stamp)
    style = stamp.style
    if style.gap is None:
        np.copyto(region, np.uint32(style.border), where=ring)
        return
    rows, columns = np.nonzero(ring)
    colours = np.array([style.border, style.gap], dtype=np.uint32)
    region[rows, columns] = colours[_dashes(stamp, rows, columns, grid)]


def _dashes(
    stamp: _Stamp, rows: NDArray[np.intp], columns: NDArray[np.intp], grid: Grid
) -> NDArray[np.intp]:
    """0 or 1 for each outline pixel: stripes, anchored to the image, that cross the outline.

    Rising outlines are crossed by the stripes of x - y, all others by those of x + y.
    """
    bitmap = stamp.bitmap.view(np.uint8)
    size = 2 * _SLOPE_REACH + 1
    normal_x, normal_y = (
        stamp_slope[rows + stamp.style.reach, columns + stamp.style.reach]
        for stamp_slope in (
            cv2.Sobel(bitmap, cv2.CV_32F, 1, 0, ksize=size),
            cv2.Sobel(bitmap, cv2.CV_32F, 0, 1, ksize=size),
        )
    )
    rising = normal_x * normal_y > 0.2 * (normal_x**2 + normal_y**2)
    x, y = columns + stamp.box[0] - grid.x, rows + stamp.box[1] - grid.y
    along: NDArray[np.intp] = np.where(rising, x - y, x + y)
    return along // stamp.style.dash % 2
