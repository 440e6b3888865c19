"""What a tool is, and all that it gets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor

from PySide6.QtCore import Qt

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source, Suggestion
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import AddInstance, Edit
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.preview import Preview


@dataclass(frozen=True)
class Pointer:
    """Where the mouse is.

    Attributes:
        x: In image coordinates; may lie outside the image.
        y: In image coordinates.
        view_x: In device pixels of the view.
        view_y: In device pixels of the view.
    """

    x: float
    y: float
    view_x: float
    view_y: float

    @property
    def pixel(self) -> tuple[int, int]:
        """Column and row of the image pixel under the cursor."""
        return floor(self.x), floor(self.y)


@dataclass(frozen=True, eq=False)
class ToolContext:
    """One image and the ways to show, change and look at it.

    Attributes:
        document: To be read only.
        instances_near: Those that are shown and whose box holds the pixel (x, y).
        width: Of the image, in pixels.
        height: Of the image, in pixels.
        preview: Where a gesture is shown before it becomes an edit.
        view_state: Selection, category, brush radius.
        push: Makes an edit.
        new_instance_id: A number that no instance has.
        suggestions: Those that are visible now.
        accept: Accepts the suggestion with this key.
        pan: Moves the image by device pixels.
        reach: Image pixels that a hand may miss a point by.
        message: Tells the person why something does not happen.
    """

    document: ImageDocument
    instances_near: Callable[[int, int], Sequence[Instance]]
    width: int
    height: int
    preview: Preview
    view_state: ViewState
    push: Callable[[Edit], object]
    new_instance_id: Callable[[], int]
    suggestions: Callable[[], Sequence[Suggestion]]
    accept: Callable[[str], object]
    pan: Callable[[float, float], None]
    reach: Callable[[], float]
    message: Callable[[str], object]

    @property
    def selected(self) -> Instance | None:
        """The selected instance, when it is one of this document."""
        selected = self.view_state.selected_instance
        return None if selected is None else self.document.instances.get(selected)

    def category_for_new(self) -> int | None:
        """The active category; without one, the person is told."""
        category = self.view_state.active_category
        if category is None:
            self.message("Choose a category first: new instances get the active category.")
        return category

    def add_instance(self, category_id: int, mask: Mask) -> None:
        """Push a new instance that a person drew, and select it."""
        provenance = Provenance(Source.HUMAN)
        instance = Instance(self.new_instance_id(), category_id, mask, provenance)
        self.push(AddInstance(instance))
        if instance.id in self.document.instances:  # a failed commit leaves it out
            self.view_state.selected_instance = instance.id


class Tool:
    """Turns mouse events into at most one edit per gesture; this one does nothing.

    Attributes:
        cursor: Shape of the mouse cursor.
        shows_brush: Whether a circle of the brush's radius follows the cursor.
    """

    cursor = Qt.CursorShape.ArrowCursor
    shows_brush = False

    def __init__(self, context: ToolContext) -> None:
        self.context = context

    @property
    def active(self) -> bool:
        """Whether a gesture is in progress."""
        return False

    def press(self, at: Pointer) -> None:
        """The left button goes down."""

    def drag(self, at: Pointer) -> None:
        """The mouse moves with the left button down."""

    def release(self, at: Pointer) -> None:
        """The left button goes up."""

    def hover(self, at: Pointer) -> None:
        """The mouse moves with no button down."""

    def double_click(self, at: Pointer) -> None:
        """The left button goes down for the second time, in place of `press`."""
        self.press(at)

    def leave(self) -> None:
        """The mouse leaves the view."""

    def document_changed(self) -> None:
        """An edit was made or undone beside the tool: what it began with may be stale."""
        self.cancel()

    def accept(self) -> bool:
        """Finish the gesture; False when there is nothing to finish."""
        return False

    def step_back(self) -> bool:
        """Take back the last step of the gesture; False when there is none."""
        return False

    def cancel(self) -> bool:
        """Drop the gesture without an edit; False when there is none."""
        return False
