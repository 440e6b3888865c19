"""Draw an instance as a rectangle."""

from math import hypot

import numpy as np
from PySide6.QtCore import Qt

from core.masks import Mask
from mrcnn_gui.ui.canvas.drawings import Frame, Note
from mrcnn_gui.ui.canvas.tools.context import Pointer
from mrcnn_gui.ui.canvas.tools.drawn import DrawnTool

LEAST_DRAG = 4.0  # device pixels; a smaller one was a slip


class RectangleTool(DrawnTool):
    """A drag from corner to corner; one edit on release."""

    cursor = Qt.CursorShape.CrossCursor

    _start: Pointer | None = None

    @property
    def active(self) -> bool:
        """Whether the button is down."""
        return self._start is not None

    def press(self, at: Pointer) -> None:
        """Set the first corner."""
        if self.begin(at):
            self._start = at

    def drag(self, at: Pointer) -> None:
        """Show the rectangle."""
        if self._start is None:
            return
        area = self._area(self._start, at)
        left, top, right, bottom = area.box_xyxy
        frame = Frame(left, top, right, bottom)
        size = Note(f"{right - left} × {bottom - top}", at.x, at.y)  # noqa: RUF001
        self.context.preview.show_drawings(frame, size)
        self.show_area(area)

    def release(self, at: Pointer) -> None:
        """Push it."""
        start = self._start
        if not self.cancel() or start is None:
            return
        if hypot(at.view_x - start.view_x, at.view_y - start.view_y) < LEAST_DRAG:
            self.context.message("Drag from one corner of the rectangle to the other.")
        else:
            self.use(self._area(start, at), "Draw rectangle")

    def cancel(self) -> bool:
        """Drop it."""
        start, self._start = self._start, None
        if start is not None:
            self.context.preview.show_drawings()
            self.clear_area()
        return start is not None

    def _area(self, start: Pointer, at: Pointer) -> Mask:
        """Whole pixels: each corner goes to the nearest crossing of the pixel grid."""
        (x0, y0), (x1, y1) = self.context.clamped(start), self.context.clamped(at)
        left, right = sorted((round(x0), round(x1)))
        top, bottom = sorted((round(y0), round(y1)))
        return Mask.from_bitmap(np.ones((bottom - top, right - left), dtype=np.bool_), left, top)
