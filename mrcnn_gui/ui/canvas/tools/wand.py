"""Make an instance of what has one colour."""

from PySide6.QtCore import Qt

from core.masks import Mask
from mrcnn_gui.ui.canvas.drawings import Note
from mrcnn_gui.ui.canvas.tools.context import Pointer
from mrcnn_gui.ui.canvas.tools.drawn import DrawnTool
from mrcnn_gui.ui.canvas.visible_pixels import VisiblePixels

_PIXELS_PER_STEP = 3.0  # of a drag, in device pixels


class WandTool(DrawnTool):
    """A press takes what is alike and connected in the view; a drag to the right takes more."""

    cursor = Qt.CursorShape.CrossCursor

    _start: Pointer | None = None
    _seen: VisiblePixels | None = None
    _area: Mask = Mask.empty()
    _tolerance = 0  # before the drag

    @property
    def active(self) -> bool:
        """Whether the button is down."""
        return self._start is not None

    def press(self, at: Pointer) -> None:
        """Show what is like the pixel under the cursor."""
        column, row = at.pixel
        if not (0 <= column < self.context.width and 0 <= row < self.context.height):
            return
        if self.begin(at):
            self._start, self._seen = at, self.context.pixels()
            self._tolerance = self.context.view_state.wand_tolerance
            self._take(at)

    def drag(self, at: Pointer) -> None:
        """Change the tolerance."""
        if self._start is None:
            return
        steps = (at.view_x - self._start.view_x) / _PIXELS_PER_STEP
        before = self.context.view_state.wand_tolerance
        self.context.view_state.wand_tolerance = self._tolerance + round(steps)
        if self.context.view_state.wand_tolerance != before:
            self._take(self._start)

    def release(self, at: Pointer) -> None:
        """Push it; the tolerance stays for the next time."""
        area, tolerance = self._area, self.context.view_state.wand_tolerance
        if self.cancel():
            self.context.view_state.wand_tolerance = tolerance
            self.use(area, "Magic wand")

    def cancel(self) -> bool:
        """Drop it; the tolerance is what it was."""
        was_active = self.active
        self._start, self._seen, self._area = None, None, Mask.empty()
        if was_active:
            self.context.view_state.wand_tolerance = self._tolerance
            self.context.preview.show_drawings()
            self.clear_area()
        return was_active

    def _take(self, at: Pointer) -> None:
        tolerance = self.context.view_state.wand_tolerance
        if self._seen is not None:
            self._area = self._seen.alike(*at.pixel, tolerance)
        self.show_area(self._area)
        self.context.preview.show_drawings(Note(f"Tolerance {tolerance}", at.x, at.y))
