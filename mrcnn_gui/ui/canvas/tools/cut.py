"""Cut instances apart along a line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import hypot
from typing import TypeAlias

from PySide6.QtCore import Qt

from core.masks import Mask
from core.masks.cutting import cut_mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import Edit
from mrcnn_gui.project.reshaping import apart, as_one
from mrcnn_gui.ui.canvas.drawings import Line, Note
from mrcnn_gui.ui.canvas.preview import Point
from mrcnn_gui.ui.canvas.tools.context import Pointer, Tool, ToolContext
from mrcnn_gui.ui.canvas.tools.newest import Newest

_STEP = 1.5  # device pixels: what lies nearer to the last point adds nothing
_CRUMB = 4  # pixels: smaller pieces stay with their neighbours
_LARGE = 500_000  # pixels of crops that take longer than a frame

_Cut: TypeAlias = tuple[Instance, list[Mask]]


@dataclass
class _Stroke:
    points: list[Point]
    last: Pointer
    straight: bool


class CutTool(Tool):
    """A drag across the selected instances parts them; with nothing selected, all it divides.

    The largest piece stays the instance it was, the others become new ones. Large masks are cut in
    the background.
    """

    cursor = Qt.CursorShape.CrossCursor

    _stroke: _Stroke | None = None
    _cut_now: Callable[[], list[_Cut]] | None = None  # what is being done in the background

    def __init__(self, context: ToolContext) -> None:
        super().__init__(context)
        self._cutting = Newest(context.jobs, self._take, self.cancel)

    @property
    def active(self) -> bool:
        """Whether the button is down, or a large mask is being cut."""
        return self._stroke is not None or self._cut_now is not None

    def press(self, at: Pointer) -> None:
        """Begin the line."""
        self.finish()
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
        if stroke is not None:
            self.cancel()
            self._cut(stroke.points)

    def cancel(self) -> bool:
        """Drop the line."""
        was_active = self.active
        self._stroke = self._cut_now = None
        self._cutting.cancel()
        if was_active:
            self.context.preview.show_drawings()
        return was_active

    def finish(self) -> None:
        """Push what is being cut without waiting for it any longer."""
        if self._cut_now is not None:
            self._take(self._cut_now())

    def _cut(self, line: list[Point]) -> None:
        context = self.context
        chosen = [it for it in context.selection if not it.locked]
        longer = lengthened(line, context.reach())
        crossed = tuple(chosen or self._crossed(longer))
        if sum(it.mask.crop.size for it in crossed) < _LARGE:
            self._take(_cut_all(crossed, line, longer))
            return
        self._cut_now = partial(_cut_all, crossed, line, longer)
        self._cutting.ask(self._cut_now)
        x, y = line[-1]
        context.preview.show_drawings(Line(tuple(line)), Note("Cutting…", x, y))

    def _take(self, cuts: list[_Cut]) -> None:
        self.cancel()
        context = self.context
        edits: list[Edit] = []
        pieces: list[int] = []
        for instance, masks in cuts:
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


def _cut_all(instances: Sequence[Instance], *lines: Sequence[Point]) -> list[_Cut]:
    """The instances that the first of the lines divides that divides any, with their pieces.

    The first is as drawn; where it divides nothing, an end may have stopped just short of the edge.
    """
    for line in lines:
        cuts = ((it, cut_mask(it.mask, line, _CRUMB)) for it in instances)
        if found := [(instance, masks) for instance, masks in cuts if masks]:
            return found
    return []


def lengthened(line: list[Point], by: float) -> list[Point]:
    """A line that goes on straight at both ends; its last stretch of that length says where to."""
    start, stop = _beyond(line, by), _beyond(line[::-1], by)
    return [start, *line, stop]


def _beyond(line: list[Point], by: float) -> Point:
    """The point at a distance before the first one."""
    x, y = line[0]
    far = next((it for it in line[1:] if hypot(it[0] - x, it[1] - y) >= by), line[-1])
    length = hypot(far[0] - x, far[1] - y)
    if length == 0:
        return x, y
    return x + (x - far[0]) / length * by, y + (y - far[1]) / length * by
