"""Copy instances, and put them back on the same image or on another one."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.project.reshaping import Overlap, as_one, losses, make_room_for_all, without_earlier
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.tools.moving import NO_ROOM
from mrcnn_gui.ui.copy_places import copy_shift

_UNREAD = "This image is still being read. Try again in a moment."
_OUTSIDE = "What was copied lies outside of this smaller image."


class ClipboardCommands(QObject):
    """Keeps what was copied until the project is closed.

    Signals:
        message: Why a command changes nothing, for the person.
        hint: What a command has done, for a glance.
    """

    message = Signal(str)
    hint = Signal(str)

    def __init__(self, session: Session, view_state: ViewState, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._view_state = view_state
        self._copied: tuple[Instance, ...] = ()
        session.project_closed.connect(self._forget)

    def copy(self) -> None:
        """Remember the selected instances."""
        selection = self._selection()
        if selection:
            self._copied = tuple(selection)
            count = len(selection)
            self.hint.emit(f"Copied {count} instance{'s' if count > 1 else ''}.")

    def paste(self) -> None:
        """Add what was copied, at the same place, or beside it where that is there already."""
        if not self._copied:
            self.message.emit(
                "Nothing was copied yet in this project: select instances and copy them."
            )
        self._add(self._copied, "Paste")

    def duplicate(self) -> None:
        """Add a copy of each selected instance beside it."""
        self._add(self._selection(), "Duplicate")

    def _add(self, instances: Sequence[Instance], verb: str) -> None:
        document = self._session.document
        if document is None or not instances:
            return
        if not document.width:  # what lies on it cannot be known before its size
            self.message.emit(_UNREAD)
            return
        overlap = self._view_state.overlap
        shift = copy_shift(document, instances, overlap)
        placed = [it.mask.shift(*shift).clip(document.width, document.height) for it in instances]
        if overlap is not Overlap.ALLOWED:
            placed = without_earlier(placed)
        rooms, losing = make_room_for_all(placed, document.instances.values(), overlap)
        copies = [
            self._copy(instance, room)
            for instance, room in zip(instances, rooms, strict=True)
            if not room.is_empty
        ]
        if not copies:
            outside = all(mask.is_empty for mask in placed)
            self.message.emit(_OUTSIDE if outside else NO_ROOM)
            return
        title = f"{verb} instance{'s' if len(copies) > 1 else ''}"
        edits = [*map(AddInstance, copies), *losses(document.instances, losing)]
        edit = as_one(edits, title)
        if edit is not None and self._session.push(edit) is not None:
            self._view_state.selected_instances = tuple(it.id for it in copies)

    def _copy(self, instance: Instance, mask: Mask) -> Instance:
        return replace(
            instance,
            id=self._session.new_instance_id(),
            mask=mask,
            provenance=Provenance(Source.HUMAN),
            original="",
            locked=False,
            seconds=0.0,
        )

    def _selection(self) -> list[Instance]:
        document = self._session.document
        instances = {} if document is None else document.instances
        return [instances[key] for key in self._view_state.selected_instances if key in instances]

    def _forget(self) -> None:
        self._copied = ()
