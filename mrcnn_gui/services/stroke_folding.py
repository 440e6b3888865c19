"""Writes large masks whole when nobody waits for it: strokes on them were written alone."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication

from mrcnn_gui.project.store import ProjectError, Store
from mrcnn_gui.project.stroke_table import Folded
from mrcnn_gui.services.jobs import Job, JobRunner, Lane

log = logging.getLogger(__name__)

IDLE_MS = 3000

P = ParamSpec("P")
T = TypeVar("T")


class StrokeFolding(QObject):
    """Folds the strokes of an image when its last edit is a while ago, and when it is left.

    The masks are put together in the background, and written if nothing else was meanwhile.
    A failure is noted and no more: the strokes stay, and nothing that can be read is missing.
    """

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        self._store: Store | None = None
        self._due: set[int] = set()  # images
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(IDLE_MS)
        self._timer.timeout.connect(self._fold_if_idle)

    def follow(self, store: Store, image_id: int) -> None:
        """An edit of an image was made: its strokes are folded some seconds after the last one."""
        self._store = store
        self._due.add(image_id)
        self._timer.start()

    def begin(self) -> None:
        """Fold in the background: the image is left, or nobody draws."""
        store = self._store
        if store is None or self._job is not None:
            return
        self._due = {each for each in self._due if _try(store.strokes.any, each) is not False}
        for image_id in sorted(self._due)[:1]:
            self._job = self._jobs.start(
                Lane.IO,
                _folded,
                *(store.folder, image_id),
                on_done=partial(self._put, store, image_id, store.strokes.moment),
                on_failed=self._give_up,
            )

    def fold(self) -> None:
        """Fold now, and wait for it: the project is left."""
        store, due = self._store, self._due
        self.forget()
        for image_id in due:
            if store is not None:
                _try(store.fold_strokes, image_id)

    def forget(self) -> None:
        """Leave the strokes as they are: nothing may be written."""
        self._timer.stop()
        if self._job is not None:
            self._job.cancel()
        self._job, self._store, self._due = None, None, set()

    def _put(self, store: Store, image_id: int, moment: int, folded: Folded) -> None:
        self._job = None
        written = _try(store.strokes.put, folded, moment)
        if written is False:
            self._timer.start()  # something else was written: once more, later
            return
        self._due.discard(image_id)
        if self._due and written and not self._timer.isActive():
            self.begin()

    def _give_up(self, reason: str) -> None:
        self._job = None
        log.warning("Strokes stay apart: %s", reason)

    @Slot()
    def _fold_if_idle(self) -> None:
        if QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton:
            self.begin()
        else:
            self._timer.start()  # somebody is drawing


def _folded(folder: Path, image_id: int, *, job: Job) -> Folded:
    """The rows of the whole masks of an image; a job."""
    if job.should_stop():
        return {}
    with Store.open(folder, read_only=True) as store:
        return store.strokes.folded(image_id)


def _try(write: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Write; None, and a note in the log, when that failed."""
    try:
        return write(*args, **kwargs)
    except ProjectError:
        log.warning("Strokes stay apart", exc_info=True)
        return None
