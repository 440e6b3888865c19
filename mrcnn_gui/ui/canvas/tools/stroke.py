"""A brush stroke on a bitmap that grows with it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.masks import Mask
from mrcnn_gui.ui.canvas.boxes import Box, hull, overlap
from mrcnn_gui.ui.canvas.style import Bitmap

_SLACK = 64  # least growth in pixels, so that a slow stroke does not copy at every step


class Stroke:
    """The mask under a brush while the button is down; what is `closed` is not painted over.

    Attributes:
        bitmap: bool [h, w]: the mask as painted so far.
        x: Left column of the bitmap in the image.
        y: Top row of the bitmap in the image.
        touched: Image box that holds all the places where the brush has been; None when nowhere.
    """

    def __init__(
        self,
        before: Mask,
        *,
        erase: bool,
        width: int,
        height: int,
        closed: Sequence[Mask] = (),
    ) -> None:
        self.bitmap: Bitmap = before.crop.copy()
        self.x, self.y = before.x, before.y
        self._before = before
        self.touched: Box | None = None
        self._erase = erase
        self._image: Box = (0, 0, width, height)
        self._closed = () if erase else tuple(closed)

    @property
    def mask(self) -> Mask:
        """The mask as painted so far."""
        return Mask.from_bitmap(self.bitmap, self.x, self.y)

    @property
    def is_empty(self) -> bool:
        """Whether no pixel is left, or none was painted."""
        return not self.bitmap.any()

    @property
    def flipped(self) -> Mask:
        """The pixels that are not as they were; only where the brush has been is looked at."""
        if self.touched is None:
            return Mask.empty()
        left, top = self.touched[:2]
        changed = self._part(self.touched).copy()
        seen = overlap(self.touched, self._before.box_xyxy)
        if seen is not None:
            region = changed[seen[1] - top : seen[3] - top, seen[0] - left : seen[2] - left]
            np.logical_xor(region, self._before.window(seen), out=region)
        return Mask.from_bitmap(changed, left, top)

    def add(
        self, start: tuple[float, float], stop: tuple[float, float], radius: float
    ) -> Box | None:
        """Move the brush along a line; the pixels outside of the image stay out.

        Args:
            start: (x, y) in image coordinates.
            stop: (x, y) in image coordinates; may equal `start`: a dab.
            radius: In image pixels. The pixel under `stop` is painted however small it is.

        Returns:
            The image box that changed; None when the line is out of reach.
        """
        box, painted = capsule(start, stop, radius)
        if not self._erase:
            seen = overlap(box, self._image)
            if seen is not None:
                self._grow(seen)
        seen = overlap(box, self._box)
        if seen is None:
            return None
        part = painted[seen[1] - box[1] : seen[3] - box[1], seen[0] - box[0] : seen[2] - box[0]]
        self._leave_out_closed(part, seen)
        np.copyto(self._part(seen), not self._erase, where=part)
        self.touched = seen if self.touched is None else hull(self.touched, seen)
        return seen

    def _leave_out_closed(self, part: Bitmap, box: Box) -> None:
        left, top = box[:2]
        for mask in self._closed:
            seen = overlap(box, mask.box_xyxy)
            if seen is not None:
                region = part[seen[1] - top : seen[3] - top, seen[0] - left : seen[2] - left]
                np.logical_and(region, ~mask.window(seen), out=region)

    @property
    def _box(self) -> Box:
        height, width = self.bitmap.shape
        return self.x, self.y, self.x + width, self.y + height

    def _part(self, box: Box) -> Bitmap:
        """A view of the bitmap, of an image box that lies in it."""
        left, top, right, bottom = box
        return self.bitmap[top - self.y : bottom - self.y, left - self.x : right - self.x]

    def _grow(self, box: Box) -> None:
        """Make room for an image box; by a good deal, for the next steps."""
        if overlap(box, self._box) == box:
            return
        old = self._box if self.bitmap.size else box
        slack_x, slack_y = max(_SLACK, (old[2] - old[0]) // 2), max(_SLACK, (old[3] - old[1]) // 2)
        left = old[0] if box[0] >= old[0] else max(box[0] - slack_x, 0)
        top = old[1] if box[1] >= old[1] else max(box[1] - slack_y, 0)
        right = old[2] if box[2] <= old[2] else min(box[2] + slack_x, self._image[2])
        bottom = old[3] if box[3] <= old[3] else min(box[3] + slack_y, self._image[3])
        bitmap = np.zeros((bottom - top, right - left), dtype=np.bool_)
        height, width = self.bitmap.shape
        bitmap[self.y - top : self.y - top + height, self.x - left : self.x - left + width] = (
            self.bitmap
        )
        self.bitmap, self.x, self.y = bitmap, left, top


def capsule(
    start: tuple[float, float], stop: tuple[float, float], radius: float
) -> tuple[Box, Bitmap]:
    """The pixels whose centre lies within `radius` of a line, and the pixel under its end.

    A capsule is convex, so every row of it is one span: the hull of the spans of both end discs
    and of the rectangle between them.

    Returns:
        The image box (not clipped) and the pixels in it, bool [h, w].
    """
    (x0, y0), (x1, y1) = start, stop
    left, right = int(np.floor(min(x0, x1) - radius)), int(np.ceil(max(x0, x1) + radius)) + 1
    top, bottom = int(np.floor(min(y0, y1) - radius)), int(np.ceil(max(y0, y1) + radius)) + 1
    rows: NDArray[np.float64] = np.arange(top, bottom, dtype=np.float64) + 0.5
    columns: NDArray[np.float64] = np.arange(left, right, dtype=np.float64) + 0.5
    spans = [_disc_span(x0, y0, radius, rows), _disc_span(x1, y1, radius, rows)]
    spans += [_edge_span(a, b, rows) for a, b in _sides(start, stop, radius)]
    first = np.min([span[0] for span in spans], axis=0)
    last = np.max([span[1] for span in spans], axis=0)
    bitmap = (columns >= first[:, None]) & (columns <= last[:, None])
    bitmap[int(np.floor(y1)) - top, int(np.floor(x1)) - left] = True
    return (left, top, right, bottom), bitmap


Span = tuple[NDArray[np.float64], NDArray[np.float64]]  # first and last x of each row; inf if none


def _disc_span(x: float, y: float, radius: float, rows: NDArray[np.float64]) -> Span:
    squared = radius**2 - (rows - y) ** 2
    half = np.sqrt(np.maximum(squared, 0.0))
    return np.where(squared >= 0, x - half, np.inf), np.where(squared >= 0, x + half, -np.inf)


def _edge_span(
    start: tuple[float, float], stop: tuple[float, float], rows: NDArray[np.float64]
) -> Span:
    (x0, y0), (x1, y1) = start, stop
    if y0 == y1:  # a level side adds nothing to the discs at its ends
        return np.full_like(rows, np.inf), np.full_like(rows, -np.inf)
    along = (rows - y0) / (y1 - y0)
    x = x0 + along * (x1 - x0)
    crossed = (along >= 0) & (along <= 1)
    return np.where(crossed, x, np.inf), np.where(crossed, x, -np.inf)


def _sides(
    start: tuple[float, float], stop: tuple[float, float], radius: float
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The two long sides of the rectangle between the discs; its ends lie inside the discs."""
    (x0, y0), (x1, y1) = start, stop
    length = float(np.hypot(x1 - x0, y1 - y0))
    if length == 0:
        return []
    dx, dy = (y0 - y1) / length * radius, (x1 - x0) / length * radius
    return [
        ((x0 + dx, y0 + dy), (x1 + dx, y1 + dy)),
        ((x0 - dx, y0 - dy), (x1 - dx, y1 - dy)),
    ]
