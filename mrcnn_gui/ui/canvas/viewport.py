"""Where the image lies in the view: pan, zoom and the two coordinate systems."""

from dataclasses import dataclass, replace

from mrcnn_gui.ui.canvas.boxes import Box
from mrcnn_gui.ui.canvas.grid import Grid

MAX_SCALE = 64.0
MAX_FIT_SCALE = 8.0  # a tiny image is not blown up to the whole window
MARGIN = 12.0  # free ground around a fitted image, in device pixels
SHOWN_SHARE = 0.5  # of the view, for what is looked at
MAX_SHOWN_SCALE = 8.0
TINY = 24.0  # device pixels
KEPT_IN_VIEW = 48.0  # an image cannot be panned away wholly


@dataclass(frozen=True)
class Viewport:
    """The position of an image in a view; all view lengths are device pixels.

    Attributes:
        image_width: In image pixels.
        image_height: In image pixels.
        view_width: In device pixels.
        view_height: In device pixels.
        scale: Device pixels per image pixel: 1.0 is 100 %.
        x: View position of the image's left edge. A fraction, so that zooming back and forth
            does not drift; drawing and input use the whole pixel of `grid`.
        y: View position of the image's top edge.
    """

    image_width: int
    image_height: int
    view_width: int
    view_height: int
    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0

    @property
    def grid(self) -> Grid:
        """The view's pixels on the image; the image's corner snaps to a whole pixel."""
        return Grid(self.scale, round(self.x), round(self.y))

    def to_image(self, view_x: float, view_y: float) -> tuple[float, float]:
        """The image point that is drawn at a point of the view."""
        grid = self.grid
        return (view_x - grid.x) / grid.scale, (view_y - grid.y) / grid.scale

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """The point of the view where an image point is drawn."""
        grid = self.grid
        return x * grid.scale + grid.x, y * grid.scale + grid.y

    def holds(self, column: int, row: int) -> bool:
        """Whether the image has such a pixel."""
        return 0 <= column < self.image_width and 0 <= row < self.image_height

    def fitted(self) -> "Viewport":
        """The whole image, as large as it goes, in the middle."""
        return _centred(replace(self, scale=self.fit_scale))

    @property
    def fit_scale(self) -> float:
        """The scale at which the whole image is seen."""
        width = max(self.view_width - 2 * MARGIN, 1.0) / self.image_width
        height = max(self.view_height - 2 * MARGIN, 1.0) / self.image_height
        return min(width, height, MAX_FIT_SCALE)

    def showing(self, box_xyxy: Box) -> "Viewport":
        """A box of the image in the middle, as large as half the view; not enlarged endlessly."""
        left, top, right, bottom = box_xyxy
        across, down = self.view_width / (right - left), self.view_height / (bottom - top)
        scale = min(SHOWN_SHARE * min(across, down), MAX_SHOWN_SCALE)
        zoomed = self.zoomed(max(scale, min(self.fit_scale, MAX_SHOWN_SCALE)), 0, 0)
        x, y = zoomed.to_view((left + right) / 2, (top + bottom) / 2)
        return zoomed.panned(self.view_width / 2 - x, self.view_height / 2 - y)

    def shows_well(self, box_xyxy: Box) -> bool:
        """Whether a box of the image lies in the view, and is not tiny there."""
        left, top = self.to_view(*box_xyxy[:2])
        right, bottom = self.to_view(*box_xyxy[2:])
        inside = left >= 0 and top >= 0 and right <= self.view_width and bottom <= self.view_height
        return inside and max(right - left, bottom - top) >= TINY

    def zoomed(self, scale: float, view_x: float, view_y: float) -> "Viewport":
        """Another scale; the image point at (view_x, view_y) stays where it is.

        The scale is kept between half the fitted one (or 100 %) and 6400 %.
        """
        scale = min(max(scale, min(self.fit_scale / 2, 1.0)), MAX_SCALE)
        factor = scale / self.scale
        x, y = view_x - (view_x - self.x) * factor, view_y - (view_y - self.y) * factor
        return _kept_in_view(replace(self, scale=scale, x=x, y=y))

    def panned(self, dx: float, dy: float) -> "Viewport":
        """The image moved by device pixels; some of it stays in the view."""
        return _kept_in_view(replace(self, x=self.x + dx, y=self.y + dy))

    def resized(self, view_width: int, view_height: int) -> "Viewport":
        """Another view size; the image point in the middle stays in the middle."""
        x = self.x + (view_width - self.view_width) / 2
        y = self.y + (view_height - self.view_height) / 2
        moved = replace(self, view_width=view_width, view_height=view_height, x=x, y=y)
        return _kept_in_view(moved)


def _centred(viewport: Viewport) -> Viewport:
    x = (viewport.view_width - viewport.image_width * viewport.scale) / 2
    y = (viewport.view_height - viewport.image_height * viewport.scale) / 2
    return replace(viewport, x=x, y=y)


def _kept_in_view(viewport: Viewport) -> Viewport:
    scale = viewport.scale
    x = _kept(viewport.x, viewport.image_width * scale, viewport.view_width)
    y = _kept(viewport.y, viewport.image_height * scale, viewport.view_height)
    return replace(viewport, x=x, y=y)


def _kept(position: float, length: float, view_length: int) -> float:
    kept = min(KEPT_IN_VIEW, length, view_length)
    return min(max(position, kept - length), view_length - kept)
