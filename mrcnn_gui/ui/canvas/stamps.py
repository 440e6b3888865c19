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
from mrcnn_gui.ui.canvas.style import Bitmap, Layer, Style

Pixels: TypeAlias = NDArray[np.uint32]  # [height, width], premultiplied 0xAARRGGBB
Slices: TypeAlias = tuple[slice, slice]

NOTHING, FILL, HALO, BORDER = range(4)
"""What a pixel is to a mask: of two masks that meet there, the higher one's is seen."""

_SHEET_WIDTH = 2048
_SHEET_PIXELS = 1 << 20  # bounds the memory that a worker takes
_MANY_COLUMNS, _SPARSE = 100, 5  # from where on turning a bitmap twice is the faster way
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
    def of(cls, layers: Sequence[Layer], boxes: NDArray[np.int32], box: Box, grid: Grid) -> "Cuts":
        """Cut the layers, whose boxes in the image are known, to a box of the view."""
        reach = max((style.reach for style in {layer.style for layer in layers}), default=0)
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
        image_rows = self.image_rows[rows[0] : rows[1]]
        image_columns = self.image_columns[columns[0] : columns[1]]
        if layer.patch is None:
            return _sampled(layer.crop, image_rows - layer.y, image_columns - layer.x)
        bitmap = np.zeros((image_rows.size, image_columns.size), dtype=np.bool_)
        for part in layer.parts:
            left, top, right, bottom = part.box_xyxy
            down = slice(*np.searchsorted(image_rows, (top, bottom)).tolist())
            across = slice(*np.searchsorted(image_columns, (left, right)).tolist())
            if down.start < down.stop and across.start < across.stop:
                own_rows, own_columns = image_rows[down] - top, image_columns[across] - left
                bitmap[down, across] = _sampled(part.crop, own_rows, own_columns)
        return bitmap

    def slices(self, width: int, height: int) -> tuple[list[Slices], list[list[int]]]:
        """Where each layer is seen with its outline, in a box of the view of this size.

        Returns:
            The pixels of the box, and how far right and down of its cell each begins.
        """
        corners = np.stack((self.rows[:, 0], self.columns[:, 0]), axis=1) - 2 * self.reach
        first = np.maximum(corners, 0)
        last = np.minimum(np.stack((self.rows[:, 1], self.columns[:, 1]), axis=1), (height, width))
        seen = np.concatenate((first, last), axis=1).tolist()
        in_box = [(slice(top, bottom), slice(left, right)) for top, left, bottom, right in seen]
        return in_box, (first - corners).tolist()


@dataclass(frozen=True, eq=False)
class Sheet:
    """Stamps of one style of outline, none within reach of another.

    Attributes:
        inside: bool [h, w]: the stamps.
        layers: Bottom first.
        first: How many layers of the picture lie below them.
        shelves: Top, bottom, and for each column the layer whose stamp lies there.
        on_sheet: Where the stamp of each layer lies, with what its outline covers around it.
        in_box: The same pixels, counted from the corner of the box of the view.
    """

    inside: Bitmap
    layers: list[Layer]
    first: int
    shelves: list[tuple[int, int, NDArray[np.intp]]]
    on_sheet: list[Slices]
    in_box: list[Slices]

    @property
    def style(self) -> Style:
        """Of one of the stamps: they share its `outline`."""
        return self.layers[0].style

    def kinds(self) -> NDArray[np.uint8]:
        """What each pixel is: `NOTHING`, `FILL`, `HALO` or `BORDER`.

        A border is what has a pixel outside of the stamp in the disc around, a halo what has one
        inside of it.
        """
        inside, style = self.inside.view(np.uint8), self.style
        border_width, halo_width, *_ = style.outline
        core = cv2.erode(inside, _disc(border_width)) if border_width else inside
        spread = cv2.dilate(inside, _disc(halo_width)) if halo_width else inside
        kinds: NDArray[np.uint8] = np.asarray(cv2.add(spread, spread), dtype=np.uint8)
        cv2.add(kinds, inside, kinds)
        for _ in range(BORDER - (FILL if style.fill else NOTHING)):
            cv2.subtract(kinds, core, kinds)
        return kinds

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
    seen = cuts.slices(width, height)
    start = 0
    while start < len(cells):
        plan = _packed(cuts, cells, start)
        yield _sheet(cuts, start, plan, seen)
        start += len(plan.places)


@dataclass
class _Plan:
    """Where the cells of one sheet lie: row by row.

    Attributes:
        places: Left and top of each cell.
        shelves: For each row its top, bottom, and how many cells lie before it.
        width: Of the sheet.
    """

    places: list[tuple[int, int]]
    shelves: list[tuple[int, int, int]]
    width: int


def _packed(cuts: Cuts, cells: list[tuple[int, int]], start: int) -> _Plan:
    """Places for as many cells as go on one sheet."""
    plan = _Plan([], [], 0)
    outline = cuts.layers[start].style.outline
    limit = max(_SHEET_WIDTH, cells[start][0])
    x = y = tallest = first = 0
    for index in range(start, len(cells)):
        width, height = cells[index]
        if x and x + width > limit:
            plan.shelves.append((y, y + tallest, first))
            x, y, tallest, first = 0, y + tallest, 0, index - start
        too_large = (y + max(tallest, height)) * limit > _SHEET_PIXELS or width > limit
        if plan.places and (too_large or cuts.layers[index].style.outline != outline):
            break
        plan.places.append((x, y))
        x, tallest = x + width, max(tallest, height)
        plan.width = max(plan.width, x)
    if first < len(plan.places):
        plan.shelves.append((y, y + tallest, first))
    return plan


def _sheet(
    cuts: Cuts, start: int, plan: _Plan, seen: tuple[list[Slices], list[list[int]]]
) -> Sheet:
    part = slice(start, start + len(plan.places))
    in_box, begins = seen[0][part], seen[1][part]
    inside = np.zeros((plan.shelves[-1][1], plan.width), dtype=np.bool_)
    columns, rows, reach = cuts.columns[part].tolist(), cuts.rows[part].tolist(), cuts.reach
    on_sheet = []
    for index, (x, y) in enumerate(plan.places):
        bitmap = cuts.bitmap(start + index, rows[index], columns[index])
        height, width = bitmap.shape
        inside[y + reach : y + reach + height, x + reach : x + reach + width] = bitmap
        (down, across), (top, left) = in_box[index], begins[index]
        on_sheet.append(
            (
                slice(y + top, y + top + down.stop - down.start),
                slice(x + left, x + left + across.stop - across.start),
            )
        )
    widths = np.diff(cuts.columns[part])[:, 0] + 2 * reach
    return Sheet(inside, cuts.layers[part], start, _shelves(plan, widths), on_sheet, in_box)


def _shelves(plan: _Plan, widths: NDArray[np.intp]) -> list[tuple[int, int, NDArray[np.intp]]]:
    ends = [*(first for _, _, first in plan.shelves[1:]), len(plan.places)]
    return [
        (top, bottom, np.repeat(np.arange(first, end), widths[first:end]))
        for (top, bottom, first), end in zip(plan.shelves, ends, strict=True)
    ]


def _sampled(crop: Bitmap, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Bitmap:
    """Some rows and columns of a crop, rising; they may repeat."""
    left, right = int(columns[0]), int(columns[-1]) + 1
    if right - left == crop.shape[1]:  # `take` would copy all of a part first
        bands = crop.take(rows, axis=0, mode="clip")
    else:
        bands = crop[rows, left:right]  # rows first: whole pieces of memory
    return bands if right - left == columns.size else _columns(bands, columns - left)


def _columns(bands: Bitmap, columns: NDArray[np.intp]) -> Bitmap:
    """Some columns of a bitmap, which may repeat; rising."""
    if columns.size < _MANY_COLUMNS or _SPARSE * columns.size < bands.shape[1]:
        return bands.take(columns, axis=1, mode="clip")
    turned = cv2.transpose(bands.view(np.uint8))  # whole rows are copied several times as fast
    return cv2.transpose(turned.take(columns, axis=0, mode="clip")).view(np.bool_)


@lru_cache(maxsize=16)
def _disc(radius: int) -> NDArray[np.uint8]:
    size = 2 * radius + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).astype(np.uint8)
