"""Writes large masks whole when nobody waits for it: strokes on them were written alone."""

import logging

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication

from mrcnn_gui.project.store import ProjectError, Store

log = logging.getLogger(__name__)

IDLE_MS = 3000


class StrokeFolding(QObject):
    """Folds the strokes of the open image when its last edit is a while ago, and when it is left.

    A failure is noted and no more: the strokes stay, and nothing that can be read is missing.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._due: tuple[Store, int] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(IDLE_MS)
        self._timer.timeout.connect(self._fold_if_idle)

    def follow(self, store: Store, image_id: int) -> None:
        """An edit of an image was made: its strokes are folded some seconds after the last one."""
        self._due = store, image_id
        self._timer.start()

    def fold(self) -> None:
        """Fold now: the image or the project is left."""
        self._timer.stop()
        due, self._due = self._due, None
        if due is None:
            return
        store, image_id = due
        try:
            store.fold_strokes(image_id)
        except ProjectError:
            log.warning("The strokes of image %d stay apart", image_id, exc_info=True)

    @Slot()
    def _fold_if_idle(self) -> None:
        if QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton:
            self.fold()
        else:
            self._timer.start()  # somebody is drawing
