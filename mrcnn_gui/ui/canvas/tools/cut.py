"""Cut instances apart along a line."""

from dataclasses import dataclass
from math import hypot

from PySide6.QtCore import Qt

from core.masks.cutting import cut_mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import Edit
from mrcnn_gui.project.reshaping import apart, as_one
from mrcnn_gui.ui.canvas.drawings import Line
from mrcnn_gui.ui.canvas.preview import Point
from mrcnn_gui.ui.canvas.tools.context import Pointer, Tool

_STEP = 1.5  # device pixels: what lies nearer to the last point adds nothing
_CRUMB = 4  # pixels: smaller pieces stay with their neighbours


@dataclass
class _Stroke:
    points: list[Point]
    last: Pointer
    straight: bool


class CutTool(Tool):
    """A drag across the selected instances parts them; with nothing selected, all it divides.

    The largest piece stays the instance it was, the others become new ones.
    """

    cursor = Qt.CursorShape.CrossCursor

    _stroke: _Stroke | None = None

    @property
    def active(self) -> bool:
        """Whether the button is down."""
        return self._stroke is not None

    def press(self, at: Pointer) -> None:
        """Begin the line."""
        self._stroke = _Stroke([(at.x, at.y)], at, at.shift)

    def drag(self, at: Pointer) -> None:
        """The line follows."""
        stroke = self._stroke
        if stroke is None or hypot(
            at.view_x - stroke.last.view_x, at.view_y - stroke.last.view_y
        ) < (0 if stroke.straight else _STEP):
            return
        if stroke.straight:
            del stroke.points[1:]
        stroke.points.append((at.x, at.y))
        stroke.last = at
        self.context.preview.show_drawings(Line(tuple(stroke.points)))

    def release(self, at: Pointer) -> None:
        """Part what the line divides."""
        self.drag(at)
        stroke = self._stroke
        if self.cancel() and stroke is not None:
            self._cut(stroke.points)

    def cancel(self) -> bool:
        """Drop the line."""
        stroke, self._stroke = self._stroke, None
        if stroke is not None:
            self.context.preview.show_drawings()
        return stroke is not None

    def _cut(self, line: list[Point]) -> None:
        context = self.context
        chosen = [it for it in context.selection if not it.locked]
        edits: list[Edit] = []
        pieces: list[int] = []
        for instance in chosen or self._crossed(line):
            masks = cut_mask(instance.mask, line, _CRUMB)
            if masks:
                made, ids = apart(instance, masks, context.new_instance_id)
                edits += made
                pieces += ids
        edit = as_one(edits, "Cut apart")
        if edit is None:
            context.message("Nothing is cut: draw the line across an instance, from edge to edge.")
            return
        context.push(edit)
        if all(key in context.document.instances for key in pieces):
            context.view_state.selected_instances = tuple(pieces)
            context.hint(f"Cut into {len(pieces)} instances.")

    def _crossed(self, line: list[Point]) -> list[Instance]:
        """The instances whose boxes the line's box meets."""
        left, top = (min(axis) for axis in zip(*line, strict=True))
        right, bottom = (max(axis) for axis in zip(*line, strict=True))
        return [
            it
            for it in self.context.within_reach()
            if it.mask.x <= right
            and it.mask.y <= bottom
            and it.mask.box_xyxy[2] > left
            and it.mask.box_xyxy[3] > top
        ]
