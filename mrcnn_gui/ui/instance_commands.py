"""What the commands about instances do: which are seen, which are locked, which lie on top."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from PySide6.QtCore import QObject

from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import Edit, SetLocked, SetOrder
from mrcnn_gui.project.reshaping import as_one
from mrcnn_gui.project.stacking import one_down, one_up, to_back, to_front
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.pan_zoom import PanZoomWidget

Restack: TypeAlias = Callable[[dict[int, Instance], int], list[SetOrder]]


class InstanceCommands(QObject):
    """Turns a command into one edit, or into a change of the view's state."""

    def __init__(self, session: Session, view_state: ViewState, canvas: PanZoomWidget) -> None:
        super().__init__(canvas)
        self._session = session
        self._view_state = view_state
        self._canvas = canvas

    def toggle_all_hidden(self) -> None:
        """Show all instances when any is hidden, else hide all."""
        hidden = self._view_state.hidden_instances
        self._view_state.hidden_instances = frozenset() if hidden else frozenset(self._instances)

    def toggle_hidden(self) -> None:
        """Hide the selected instances, or show them when all of them are hidden."""
        hidden, chosen = self._view_state.hidden_instances, {*self._view_state.selected_instances}
        self._view_state.hidden_instances = hidden - chosen if chosen <= hidden else hidden | chosen

    def toggle_solo(self) -> None:
        """Hide all but the selected instances, or show all when only these are seen."""
        others = self._instances.keys() - {*self._view_state.selected_instances}
        alone = self._view_state.hidden_instances == others
        self._view_state.hidden_instances = frozenset() if alone else frozenset(others)

    def show_all(self) -> None:
        """Hide nothing any more."""
        self._view_state.hidden_instances = frozenset()

    def toggle_locked(self) -> None:
        """Lock the selected instances, or unlock them when all of them are locked."""
        chosen = self._selection()
        lock = not all(instance.locked for instance in chosen)
        self._lock([it for it in chosen if it.locked != lock], lock)

    def unlock_all(self) -> None:
        """Unlock every instance of the open image."""
        self._lock([it for it in self._instances.values() if it.locked], False)

    def toggle_one_locked(self, instance_id: int) -> None:
        """Lock an instance, or unlock it."""
        instance = self._instances[instance_id]
        self._lock([instance], not instance.locked)

    def bring_to_front(self) -> None:
        """Draw the selected instances over all others."""
        chosen = [it.id for it in self._selection()]
        self._push(to_front(self._instances, chosen), SetOrder.title)

    def send_to_back(self) -> None:
        """Draw the selected instances under all others."""
        chosen = [it.id for it in self._selection()]
        self._push(to_back(self._instances, chosen), SetOrder.title)

    def raise_one(self) -> None:
        """Draw the selected instance over the next one that it touches."""
        self._move_one(one_up)

    def lower_one(self) -> None:
        """Draw the selected instance under the next one that it touches."""
        self._move_one(one_down)

    def _move_one(self, restack: Restack) -> None:
        chosen = self._selection()
        if chosen:
            self._push(restack(self._instances, chosen[-1].id), SetOrder.title)

    def _lock(self, instances: Sequence[Instance], lock: bool) -> None:
        title = ("Lock" if lock else "Unlock") + " instances"
        edits = [SetLocked(it.id, lock) for it in instances]
        self._push(edits, title if len(edits) > 1 else edits[0].title if edits else "")

    def _selection(self) -> list[Instance]:
        instances = self._instances
        return [instances[key] for key in self._view_state.selected_instances if key in instances]

    @property
    def _instances(self) -> dict[int, Instance]:
        document = self._session.document
        return {} if document is None else document.instances

    def _push(self, edits: Sequence[Edit], title: str) -> None:
        edit = as_one(edits, title)
        if edit is not None:
            self._session.push(edit)
