"""What the commands about pre-segmentation and weights do."""

from PySide6.QtWidgets import QWidget

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.services.weights import Weights


class ModelCommands:
    """Finds which images a command means."""

    def __init__(
        self,
        window: QWidget,
        session: Session,
        segmenter: Segmenter,
        weights: Weights,
        settings: Settings,
    ) -> None:
        self._window = window
        self._session = session
        self._segmenter = segmenter
        self._weights = weights
        self._settings = settings

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

    def toggle_tiles(self) -> None:
        """Have large images looked at in tiles, or as a whole; it is remembered."""
        self._settings.tiles = not self._segmenter.tiles
        self._segmenter.use_tiles(self._settings.tiles)

    def ask_weights(self) -> None:
        """Let the person get published weights."""
        from mrcnn_gui.ui.dialogs.get_weights import GetWeightsDialog

        GetWeightsDialog(self._weights, self._window).show()

    def ask_compute(self) -> None:
        """Let the person choose device and precision."""
        from mrcnn_gui.ui.dialogs.compute import ComputeDialog

        ComputeDialog(self._segmenter, self._settings, self._window).show()
