"""What the commands for going through instances and suggestions do, by keyboard alone."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.pan_zoom import PanZoomWidget
from mrcnn_gui.ui.edit_commands import EditCommands

_Key = TypeVar("_Key", int, str)


class ReviewCommands:
    """Selects one after the other, brings it into view, and decides about it."""

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        segmenter: Segmenter,
        edit: EditCommands,
        canvas: PanZoomWidget,
    ) -> None:
        self._session = session
        self._view_state = view_state
        self._segmenter = segmenter
        self._edit = edit
        self._canvas = canvas

    def step_instance(self, step: int) -> None:
        """Select the next (1) or previous (-1) instance that is seen, and zoom to it."""
        document, state = self._session.document, self._view_state
        if document is None:
            return
        keys = [key for key in document.instances if key not in state.unseen_instances]
        if keys:
            state.selected_instance = _after(keys, state.selected_instance, step)
            self._canvas.look_at(document.instances[state.selected_instance].mask.box_xyxy)

    def step_suggestion(self, step: int) -> None:
        """Select the next (1) or previous (-1) suggestion, best score first.

        The cursor's place does not count any more until it moves.
        """
        keys = [suggestion.key for suggestion in self._segmenter.visible_suggestions()]
        if keys:
            self._view_state.hovered_suggestion = None
            self._select(_after(keys, self._view_state.selected_suggestion, step))

    def accept(self) -> None:
        """Accept the suggestion under the cursor, or else the selected one."""
        self._decide(self._segmenter.accept)

    def reject(self) -> None:
        """Reject the suggestion under the cursor, or else the selected one."""
        self._decide(self._segmenter.reject)

    def use_category(self, key: int) -> None:
        """Make the category with that number key active.

        Selected instances get it, too, and a selected suggestion is accepted as one.
        """
        self._edit.use_category(key)
        category = self._edit.category_of_key(key)
        if category is not None and self._view_state.selected_suggestion is not None:
            self._view_state.hovered_suggestion = None
            self._decide(lambda wanted: self._segmenter.accept_as(wanted, category.id))

    def _decide(self, decide: Callable[[str], object]) -> None:
        keys = [suggestion.key for suggestion in self._segmenter.visible_suggestions()]
        wanted = self._view_state.hovered_suggestion or self._view_state.selected_suggestion
        if wanted not in keys:
            return
        was_selected = wanted == self._view_state.selected_suggestion
        row = keys.index(wanted)
        decide(wanted)
        left = [suggestion.key for suggestion in self._segmenter.visible_suggestions()]
        if was_selected and wanted not in left:
            self._select(left[row % len(left)] if left else None)

    def _select(self, key: str | None) -> None:
        """Select a suggestion; bring it into view where it is not seen well."""
        self._view_state.selected_suggestion = key
        viewport = self._canvas.viewport
        for suggestion in self._segmenter.visible_suggestions():
            box = suggestion.mask.box_xyxy
            if suggestion.key == key and viewport is not None and not viewport.shows_well(box):
                self._canvas.look_at(box)


def _after(keys: Sequence[_Key], key: _Key | None, step: int) -> _Key:
    """The key so many places further, around the end; without one the first, or the last."""
    if key not in keys:
        return keys[0 if step > 0 else -1]
    return keys[(keys.index(key) + step) % len(keys)]
