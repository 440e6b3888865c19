"""What the commands on the masks of the selected instances do."""

from collections.abc import Callable, Sequence
from functools import reduce

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QInputDialog, QWidget

from core.masks import Mask
from core.masks.morphology import grow, shrink, smooth
from core.masks.parts import fill_holes, largest_part, split_parts
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import Edit, RemoveInstance
from mrcnn_gui.project.reshaping import apart, as_one, reshape_all, reshaped
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState

_SMOOTHING = 2  # radius, in pixels
_FARTHEST = 200  # that a mask is grown or shrunk by, in pixels


class MaskCommands(QObject):
    """Turns a command into one step of the history. The first selected instance comes first.

    Signals:
        message: Why a command changes nothing, for the person.
    """

    message = Signal(str)

    def __init__(self, session: Session, view_state: ViewState, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._view_state = view_state
        self._window = window

    # Several with each other

    def merge(self) -> None:
        """Unite all into the first, which stays what it is; the others go."""
        if selection := self._several():
            first, *others = selection
            union = reduce(Mask.union, [it.mask for it in selection])
            edits = [*map(RemoveInstance, others), *reshaped(first, union)]
            self._push(edits, "Merge instances")
            self._view_state.selected_instance = first.id

    def subtract_others(self) -> None:
        """Take from the first what the others have."""
        if selection := self._several():
            rest = reduce(Mask.subtract, [it.mask for it in selection])
            self._reshape({selection[0].id: rest}, "Subtract instances", "They do not overlap.")

    def subtract_first(self) -> None:
        """Take from the others what the first has."""
        if selection := self._several():
            first, *others = selection
            rests = {it.id: it.mask.subtract(first.mask) for it in others}
            self._reshape(rests, "Subtract instances", "They do not overlap.")

    def intersect(self) -> None:
        """Leave the first only what all have."""
        if selection := self._several():
            shared = reduce(Mask.intersect, [it.mask for it in selection])
            if shared.is_empty:
                self.message.emit("The selected instances have no pixel in common.")
            else:
                wanted = {selection[0].id: shared}
                self._reshape(wanted, "Intersect instances", "The first lies in all others.")

    # Each by itself

    def fill_holes(self) -> None:
        """Fill what each mask encloses."""
        self._each(fill_holes, "Fill holes", "There are no holes to fill.")

    def keep_largest(self) -> None:
        """Leave each its largest connected part."""
        self._each(largest_part, "Keep largest part", "There is only one part.")

    def grow(self, radius: int) -> None:
        """Make each larger (positive) or smaller (negative) by so many pixels."""
        document = self._document
        if document is None:
            return
        size = document.width, document.height
        if radius > 0:
            self._each(lambda mask: grow(mask, radius, *size), "Grow mask", "Nothing can grow.")
        else:
            shrunk = {it.id: shrink(it.mask, -radius, *size) for it in self._open_selection()}
            if any(mask.is_empty for mask in shrunk.values()):
                self.message.emit(f"Nothing would be left of a mask that shrinks by {-radius} px.")
            else:
                self._reshape(shrunk, "Shrink mask", "Nothing can shrink.")

    def ask_grow(self) -> None:
        """Ask by how many pixels, and do it."""
        radius, given = QInputDialog.getInt(
            self._window,
            "Grow or shrink",
            "Pixels to grow by (less than zero shrinks):",
            5,
            -_FARTHEST,
            _FARTHEST,
        )
        if given and radius:
            self.grow(radius)

    def smooth(self) -> None:
        """Round each mask's edge off."""
        document = self._document
        if document is not None:
            size = document.width, document.height
            self._each(
                lambda mask: smooth(mask, _SMOOTHING, *size) if mask.area > 1 else mask,
                "Smooth mask",
                "The masks are smooth already.",
            )

    def split(self) -> None:
        """Make each connected part an instance of its own; the largest stays what it was."""
        edits: list[Edit] = []
        pieces: list[int] = []
        for instance in self._open_selection():
            parts = split_parts(instance.mask) or [instance.mask]
            made, ids = apart(instance, parts, self._session.new_instance_id)
            edits += made
            pieces += ids
        if edits:
            self._push(edits, "Split into parts")
            self._view_state.selected_instances = tuple(pieces)
        elif pieces:
            self.message.emit("Each selected instance is one part.")

    @property
    def _document(self) -> ImageDocument | None:
        return self._session.document

    def _several(self) -> list[Instance]:
        selection = self._open_selection()
        if len(selection) < 2:
            self.message.emit("Select two or more unlocked instances (Shift+click).")
            return []
        return selection

    def _open_selection(self) -> list[Instance]:
        """The selected instances that are not locked, in the order of their selection."""
        instances = {} if self._document is None else self._document.instances
        chosen = [instances.get(key) for key in self._view_state.selected_instances]
        found = [it for it in chosen if it is not None and not it.locked]
        if chosen and not found:
            self.message.emit("What is selected is locked: unlock it to change it.")
        return found

    def _each(self, change: Callable[[Mask], Mask], title: str, nothing: str) -> None:
        selection = self._open_selection()
        if selection:
            changed = {it.id: change(it.mask) for it in selection}
            lost = {key for key, mask in changed.items() if mask.is_empty}
            self._reshape({k: m for k, m in changed.items() if k not in lost}, title, nothing)

    def _reshape(self, wanted: dict[int, Mask], title: str, nothing: str) -> None:
        if self._document is None or not wanted:
            return
        edits = reshape_all(self._document.instances, wanted, self._view_state.overlap)
        if edits:
            self._push(edits, title)
        else:
            self.message.emit(nothing)

    def _push(self, edits: Sequence[Edit], title: str) -> None:
        edit = as_one(edits, title)
        if edit is not None:
            self._session.push(edit)
