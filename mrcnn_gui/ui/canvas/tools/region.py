"""Mark parts of an image: finished, so that they may teach what background is, or ignored."""

from math import hypot

import numpy as np
from PySide6.QtCore import Qt

from core.masks import Mask, mask_to_rings, rasterise_polygon
from mrcnn_gui.project.annotation import Region, RegionKind
from mrcnn_gui.project.region_edits import mark_region
from mrcnn_gui.ui.canvas.drawings import Drawing, Line, Note
from mrcnn_gui.ui.canvas.preview import Point
from mrcnn_gui.ui.canvas.tools.context import Pointer, Tool, ToolContext

_STEP = 1.5  # device pixels: what lies nearer to the last point adds nothing
_WORDS = {RegionKind.FINISHED: "finished", RegionKind.IGNORE: "ignored"}


class RegionTool(Tool):
    """A drag around an area marks it finished, with Shift ignored, with Ctrl neither.

    The marked regions are shown while the tool is in the hand.
    """

    cursor = Qt.CursorShape.CrossCursor

    _points: tuple[Point, ...] = ()
    _last: Pointer | None = None
    _kind: RegionKind | None = None

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._show()

    @property
    def active(self) -> bool:
        """Whether the button is down."""
        return self._last is not None

    def press(self, at: Pointer) -> None:
        """Begin the line, and decide by the keys what the area is."""
        self._kind = RegionKind.IGNORE if at.shift else RegionKind.FINISHED
        if at.control:
            self._kind = None
        self._points, self._last = (self.context.clamped(at),), at

    def drag(self, at: Pointer) -> None:
        """The line follows."""
        last = self._last
        if last is None or hypot(at.view_x - last.view_x, at.view_y - last.view_y) < _STEP:
            return
        self._points, self._last = (*self._points, self.context.clamped(at)), at
        self._show()

    def release(self, at: Pointer) -> None:
        """Close it and mark what is inside."""
        self.drag(at)
        points, kind = self._points, self._kind
        if not self.cancel():
            return
        area = Mask.empty()
        if len(points) >= 3:
            area = rasterise_polygon(np.array(points, dtype=np.float64))
        area = area.clip(self.context.width, self.context.height)
        if area.is_empty:
            self.context.message("Drag around the area with the button held down.")
        else:
            self._mark(area, kind)

    def _mark(self, area: Mask, kind: RegionKind | None) -> None:
        regions = self.context.document.regions.values()
        edit = mark_region(regions, area, kind, self.context.new_region_id)
        if edit is not None:
            self.context.push(edit)

    def document_changed(self) -> None:
        """A region may have come or gone; a line that is being drawn depends on none."""
        self._show()

    def cancel(self) -> bool:
        """Drop the line."""
        was_drawing = self.active
        self._points, self._last = (), None
        if was_drawing:
            self._show()
        return was_drawing

    def _show(self) -> None:
        """The regions, and the line."""
        drawings = [
            it for region in self.context.document.regions.values() for it in _drawn(region)
        ]
        if len(self._points) > 1:
            drawings.append(Line(self._points, closed=True))
        self.context.preview.show_drawings(*drawings)


def _drawn(region: Region) -> list[Drawing]:
    """The outlines of a region, and what it is."""
    rings = [[(float(x), float(y)) for x, y in ring] for ring in mask_to_rings(region.mask)]
    if not rings:
        return []
    outlines: list[Drawing] = [Line((*ring, ring[0])) for ring in rings]
    left, top = min(rings[0], key=lambda point: (point[1], point[0]))
    return [*outlines, Note(_WORDS[region.kind], left, top)]
