"""Paint masks into an array of view pixels: pure functions, no Qt.

Every pixel depends on the masks, the grid and a neighbourhood of a few pixels only, never on the
box that is asked for: a box composed anew equals the same part of the whole picture.
"""

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.ui.canvas.boxes import Box
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.stamps import Cuts, Pixels, Sheet, sheets
from mrcnn_gui.ui.canvas.style import Bitmap, Layer

Ink: TypeAlias = NDArray[np.uint16]  # numbers of colours


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
    width, height = box[2] - box[0], box[3] - box[1]
    inks = _Inks(height, width)
    fills, halos, borders = np.zeros((3, height, width), dtype=np.uint16)
    for sheet in sheets(Cuts.of(layers, box, grid), width, height):
        _draw_fills(fills, sheet, inks)
        _draw_halos(halos, sheet, inks)
        _draw_borders(borders, sheet, inks, (box[0] - grid.x, box[1] - grid.y))
    for upper in (halos, borders):
        cv2.copyTo(upper, (upper != 0).view(np.uint8), fills)
    pixels[box[1] : box[3], box[0] : box[2]] = inks.colors.take(fills)


class _Inks:
    """The colours of a picture by numbers, for OpenCV has no type for them; 0 is no colour."""

    def __init__(self, height: int, width: int) -> None:
        self._shape = height, width
        self._by_color: dict[int, Ink] = {}

    @property
    def colors(self) -> Pixels:
        """The colour of each number."""
        return np.array([0, *self._by_color], dtype=np.uint32)

    def number(self, color: int) -> int:
        """The number of a colour."""
        return int(self.ink(color)[0, 0])

    def ink(self, color: int) -> Ink:
        """As much of a colour's number as covers the whole picture."""
        ink = self._by_color.get(color)
        if ink is None:
            ink = np.full(self._shape, len(self._by_color) + 1, dtype=np.uint16)
            self._by_color[color] = ink
        return ink


def _draw_fills(picture: Ink, sheet: Sheet, inks: _Inks) -> None:
    inside = sheet.inside.view(np.uint8)
    for layer, on_sheet, in_box in zip(sheet.layers, sheet.on_sheet, sheet.in_box, strict=True):
        if layer.style.fill:
            cv2.copyTo(inks.ink(layer.style.fill)[in_box], inside[on_sheet], picture[in_box])


def _draw_halos(picture: Ink, sheet: Sheet, inks: _Inks) -> None:
    width = sheet.layers[0].style.outline[1]
    if not width:
        return
    halos = sheet.halos(width).view(np.uint8)
    for layer, on_sheet, in_box in zip(sheet.layers, sheet.on_sheet, sheet.in_box, strict=True):
        cv2.copyTo(inks.ink(layer.style.halo)[in_box], halos[on_sheet], picture[in_box])


def _draw_borders(picture: Ink, sheet: Sheet, inks: _Inks, corner: tuple[int, int]) -> None:
    """Draw the borders; the corner of the box is counted from that of the image."""
    width, _, dashed = sheet.layers[0].style.outline
    if not width:
        return
    borders = sheet.borders(width).view(np.uint8)
    rising = sheet.rising() if dashed else None
    for layer, on_sheet, in_box in zip(sheet.layers, sheet.on_sheet, sheet.in_box, strict=True):
        style = layer.style
        if rising is None:
            cv2.copyTo(inks.ink(style.border)[in_box], borders[on_sheet], picture[in_box])
            continue
        rows, columns = np.nonzero(borders[on_sheet])
        x, y = columns + (in_box[1].start + corner[0]), rows + (in_box[0].start + corner[1])
        dashes = _dashes(x, y, rising[on_sheet][rows, columns], style.dash)
        numbers = np.array([inks.number(style.border), inks.number(style.gap or 0)], np.uint16)
        picture[in_box][rows, columns] = numbers[dashes]


def _dashes(
    x: NDArray[np.intp], y: NDArray[np.intp], rising: Bitmap, length: int
) -> NDArray[np.intp]:
    """0 or 1 for each outline pixel: stripes, anchored to the image, that cross the outline.

    Rising outlines are crossed by the stripes of x - y, all others by those of x + y.
    """
    along: NDArray[np.intp] = np.where(rising, x - y, x + y)
    return along // length % 2
