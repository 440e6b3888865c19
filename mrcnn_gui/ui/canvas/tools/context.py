"""What a tool is, and all that it gets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import floor

from PySide6.QtCore import Qt

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source, Suggestion
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import AddInstance, Edit, PaintMask
from mrcnn_gui.project.reshaping import as_one, firm_among, losses, make_room
from mrcnn_gui.services.drafts import Draft
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.prompts import Prompts
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.preview import Preview
from mrcnn_gui.ui.canvas.visible_pixels import VisiblePixels

DRAWN = Provenance(Source.HUMAN)
DROPPED = "What was being drawn is dropped: its instance was changed meanwhile."


@dataclass(frozen=True)
class Pointer:
    """Where the mouse is.

    Attributes:
        x: In image coordinates; may lie outside the image.
        y: In image coordinates.
        view_x: In device pixels of the view.
        view_y: In device pixels of the view.
        shift: Whether the Shift key is down.
        control: Whether the Ctrl key is down.
        pressure: Of a pen, 0..1; 1 for a mouse.
    """

    x: float
    y: float
    view_x: float
    view_y: float
    shift: bool = False
    control: bool = False
    pressure: float = 1.0

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
        new_region_id: A number that no region has.
        suggestions: Those that are visible now.
        accept: Accepts the suggestion with this key.
        pan: Moves the image by device pixels.
        reach: Image pixels that a hand may miss a point by.
        prompts: What the model is asked about the image.
        pixels: What the view shows of the image; None when nothing of it is in the view.
        jobs: Runs what takes longer than a frame.
        message: Tells the person why something does not happen.
        hint: Tells the person in passing what has happened.
    """

    document: ImageDocument
    instances_near: Callable[[int, int], Sequence[Instance]]
    width: int
    height: int
    preview: Preview
    view_state: ViewState
    push: Callable[[Edit], object]
    new_instance_id: Callable[[], int]
    new_region_id: Callable[[], int]
    suggestions: Callable[[], Sequence[Suggestion]]
    accept: Callable[[str], object]
    pan: Callable[[float, float], None]
    reach: Callable[[], float]
    prompts: Prompts
    pixels: Callable[[], VisiblePixels | None]
    jobs: JobRunner
    message: Callable[[str], object]
    hint: Callable[[str], object]

    @property
    def selected(self) -> Instance | None:
        """The primary selected instance, when it is one of this document."""
        selected = self.view_state.selected_instance
        return None if selected is None else self.document.instances.get(selected)

    @property
    def selection(self) -> list[Instance]:
        """All selected instances, the primary one last."""
        instances = self.document.instances
        return [instances[key] for key in self.view_state.selected_instances if key in instances]

    def within_reach(self) -> Iterator[Instance]:
        """The instances that the mouse can touch: neither unseen nor locked."""
        unseen = self.view_state.unseen_instances
        for instance in self.document.instances.values():
            if instance.id not in unseen and not instance.locked:
                yield instance

    def touchable(self, x: int, y: int) -> list[Instance]:
        """The same near a pixel; the cost does not follow their number."""
        return [it for it in self.instances_near(x, y) if not it.locked]

    def clamped(self, at: Pointer) -> tuple[float, float]:
        """The nearest point of the image, borders included."""
        return min(max(at.x, 0.0), float(self.width)), min(max(at.y, 0.0), float(self.height))

    def category_for_new(self) -> int | None:
        """The active category; without one, the person is told."""
        category = self.view_state.active_category
        if category is None:
            self.message("Choose a category first: new instances get the active category.")
        return category

    def may_change(self, instance: Instance) -> bool:
        """Whether an instance is not locked; if it is, the person is told."""
        if instance.locked:
            self.message("This instance is locked: unlock it to change it.")
        return not instance.locked

    def add_instance(self, category_id: int, mask: Mask, provenance: Provenance = DRAWN) -> None:
        """Push a new instance and select it; a person drew it where nothing else is said."""
        mask, others = self.make_room(mask)
        if mask.is_empty:
            self.message("Other instances are there already: nothing is left to add.")
            return
        instance = Instance(self.new_instance_id(), category_id, mask, provenance)
        self._push_all([AddInstance(instance), *others], AddInstance.title)
        if instance.id in self.document.instances:  # a failed commit leaves it out
            self.view_state.selected_instance = instance.id

    def paint(self, instance: Instance, xor: Mask, title: str = PaintMask.title) -> None:
        """Push the pixels of an instance that change sides; it keeps at least one pixel."""
        xor, others = self.limited(instance, xor)
        if not xor.is_empty:
            self._push_all([PaintMask(instance.id, xor), *others], title)

    def limited(self, instance: Instance, xor: Mask) -> tuple[Mask, list[Edit]]:
        """The pixels that change sides as the overlap mode leaves them, and what others lose."""
        added = xor.subtract(instance.mask)
        room, others = self.make_room(added, instance)
        return (xor if room is added else xor.subtract(added.subtract(room))), others

    def make_room(self, paint: Mask, owner: Instance | None = None) -> tuple[Mask, list[Edit]]:
        """New pixels as the overlap mode leaves them, and what takes them from other instances."""
        paint, losing = make_room(paint, self._others(owner), self.view_state.overlap)
        return paint, losses(self.document.instances, losing)

    def firm(self, owner: Instance | None = None) -> list[Instance]:
        """The other instances whose pixels new paint leaves alone."""
        return firm_among(self._others(owner), self.view_state.overlap)

    def _others(self, owner: Instance | None) -> list[Instance]:
        instances = self.document.instances.values()
        return [it for it in instances if owner is None or it.id != owner.id]

    def _push_all(self, edits: Sequence[Edit], title: str) -> None:
        edit = as_one(edits, title)
        if edit is not None:
            self.push(edit)


class Tool:
    """Turns mouse events into at most one edit per gesture; this one does nothing.

    Attributes:
        cursor: Shape of the mouse cursor.
        shows_brush: Whether a circle of the brush's radius follows the cursor.
        kept: What is said when what is begun waits to be gone on with; "" where it never does.
    """

    cursor = Qt.CursorShape.ArrowCursor
    shows_brush = False
    kept = ""

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

    def finish(self) -> None:
        """Push at once what was let go, where that is still worked on: the work turns elsewhere."""

    def document_changed(self) -> None:
        """An edit was made or undone beside the tool: what it began with may be stale."""
        self.cancel()

    def wheel(self, notches: float) -> bool:
        """The wheel turns over the view; False leaves it to the zoom."""
        return False

    def delete(self) -> bool:
        """Delete what the tool has selected; False when that is nothing of its own."""
        return False

    def selection_changed(self) -> None:
        """Other instances are selected now."""

    def accept(self) -> bool:
        """Finish the gesture; False when there is nothing to finish."""
        return False

    def step_back(self) -> bool:
        """Take back the last step of the gesture; False when there is none."""
        return False

    @property
    def comes_before_edits(self) -> bool:
        """Whether an undo is meant for the gesture in progress, not for the last edit."""
        return self.active

    def take_back(self) -> bool:
        """Undo in the gesture; False when there is nothing to take back."""
        return self.cancel()

    def cancel(self) -> bool:
        """Drop the gesture without an edit; False when there is none."""
        return False

    def draft(self) -> Draft | None:
        """What is begun and takes more than one press."""
        return None

    def resume(self, draft: Draft) -> None:
        """Go on with what was begun."""
