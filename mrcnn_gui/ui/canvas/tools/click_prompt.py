"""Click an object, and choose among the masks that the model sees there."""

from collections.abc import Sequence

from PySide6.QtCore import Qt

from mrcnn_gui.services.drafts import Draft
from mrcnn_gui.services.prompts import Candidate, Point
from mrcnn_gui.ui.canvas.drawings import Note
from mrcnn_gui.ui.canvas.tools.context import Pointer, ToolContext
from mrcnn_gui.ui.canvas.tools.drawn import DrawnTool


class ClickPromptTool(DrawnTool):
    """A click shows the best candidate, the wheel the others; Enter or a click on it accepts."""

    cursor = Qt.CursorShape.PointingHandCursor
    kept = "The click is kept: its tool asks the model again on this image."

    _at: Point | None = None  # where the model was asked; None when it was not
    _candidates: Sequence[Candidate] = ()
    _index = 0
    _turned = 0.0  # of the wheel, in notches, since the last candidate

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        context.prompts.prepare()

    @property
    def active(self) -> bool:
        """Whether a candidate is shown, or the model was asked."""
        return self._at is not None

    def press(self, at: Pointer) -> None:
        """Accept the candidate that is shown, or ask about another place."""
        if self._candidates and self._candidates[self._index].mask.contains(*at.pixel):
            self.accept()
            return
        self.cancel()
        column, row = at.pixel
        inside = 0 <= column < self.context.width and 0 <= row < self.context.height
        if inside and self.begin(at):
            self._ask((at.x, at.y))

    def wheel(self, notches: float) -> bool:
        """Show the next candidate, or the one before."""
        if len(self._candidates) < 2:
            return False
        self._turned += notches
        steps = int(self._turned)
        self._turned -= steps
        if steps:
            self._show((self._index - steps) % len(self._candidates))
        return True

    def accept(self) -> bool:
        """Make the candidate that is shown an instance."""
        if not self._candidates:
            return False
        chosen = self._candidates[self._index]
        self.cancel()
        self.use(chosen.mask, "Click prompt", chosen.provenance)
        return True

    def draft(self) -> Draft | None:
        """Where the model was asked, until a candidate is accepted."""
        return None if self._at is None else self.drafted((self._at,))

    def resume(self, draft: Draft) -> None:
        """Ask again."""
        super().resume(draft)
        self._ask(draft.points[0])

    def cancel(self) -> bool:
        """Drop the candidates."""
        was_active = self.active
        if was_active:
            self.context.prompts.cancel()
            self._at, self._candidates = None, ()
            self.context.preview.show_drawings()
            self.clear_area()
        return was_active

    def _ask(self, at: Point) -> None:
        self._at = at
        self.context.preview.show_drawings(Note("The model looks…", *at))
        self.context.prompts.ask_point(at, self._take)

    def _take(self, candidates: Sequence[Candidate] | None) -> None:
        if not candidates:
            self.cancel()
            if candidates is not None:
                self.context.message("The model sees nothing there.")
            return
        self._candidates, self._turned = candidates, 0.0
        self._show(0)

    def _show(self, index: int) -> None:
        self._index = index
        chosen, count = self._candidates[index], len(self._candidates)
        self.show_area(chosen.mask)
        which = f" · {index + 1} of {count}, the wheel shows others" if count > 1 else ""
        text = f"{chosen.category} {chosen.provenance.score:.2f}{which} · Enter accepts"
        left, _, _, bottom = chosen.mask.box_xyxy  # beside it: the words hide nothing of the mask
        self.context.preview.show_drawings(Note(text, left, bottom))
