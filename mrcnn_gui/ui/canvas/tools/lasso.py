"""Draw an instance free-hand."""

from math import hypot

import numpy as np
from PySide6.QtCore import Qt

from core.masks import rasterise_polygon
from mrcnn_gui.ui.canvas.drawings import Line
from mrcnn_gui.ui.canvas.preview import Point
from mrcnn_gui.ui.canvas.tools.context import Pointer
from mrcnn_gui.ui.canvas.tools.drawn import DrawnTool

_STEP = 1.5  # device pixels: what lies nearer to the last point adds nothing


class LassoTool(DrawnTool):
    """A drag around an area; letting go closes it, and becomes one edit."""

    cursor = Qt.CursorShape.CrossCursor

    _points: tuple[Point, ...] = ()
    _last: Pointer | None = None

    @property
    def active(self) -> bool:
        """Whether the button is down."""
        return self._last is not None

    def press(self, at: Pointer) -> None:
        """Begin the line."""
        if self.begin(at):
            self._points, self._last = (self.context.clamped(at),), at

    def drag(self, at: Pointer) -> None:
        """The line follows."""
        last = self._last
        if last is None or hypot(at.view_x - last.view_x, at.view_y - last.view_y) < _STEP:
            return
        self._points, self._last = (*self._points, self.context.clamped(at)), at
        self.context.preview.show_drawings(Line(self._points, closed=True))

    def release(self, at: Pointer) -> None:
        """Close it and push what is inside."""
        self.drag(at)
        points = self._points
        if not self.cancel():
            return
        if len(points) < 3:
            self.context.message("Drag around the object with the button held down.")
        else:
            self.use(rasterise_polygon(np.array(points, dtype=np.float64)), "Draw with lasso")

    def cancel(self) -> bool:
        """Drop the line."""
        was_drawing = self.active
        self._points, self._last = (), None
        if was_drawing:
            self.context.preview.show_drawings()
        return was_drawing
