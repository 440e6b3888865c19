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
from mrcnn_gui.ui.canvas.stamps import BORDER, FILL, HALO, Cuts, Pixels, Sheet, sheets
from mrcnn_gui.ui.canvas.style import Bitmap, Layer, boxes_of

Numbers: TypeAlias = NDArray[np.uint8 | np.uint16 | np.int32]
"""What is seen at each pixel: of two things that meet there, the one of the higher number.

All of one kind come before all of the next, and within a kind the layers, lowest first; the last
bit tells the gaps of a dashed border from its dashes.
"""


def compose(
    pixels: Pixels,
    box: Box,
    layers: Sequence[Layer],
    grid: Grid,
    boxes: NDArray[np.int32] | None = None,
) -> None:
    """Draw the layers into one box of the view, in place; what was there is dropped.

    All fills lie below all halos, and those below all borders, so that no outline is hidden by
    the inside of another mask; within each, later layers lie on top.

    Args:
        pixels: The whole view.
        box: The part to compose, in view pixels; within the view.
        layers: Bottom first.
        grid: Where the view lies on the image.
        boxes: int32 [n, 4]: those of the layers in the image, where they are known.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    cuts = Cuts.of(layers, boxes_of(layers) if boxes is None else boxes, box, grid)
    colors = _colors(cuts.layers)
    picture = np.zeros((height, width), _smallest_type(colors.size))
    for sheet in sheets(cuts, width, height):
        numbers = _numbers(sheet, len(cuts.layers), picture.dtype)
        if sheet.style.gap is not None:
            _add_gaps(numbers, sheet, len(cuts.layers), (box[0] - grid.x, box[1] - grid.y))
        for on_sheet, in_box in zip(sheet.on_sheet, sheet.in_box, strict=True):
            seen = picture[in_box]
            cv2.max(seen, numbers[on_sheet], seen)
    pixels[box[1] : box[3], box[0] : box[2]] = _colored(picture, colors)


def _smallest_type(count: int) -> type[np.uint8 | np.uint16 | np.int32]:
    """Of numbers that are smaller than `count`: the fewer bytes, the faster is what is done."""
    return np.uint8 if count <= 1 << 8 else np.uint16 if count <= 1 << 16 else np.int32


def _colored(picture: Numbers, colors: Pixels) -> Pixels:
    if picture.dtype != np.uint8:
        return colors.take(picture)
    table = np.zeros(256, dtype=np.int32)
    table[: colors.size] = colors.view(np.int32)
    return np.asarray(cv2.LUT(picture, table), dtype=np.int32).view(np.uint32)


def _colors(layers: Sequence[Layer]) -> Pixels:
    """The colour of each number."""
    colors = np.zeros((4, max(len(layers), 1), 2), dtype=np.uint32)
    if not layers:
        return colors.ravel()
    for kind, name in ((FILL, "fill"), (HALO, "halo"), (BORDER, "border")):
        colors[kind] = np.array([getattr(it.style, name) for it in layers], np.uint32)[:, None]
    colors[BORDER, :, 1] = [it.style.gap or 0 for it in layers]
    return colors.ravel()


def _numbers(sheet: Sheet, count: int, kind_of_number: np.dtype[np.generic]) -> Numbers:
    """The numbers on a sheet; `count` is that of all layers of the picture."""
    numbers: Numbers = np.multiply(sheet.kinds(), 2 * count, dtype=kind_of_number)
    for top, bottom, layers in sheet.shelves:
        row = (2 * (sheet.first + layers)).astype(kind_of_number)
        numbers[top:bottom, : row.size] += row
    return numbers


def _add_gaps(numbers: Numbers, sheet: Sheet, count: int, corner: tuple[int, int]) -> None:
    """Break the borders; the corner of the box is counted from that of the image."""
    rising = sheet.rising()
    borders = numbers >= BORDER * 2 * count
    for layer, on_sheet, in_box in zip(sheet.layers, sheet.on_sheet, sheet.in_box, strict=True):
        rows, columns = np.nonzero(borders[on_sheet])
        x, y = columns + (in_box[1].start + corner[0]), rows + (in_box[0].start + corner[1])
        gaps = _dashes(x, y, rising[on_sheet][rows, columns], layer.style.dash)
        numbers[on_sheet][rows, columns] += gaps.astype(numbers.dtype)


def _dashes(
    x: NDArray[np.intp], y: NDArray[np.intp], rising: Bitmap, length: int
) -> NDArray[np.intp]:
    """0 or 1 for each outline pixel: stripes, anchored to the image, that cross the outline.

    Rising outlines are crossed by the stripes of x - y, all others by those of x + y.
    """
    along: NDArray[np.intp] = np.where(rising, x - y, x + y)
    return along // length % 2
