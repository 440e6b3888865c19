"""What a tool shows before its edit exists."""

from collections.abc import Callable
from dataclasses import dataclass

from mrcnn_gui.ui.canvas.boxes import Box
from mrcnn_gui.ui.canvas.drawings import Drawing
from mrcnn_gui.ui.canvas.style import Bitmap, Patch, patched_box

Point = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Shape:
    """Pixels drawn in place of an instance's mask, or as a new instance.

    Attributes:
        bitmap: bool [h, w]; may still change while it is shown.
        x: Left column in the image.
        y: Top row in the image.
        instance_id: Whose mask it replaces; None for a new instance.
        category_id: Whose colour it has.
        patch: Holds in place of the bitmap, and beyond it, where there is one.
    """

    bitmap: Bitmap
    x: int
    y: int
    instance_id: int | None
    category_id: int
    patch: Patch | None = None

    @property
    def box_xyxy(self) -> Box:
        """The box of all of it in image pixels."""
        return patched_box(self.bitmap, self.x, self.y, self.patch)


class Preview:
    """The layer that tools draw into; the canvas shows it and hears what became stale.

    Attributes:
        shapes: Each replaces or adds one mask.
        outline: Vertices in image coordinates; the last one follows the cursor.
        drawings: Lines, frames and vertices over the masks.
        hovered_instance: The instance under the cursor.
    """

    def __init__(self, stale: Callable[[Box], None], marks_changed: Callable[[], None]) -> None:
        self._stale = stale
        self._marks_changed = marks_changed
        self.shapes: tuple[Shape, ...] = ()
        self.outline: tuple[Point, ...] = ()
        self.drawings: tuple[Drawing, ...] = ()
        self.hovered_instance: int | None = None

    @property
    def shape(self) -> Shape | None:
        """The first of the shapes."""
        return self.shapes[0] if self.shapes else None

    def show_shape(self, shape: Shape, *dirty: Box) -> None:
        """Show a mask; `dirty` are the image boxes that differ from what was shown before."""
        self.show_shapes((shape,), *dirty)

    def show_shapes(self, shapes: tuple[Shape, ...], *dirty: Box) -> None:
        """Show masks; `dirty` are the image boxes that differ from what was shown before."""
        self.shapes = shapes
        self._make_stale(dirty)

    def clear_shape(self, *dirty: Box) -> None:
        """Show the document again."""
        self.shapes = ()
        self._make_stale(dirty)

    def show_outline(self, points: tuple[Point, ...]) -> None:
        """Show an open polygon; no points, no polygon."""
        self.outline = points
        self._marks_changed()

    def show_drawings(self, *drawings: Drawing) -> None:
        """Show lines, frames and vertices in place of those before."""
        if drawings or self.drawings:
            self.drawings = drawings
            self._marks_changed()

    def hover(self, instance_id: int | None, *dirty: Box) -> None:
        """Highlight an instance, or none."""
        self.hovered_instance = instance_id
        self._make_stale(dirty)

    def _make_stale(self, boxes: tuple[Box, ...]) -> None:
        for box in boxes:
            self._stale(box)
