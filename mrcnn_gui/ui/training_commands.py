"""What the commands about fine-tuning and model versions do."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from mrcnn_gui.services.version_work import VersionWork
from mrcnn_gui.ui.errors import ask
from mrcnn_gui.ui.services import Services


class TrainingCommands(QObject):
    """Opens the dialogs (imported when first needed), and asks before something is lost."""

    plan_toggled = Signal()

    def __init__(self, window: QWidget, services: Services) -> None:
        super().__init__(window)
        self._window, self._services = window, services

    @property
    def shows_plan(self) -> bool:
        """Whether a fine-tune shows its plan before it begins."""
        return self._services.settings.shows_plan

    def fine_tune(self) -> None:
        """Show what a fine-tune will do, or begin it at once."""
        it = self._services
        if not self.shows_plan:
            it.trainer.start()
            return
        from mrcnn_gui.ui.dialogs.training_plan import TrainingPlanDialog

        dialog = TrainingPlanDialog(it.trainer, it.planner, it.settings, self._window)
        dialog.finished.connect(self.plan_toggled)
        dialog.open()

    def toggle_plan(self) -> None:
        """Show the plan before each fine-tune, or no more."""
        self._services.settings.shows_plan = not self.shows_plan
        self.plan_toggled.emit()

    def show_versions(self) -> None:
        """Show the versions of the model, with all that can be done with them."""
        from mrcnn_gui.ui.dialogs.versions import VersionsDialog

        it = self._services
        work = VersionWork(it.session, it.jobs, self)
        dialog = VersionsDialog(it.session, it.trainer, work, it.settings, self._window)
        dialog.finished.connect(work.deleteLater)
        dialog.show()

    def ask_cancel(self) -> None:
        """Cancel the training after asking: what it learned so far is lost."""
        question = "What this run has learned so far is lost. “Stop (keep best)” keeps it."
        if ask(self._window, "Cancel the training?", question, ["Cancel the training"]) == 0:
            self._services.trainer.cancel()

    def ask_discard(self) -> None:
        """Forget the unfinished run after asking."""
        question = "What the unfinished run has learned is lost. “Keep best” keeps it."
        if ask(self._window, "Discard the run?", question, ["Discard the run"]) == 0:
            self._services.trainer.discard_unfinished()
