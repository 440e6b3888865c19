"""A brush stroke on a bitmap that grows with it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.masks import Mask
from mrcnn_gui.ui.canvas.boxes import Box, hull, overlap
from mrcnn_gui.ui.canvas.style import Bitmap, Patch

_SLACK = 64  # least growth in pixels, so that a slow stroke does not copy at every step


class Stroke:
    """The mask under a brush while the button is down; what is `closed` is not painted over.

    However large the mask, a stroke copies and changes only a window of it around its way.

    Attributes:
        before: The mask that the stroke began with.
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
        self.before = before
        self.touched: Box | None = None
        self._window: Bitmap = np.zeros((0, 0), dtype=np.bool_)
        self._x = self._y = 0  # of the window in the image
        self._erase = erase
        self._limits: Box = before.box_xyxy if erase else (0, 0, width, height)
        self._closed = () if erase else tuple(closed)

    @property
    def patch(self) -> Patch:
        """The mask as painted so far, in the window; around it the mask is as before."""
        return Patch(self._window, self._x, self._y)

    @property
    def mask(self) -> Mask:
        """The mask as painted so far."""
        return self.before.xor(self.flipped)

    @property
    def is_empty(self) -> bool:
        """Whether no pixel is left, or none was painted."""
        if self._window.any():
            return False
        covered = overlap(self._box, self.before.box_xyxy)
        inside = 0 if covered is None else np.count_nonzero(self.before.window(covered))
        return self.before.area == inside

    @property
    def flipped(self) -> Mask:
        """The pixels that are not as they were; only where the brush has been is looked at."""
        if self.touched is None:
            return Mask.empty()
        changed = self._part(self.touched) ^ self._as_before(self.touched)
        return Mask.from_bitmap(changed, *self.touched[:2])

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
        seen = overlap(box, self._limits)
        if seen is None:
            return None
        self._grow(seen)
        part = painted[seen[1] - box[1] : seen[3] - box[1], seen[0] - box[0] : seen[2] - box[0]]
        self._leave_out_closed(part, seen)
        window = self._part(seen)
        if self._erase:
            window &= ~part
        else:
            window |= part
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
        return self.patch.box_xyxy

    def _part(self, box: Box) -> Bitmap:
        """A view of the window, of an image box that lies in it."""
        left, top, right, bottom = box
        return self._window[top - self._y : bottom - self._y, left - self._x : right - self._x]

    def _as_before(self, box: Box) -> Bitmap:
        """The pixels of an image box when the stroke began."""
        left, top, right, bottom = box
        bitmap = np.zeros((bottom - top, right - left), dtype=np.bool_)
        seen = overlap(box, self.before.box_xyxy)
        if seen is not None:
            part = bitmap[seen[1] - top : seen[3] - top, seen[0] - left : seen[2] - left]
            part[:] = self.before.window(seen)
        return bitmap

    def _grow(self, box: Box) -> None:
        """Make room in the window for an image box; by a good deal, for the next steps."""
        if self._window.size and overlap(box, self._box) == box:
            return
        old = self._box if self._window.size else box
        slack_x, slack_y = max(_SLACK, (old[2] - old[0]) // 2), max(_SLACK, (old[3] - old[1]) // 2)
        left = old[0] if box[0] >= old[0] else max(box[0] - slack_x, self._limits[0])
        top = old[1] if box[1] >= old[1] else max(box[1] - slack_y, self._limits[1])
        right = old[2] if box[2] <= old[2] else min(box[2] + slack_x, self._limits[2])
        bottom = old[3] if box[3] <= old[3] else min(box[3] + slack_y, self._limits[3])
        before = self.patch
        self._window = self._as_before((left, top, right, bottom))
        self._x, self._y = left, top
        if before.crop.size:
            self._part(before.box_xyxy)[:] = before.crop


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
    centres: NDArray[np.float64] = np.arange(left, right, dtype=np.float64) + 0.5
    spans = [_disc_span(x0, y0, radius, rows), _disc_span(x1, y1, radius, rows)]
    spans += [_edge_span(a, b, rows) for a, b in _sides(start, stop, radius)]
    first = np.searchsorted(centres, np.min([span[0] for span in spans], axis=0), "left")
    stop_at = np.searchsorted(centres, np.max([span[1] for span in spans], axis=0), "right")
    columns = np.arange(right - left, dtype=np.int32)  # small numbers: this is most of the work
    bitmap = columns >= first.astype(np.int32)[:, None]
    bitmap &= columns < stop_at.astype(np.int32)[:, None]
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
