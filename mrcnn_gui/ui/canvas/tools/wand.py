"""Make an instance of what has one colour."""

from PySide6.QtCore import Qt

from core.masks import Mask
from mrcnn_gui.ui.canvas.drawings import Note
from mrcnn_gui.ui.canvas.tools.context import Pointer, ToolContext
from mrcnn_gui.ui.canvas.tools.drawn import DrawnTool
from mrcnn_gui.ui.canvas.tools.newest import Newest
from mrcnn_gui.ui.canvas.visible_pixels import VisiblePixels

_PIXELS_PER_STEP = 3.0  # of a drag, in device pixels


class WandTool(DrawnTool):
    """A press takes what is alike and connected in the view; a drag to the right takes more.

    It is found in the background: a release that comes before is kept until then.
    """

    cursor = Qt.CursorShape.CrossCursor

    _start: Pointer | None = None
    _seen: VisiblePixels | None = None
    _area: Mask = Mask.empty()
    _tolerance = 0  # before the drag
    _released = False

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._finding = Newest(context.jobs, self._show, self.cancel)

    @property
    def active(self) -> bool:
        """Whether the button is down, or what it has taken is on its way."""
        return self._start is not None

    def press(self, at: Pointer) -> None:
        """Show what is like the pixel under the cursor."""
        self.finish()
        column, row = at.pixel
        if not (0 <= column < self.context.width and 0 <= row < self.context.height):
            return
        if self.begin(at):
            self._start, self._seen = at, self.context.pixels()
            self._tolerance = self.context.view_state.wand_tolerance
            self._find()

    def drag(self, at: Pointer) -> None:
        """Change the tolerance."""
        if self._start is None or self._released:
            return
        steps = (at.view_x - self._start.view_x) / _PIXELS_PER_STEP
        before = self.context.view_state.wand_tolerance
        self.context.view_state.wand_tolerance = self._tolerance + round(steps)
        if self.context.view_state.wand_tolerance != before:
            self._find()

    def release(self, at: Pointer) -> None:
        """Push it, once it is found; the tolerance stays for the next time."""
        if self._start is not None:
            self._released = True
            if not self._finding.is_busy:
                self._push()

    def finish(self) -> None:
        """Push what was let go without waiting for it any longer."""
        if self._start is not None and self._released and self._seen is not None:
            tolerance = self.context.view_state.wand_tolerance
            self._area = self._seen.alike(*self._start.pixel, tolerance)
            self._push()

    def cancel(self) -> bool:
        """Drop it; the tolerance is what it was."""
        was_active = self.active
        self._finding.cancel()
        self._start, self._seen, self._area = None, None, Mask.empty()
        self._released = False
        if was_active:
            self.context.view_state.wand_tolerance = self._tolerance
            self.context.preview.show_drawings()
            self.clear_area()
        return was_active

    def _find(self) -> None:
        start, tolerance = self._start, self.context.view_state.wand_tolerance
        if start is None:
            return
        if self._seen is not None:
            self._finding.ask(self._seen.alike, *start.pixel, tolerance)
        self.context.preview.show_drawings(Note(f"Tolerance {tolerance}", start.x, start.y))

    def _show(self, area: Mask) -> None:
        self._area = area
        if self._released and not self._finding.is_busy:
            self._push()
        else:
            self.show_area(area)

    def _push(self) -> None:
        area, tolerance = self._area, self.context.view_state.wand_tolerance
        self.cancel()
        self.context.view_state.wand_tolerance = tolerance
        self.use(area, "Magic wand")
