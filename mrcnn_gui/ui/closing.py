"""How the program ends: at once, or after the training step at hand."""

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtWidgets import QWidget

from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.ui.errors import ask

_STOP = 0  # row in _ANSWERS
_ANSWERS = ["Stop, keep the best, and quit", "Cancel the training and quit"]
_QUESTION = (
    "The model is being fine-tuned. Your annotations are saved already. The window closes at"
    " once; the program ends as soon as the step at hand is complete."
)


class Closing(QObject):
    """Decides whether the window may close, and ends a training before the program ends."""

    def __init__(self, window: QWidget, trainer: Trainer) -> None:
        super().__init__(window)
        self._window = window
        self._trainer = trainer

    def may_close(self) -> bool:
        """True when nothing runs; else the person is asked, and the program ends later."""
        if not self._trainer.is_running:
            return True
        answer = ask(self._window, "Quit while training?", _QUESTION, _ANSWERS)
        return answer >= 0 and self._leave(keep_best=answer == _STOP)

    def _leave(self, *, keep_best: bool) -> bool:
        if not self._trainer.is_running:  # it came to its end while the question stood
            return True
        self._window.hide()
        self._trainer.finished.connect(self._quit)
        self._trainer.failed.connect(self._quit)
        if keep_best:
            self._trainer.stop()
        else:
            self._trainer.cancel()
        return False

    def _quit(self, _: object) -> None:
        QCoreApplication.exit(0)  # unconditional: the hidden window is not asked again
