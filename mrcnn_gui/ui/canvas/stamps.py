"""Masks at view resolution, side by side on sheets, so that many outlines cost few calls.

What is done once for each mask here is done thousands of times for a picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.ui.canvas.boxes import Box
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.style import Bitmap, Layer

Pixels: TypeAlias = NDArray[np.uint32]  # [height, width], premultiplied 0xAARRGGBB
Slices: TypeAlias = tuple[slice, slice]

_SHEET_WIDTH = 2048
_SHEET_PIXELS = 1 << 20  # bounds the memory that a worker takes
_SLOPE_SIZE = 7  # of the Sobel kernel that tells which way a dashed outline runs


@dataclass(frozen=True, eq=False)
class Cuts:
    """Which part of the view shows which part of each layer, for one box of the view.

    Attributes:
        layers: Those with a pixel in the box or near it, bottom first.
        reach: Margin around the box, in view pixels, that is looked at as well.
        columns: [n, 2]: the first view column that shows the layer, and the one after the last,
            counted from the box's left edge minus the reach.
        rows: [n, 2]: likewise.
        image_columns: The image column of each view column.
        image_rows: The image row of each view row.
    """

    layers: list[Layer]
    reach: int
    columns: NDArray[np.intp]
    rows: NDArray[np.intp]
    image_columns: NDArray[np.intp]
    image_rows: NDArray[np.intp]

    @classmethod
    def of(cls, layers: Sequence[Layer], box: Box, grid: Grid) -> "Cuts":
        """Cut the layers to a box of the view."""
        reach = max((style.reach for style in {layer.style for layer in layers}), default=0)
        boxes = np.array([layer.box_xyxy for layer in layers], dtype=np.intp).reshape(-1, 4)
        image_columns = grid.columns(box[0] - reach, box[2] + reach)
        image_rows = grid.rows(box[1] - reach, box[3] + reach)
        columns = np.searchsorted(image_columns, boxes[:, 0::2])
        rows = np.searchsorted(image_rows, boxes[:, 1::2])
        seen = np.flatnonzero((columns[:, 0] < columns[:, 1]) & (rows[:, 0] < rows[:, 1]))
        kept = [layers[index] for index in seen.tolist()]
        return cls(kept, reach, columns[seen], rows[seen], image_columns, image_rows)

    def bitmap(self, index: int, rows: list[int], columns: list[int]) -> Bitmap:
        """One layer at view resolution, without margin."""
        layer = self.layers[index]
        down = self.image_rows[rows[0] : rows[1]] - layer.y
        across = self.image_columns[columns[0] : columns[1]] - layer.x
        left, right = int(across[0]), int(across[-1]) + 1
        bands = layer.crop[down, left:right]  # rows first: whole pieces of memory
        return bands if _is_gapless(across) else bands.take(across - left, axis=1, mode="clip")


@dataclass(frozen=True, eq=False)
class Sheet:
    """Stamps of one style of outline, none within reach of another.

    Attributes:
        inside: bool [h, w]: the stamps.
        layers: Bottom first.
        on_sheet: Where the stamp of each layer lies, with what its outline covers around it.
        in_box: The same pixels, counted from the corner of the box of the view.
    """

    inside: Bitmap
    layers: list[Layer]
    on_sheet: list[Slices]
    in_box: list[Slices]

    def borders(self, width: int) -> Bitmap:
        """The pixels of stamps with one outside of them in the disc around."""
        core = cv2.erode(self.inside.view(np.uint8), _disc(width))
        border: Bitmap = self.inside > core.view(np.bool_)
        return border

    def halos(self, width: int) -> Bitmap:
        """The pixels outside of stamps with one inside in the disc around."""
        spread = cv2.dilate(self.inside.view(np.uint8), _disc(width))
        halo: Bitmap = spread.view(np.bool_) > self.inside
        return halo

    def rising(self) -> Bitmap:
        """Where the outlines rise: those that lean to the right as they go up."""
        bitmap = self.inside.view(np.uint8)
        normal_x = np.asarray(cv2.Sobel(bitmap, cv2.CV_32F, 1, 0, ksize=_SLOPE_SIZE))
        normal_y = np.asarray(cv2.Sobel(bitmap, cv2.CV_32F, 0, 1, ksize=_SLOPE_SIZE))
        rising: Bitmap = normal_x * normal_y > 0.2 * (normal_x**2 + normal_y**2)
        return rising


def sheets(cuts: Cuts, width: int, height: int) -> Iterator[Sheet]:
    """All layers as stamps, bottom first, for a box of the view of this size."""
    sizes = np.stack((np.diff(cuts.columns)[:, 0], np.diff(cuts.rows)[:, 0]), axis=1)
    cells: list[tuple[int, int]] = (sizes + 2 * cuts.reach).tolist()
    start = 0
    while start < len(cells):
        places, stop, sheet_size = _packed(cuts, cells, start)
        yield _sheet(cuts, range(start, stop), places, sheet_size, (width, height))
        start = stop


def _packed(
    cuts: Cuts, cells: list[tuple[int, int]], start: int
) -> tuple[list[tuple[int, int]], int, tuple[int, int]]:
    """Places for as many cells as go on one sheet, row by row; where the next begins; its size."""
    places: list[tuple[int, int]] = []
    outline = cuts.layers[start].style.outline
    limit = max(_SHEET_WIDTH, cells[start][0])
    x = y = tallest = widest = 0
    for index in range(start, len(cells)):
        width, height = cells[index]
        if x and x + width > limit:
            x, y, tallest = 0, y + tallest, 0
        too_large = (y + max(tallest, height)) * limit > _SHEET_PIXELS or width > limit
        if places and (too_large or cuts.layers[index].style.outline != outline):
            break
        places.append((x, y))
        x, tallest = x + width, max(tallest, height)
        widest = max(widest, x)
    return places, start + len(places), (widest, y + tallest)


def _sheet(
    cuts: Cuts,
    indices: range,
    places: list[tuple[int, int]],
    size: tuple[int, int],
    box_size: tuple[int, int],
) -> Sheet:
    reach, inside = cuts.reach, np.zeros((size[1], size[0]), dtype=np.bool_)
    part = slice(indices.start, indices.stop)
    columns, rows = cuts.columns[part].tolist(), cuts.rows[part].tolist()
    on_sheet, in_box = [], []
    for index, (x, y), across, down in zip(indices, places, columns, rows, strict=True):
        bitmap = cuts.bitmap(index, down, across)
        height, width = bitmap.shape
        inside[y + reach : y + reach + height, x + reach : x + reach + width] = bitmap
        # The cell begins at twice the reach before the stamp's place in the box; cut it there.
        left, top = across[0] - 2 * reach, down[0] - 2 * reach
        seen_left, seen_top = max(left, 0), max(top, 0)
        right = min(left + width + 2 * reach, box_size[0])
        bottom = min(top + height + 2 * reach, box_size[1])
        in_box.append((slice(seen_top, bottom), slice(seen_left, right)))
        on_sheet.append(
            (
                slice(y + seen_top - top, y + bottom - top),
                slice(x + seen_left - left, x + right - left),
            )
        )
    return Sheet(inside, cuts.layers[part], on_sheet, in_box)


def _is_gapless(places: NDArray[np.intp]) -> bool:
    return bool(places[-1] - places[0] + 1 == places.size)


@lru_cache(maxsize=16)
def _disc(radius: int) -> NDArray[np.uint8]:
    size = 2 * radius + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).astype(np.uint8)
