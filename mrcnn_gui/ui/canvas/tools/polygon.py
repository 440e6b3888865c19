"""Draw an instance as a polygon."""

from math import hypot

import numpy as np
from PySide6.QtCore import Qt

from core.masks import rasterise_polygon
from mrcnn_gui.services.drafts import Draft
from mrcnn_gui.ui.canvas.preview import Point
from mrcnn_gui.ui.canvas.tools.context import Pointer
from mrcnn_gui.ui.canvas.tools.drawn import DrawnTool


class PolygonTool(DrawnTool):
    """Clicks add vertices; a double click, Enter or a click on the first vertex closes."""

    cursor = Qt.CursorShape.CrossCursor
    kept = "The polygon is kept: its tool goes on with it on this image."

    _points: tuple[Point, ...] = ()
    _cursor: Point = (0.0, 0.0)

    @property
    def active(self) -> bool:
        """Whether there are vertices."""
        return bool(self._points)

    def press(self, at: Pointer) -> None:
        """Add a vertex, or close at the first one."""
        if not self._points and not self.begin(at):
            return
        if self._closes(at):
            self.accept()
            return
        self._cursor = self.context.clamped(at)
        self._show((*self._points, self._cursor))

    def drag(self, at: Pointer) -> None:
        """The rubber band follows."""
        self.hover(at)

    def hover(self, at: Pointer) -> None:
        """The rubber band follows; it snaps to the first vertex where a click would close."""
        if self._points:
            closes = self._closes(at)
            self._cursor = self._points[0] if closes else self.context.clamped(at)
            self._show(self._points)

    def double_click(self, at: Pointer) -> None:
        """Close; the first press of the double click has set the last vertex."""
        if self._points:
            self.accept()

    def accept(self) -> bool:
        """Close the polygon and push the new instance."""
        if not self._points:
            return False
        if len(self._points) < 3:
            self.context.message("A polygon needs at least three points.")
            return True
        area = rasterise_polygon(np.array(self._points, dtype=np.float64))
        self._show(())
        self.use(area, "Draw polygon")
        return True

    def step_back(self) -> bool:
        """Remove the last vertex."""
        if not self._points:
            return False
        self._show(self._points[:-1])
        return True

    def take_back(self) -> bool:
        """Remove the last vertex."""
        return self.step_back()

    def draft(self) -> Draft | None:
        """The vertices so far."""
        return self.drafted(self._points) if self._points else None

    def resume(self, draft: Draft) -> None:
        """Go on; with a new instance where the one that it was for is gone."""
        super().resume(draft)
        self._cursor = draft.points[-1]
        self._show(draft.points)

    def cancel(self) -> bool:
        """Drop the polygon."""
        had_points = bool(self._points)
        self._show(())
        return had_points

    def _show(self, points: tuple[Point, ...]) -> None:
        self._points = points
        self.context.preview.show_outline((*points, self._cursor) if points else ())

    def _closes(self, at: Pointer) -> bool:
        """Whether a press would close the polygon."""
        if len(self._points) < 3:
            return False
        x, y = self._points[0]
        return hypot(at.x - x, at.y - y) <= self.context.reach()
