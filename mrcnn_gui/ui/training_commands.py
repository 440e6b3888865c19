"""What the commands about fine-tuning and model versions do."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from mrcnn_gui.services.version_work import VersionWork
from mrcnn_gui.ui.canvas.boxes import Box
from mrcnn_gui.ui.canvas.pan_zoom import PanZoomWidget
from mrcnn_gui.ui.errors import ask
from mrcnn_gui.ui.services import Services


class TrainingCommands(QObject):
    """Opens the dialogs (imported when first needed), and asks before something is lost."""

    plan_toggled = Signal()

    def __init__(self, window: QWidget, services: Services, canvas: PanZoomWidget) -> None:
        super().__init__(window)
        self._window, self._services, self._canvas = window, services, canvas
        self._wanted: tuple[int, Box] | None = None  # a box of an image that is being read
        services.images.image_ready.connect(self._look_again)

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
        work = VersionWork(it.session, it.jobs, it.segmenter.compute, self)
        dialog = VersionsDialog(it.session, it.trainer, work, it.settings, self._window)
        dialog.finished.connect(work.deleteLater)
        dialog.show()

    def show_evaluation(self) -> None:
        """Show where a version is right and wrong on done images."""
        from mrcnn_gui.ui.dialogs.evaluation import EvaluationDialog

        it = self._services
        work = VersionWork(it.session, it.jobs, it.segmenter.compute, self)
        dialog = EvaluationDialog(it.session, it.view_state, it.trainer, work, self._window)
        dialog.chosen.connect(self._look_at)
        dialog.finished.connect(work.deleteLater)
        dialog.show()

    def _look_at(
        self, image_id: int, instance_id: int, box_xyxy: tuple[float, float, float, float]
    ) -> None:
        """Open an image, select an instance of it (0: none), and bring a box into view."""
        session = self._services.session
        is_open = session.entry is not None and session.entry.id == image_id
        if not session.open_image(image_id):
            return
        document = session.document
        is_there = document is not None and instance_id in document.instances
        self._services.view_state.selected_instance = instance_id if is_there else None
        left, top, right, bottom = map(round, box_xyxy)
        box = (left, top, max(right, left + 1), max(bottom, top + 1))
        self._wanted = None if is_open else (image_id, box)
        self._canvas.look_at(box)

    def _look_again(self, image_id: int, _: object) -> None:
        """An image that has just been read is shown whole: look at what was wanted of it."""
        if self._wanted is not None and self._wanted[0] == image_id:
            self._canvas.look_at(self._wanted[1])
        self._wanted = None

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
