"""Copy instances, and put them back on the same image or on another one."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.project.reshaping import as_one
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.tools.moving import bounded_shift

_OFFSET_SHARE = 50  # a copy lies this part of the image's shorter side beside its original


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
        shift = _free_shift(document, instances)
        masks = [_placed(it.mask, shift, document) for it in instances]
        copies = [
            self._copy(instance, mask)
            for instance, mask in zip(instances, masks, strict=True)
            if not mask.is_empty
        ]
        if not copies:
            self.message.emit("What was copied lies outside of this smaller image.")
            return
        title = f"{verb} instance{'s' if len(copies) > 1 else ''}"
        edit = as_one([AddInstance(it) for it in copies], title)
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


def _placed(mask: Mask, shift: tuple[int, int], document: ImageDocument) -> Mask:
    return mask.shift(*shift).clip(document.width, document.height)


def _free_shift(document: ImageDocument, instances: Sequence[Instance]) -> tuple[int, int]:
    """How far copies go so that they do not hide what is there: not at all, or some steps."""
    step = max(min(document.width, document.height) // _OFFSET_SHARE, 4)
    there = {it.mask for it in document.instances.values() if _same_size(it, instances[0])}
    for sign in (1, -1):
        for count in range(len(there) + 1):
            far = sign * count * step
            shift = bounded_shift(instances, far, far, document.width, document.height)
            if instances[0].mask.shift(*shift) not in there:
                return shift
    return 0, 0


def _same_size(a: Instance, b: Instance) -> bool:
    return a.mask.crop.shape == b.mask.crop.shape and a.mask.area == b.mask.area
