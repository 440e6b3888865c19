"""What the commands about suggestions and training do."""

from PySide6.QtWidgets import QWidget

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.services.weights import Weights
from mrcnn_gui.ui.errors import ask


class ModelCommands:
    """Finds which images or which suggestion a command means."""

    def __init__(
        self,
        window: QWidget,
        session: Session,
        view_state: ViewState,
        segmenter: Segmenter,
        trainer: Trainer,
        weights: Weights,
    ) -> None:
        self._window = window
        self._session = session
        self._view_state = view_state
        self._segmenter = segmenter
        self._trainer = trainer
        self._weights = weights

    def presegment_image(self) -> None:
        """Ask the model about the open image."""
        if self._session.entry is not None:
            self._segmenter.run([self._session.entry.id])

    def presegment_todo(self) -> None:
        """Ask the model about every readable image to do."""
        wanted = [
            entry.id
            for entry in self._session.images
            if entry.status is ReviewStatus.TODO and not entry.problem
        ]
        self._segmenter.run(wanted)

    def accept(self) -> None:
        """Accept the suggestion under the cursor, or else the selected one."""
        self._decide(accept=True)

    def reject(self) -> None:
        """Reject the suggestion under the cursor, or else the selected one."""
        self._decide(accept=False)

    def select_next(self) -> None:
        """Select the suggestion after the selected one, best score first."""
        keys = [suggestion.key for suggestion in self._segmenter.visible_suggestions()]
        if keys:
            selected = self._view_state.selected_suggestion
            row = keys.index(selected) + 1 if selected in keys else 0
            self._view_state.selected_suggestion = keys[row % len(keys)]

    def ask_weights(self) -> None:
        """Let the person get published weights."""
        from mrcnn_gui.ui.dialogs.get_weights import GetWeightsDialog

        GetWeightsDialog(self._weights, self._window).show()

    def ask_cancel_training(self) -> None:
        """Cancel the training after asking: what it learned so far is lost."""
        question = "What this run has learned so far is lost. “Stop (keep best)” keeps it."
        if ask(self._window, "Cancel the training?", question, ["Cancel the training"]) == 0:
            self._trainer.cancel()

    def _decide(self, *, accept: bool) -> None:
        keys = [suggestion.key for suggestion in self._segmenter.visible_suggestions()]
        wanted = self._view_state.hovered_suggestion or self._view_state.selected_suggestion
        if wanted not in keys:
            return
        was_selected = wanted == self._view_state.selected_suggestion
        row = keys.index(wanted)
        (self._segmenter.accept if accept else self._segmenter.reject)(wanted)
        if was_selected:
            self._select_near(row)

    def _select_near(self, row: int) -> None:
        """Go on to the suggestion that took the row of the decided one."""
        left = self._segmenter.visible_suggestions()
        self._view_state.selected_suggestion = left[min(row, len(left) - 1)].key if left else None
