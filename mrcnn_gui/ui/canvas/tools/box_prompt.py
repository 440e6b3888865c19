"""Draw a box, and the model fills it."""

from collections.abc import Sequence
from math import hypot

from PySide6.QtCore import Qt

from mrcnn_gui.services.drafts import Draft
from mrcnn_gui.services.prompts import Candidate
from mrcnn_gui.ui.canvas.drawings import Frame, Note
from mrcnn_gui.ui.canvas.tools.context import Pointer, ToolContext
from mrcnn_gui.ui.canvas.tools.drawn import DrawnTool
from mrcnn_gui.ui.canvas.tools.rectangle import LEAST_DRAG


class BoxPromptTool(DrawnTool):
    """A drag around an object; the model's mask of what is in the box becomes the instance."""

    cursor = Qt.CursorShape.CrossCursor
    kept = "The box is kept: its tool asks the model again on this image."

    _start: Pointer | None = None
    _asked: Frame | None = None  # what the model works on

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        context.prompts.prepare()

    @property
    def active(self) -> bool:
        """Whether the button is down, or the model works on the box."""
        return self._start is not None or self._asked is not None

    def press(self, at: Pointer) -> None:
        """Set the first corner; an answer that is on its way is not waited for."""
        self.cancel()
        if self.begin(at):
            self._start = at

    def drag(self, at: Pointer) -> None:
        """Show the box."""
        if self._start is not None:
            self.context.preview.show_drawings(self._frame(self._start, at))

    def release(self, at: Pointer) -> None:
        """Ask the model."""
        start, self._start = self._start, None
        if start is None:
            return
        frame = self._frame(start, at)
        slip = hypot(at.view_x - start.view_x, at.view_y - start.view_y) < LEAST_DRAG
        if slip or frame.left == frame.right or frame.top == frame.bottom:
            self.context.preview.show_drawings()
            self.context.message("Drag a box around an object: the model fills it.")
            return
        self._ask(frame)

    def draft(self) -> Draft | None:
        """The box that the model has not filled yet."""
        asked = self._asked
        if asked is None:
            return None
        return self.drafted(((asked.left, asked.top), (asked.right, asked.bottom)))

    def resume(self, draft: Draft) -> None:
        """Ask again."""
        super().resume(draft)
        self._ask(Frame.around(*draft.points))

    def cancel(self) -> bool:
        """Drop the box."""
        was_active = self.active
        if self._asked is not None:
            self.context.prompts.cancel()
        self._start = self._asked = None
        if was_active:
            self.context.preview.show_drawings()
        return was_active

    def _ask(self, frame: Frame) -> None:
        self._asked = frame
        waiting = Note("The model looks…", frame.right, frame.bottom)
        self.context.preview.show_drawings(frame, waiting)
        box = frame.left, frame.top, frame.right, frame.bottom
        self.context.prompts.ask_box(box, self._take)

    def _take(self, candidates: Sequence[Candidate] | None) -> None:
        self._asked = None
        self.context.preview.show_drawings()
        if candidates:
            self.use(candidates[0].mask, "Box prompt", candidates[0].provenance)
        elif candidates is not None:
            self.context.message("The model finds nothing in this box.")

    def _frame(self, start: Pointer, at: Pointer) -> Frame:
        return Frame.around(self.context.clamped(start), self.context.clamped(at))
