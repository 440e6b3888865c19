"""How the program ends, or a project is left, while a training or an import may run."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtWidgets import QWidget

from mrcnn_gui.services.session import Session
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.write_access import tell_lost
from mrcnn_gui.ui.errors import ask, warn

_ANSWERS = [
    "Go on at the next start",
    "Stop, keep the best, and quit",
    "Cancel the training and quit",
]
_QUESTION = (
    "The model is being fine-tuned. Your annotations are saved already. The window closes at"
    " once; the program ends as soon as the step at hand is complete."
)
_LEAVE_QUESTION = (
    "The model is being fine-tuned on this project. It is paused, and can go on when the project"
    " is opened again. Your annotations are saved already."
)
_WORK_QUESTION = (
    "It is cancelled if you go on, and nothing of it is kept, unless it is just being completed."
)


class Closing(QObject):
    """Decides whether the window or the project may close, and ends a training before that."""

    def __init__(self, window: QWidget, session: Session, trainer: Trainer) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._trainer = trainer

    def may_close(self) -> bool:
        """True when nothing runs; else the person is asked, and the program may end later."""
        if not self._may_end_work("Cancel it and quit"):
            return False
        if not self._trainer.is_running:
            return True
        answer = ask(self._window, "Quit while training?", _QUESTION, _ANSWERS)
        ends = (self._trainer.pause, self._trainer.stop, self._trainer.cancel)
        return answer >= 0 and self._leave(ends[answer])

    def may_leave_project(self) -> bool:
        """True when nothing runs, or the person has it paused."""
        if not self._may_end_work("Cancel it and close the project"):
            return False
        if not self._trainer.is_running:
            return True
        title, answers = "A fine-tune is running", ["Pause the training and close the project"]
        return ask(self._window, title, _LEAVE_QUESTION, answers) == 0

    def close_project(self) -> None:
        """Close the project because the window closes; what was lost is told before it has gone."""
        tell_lost(partial(warn, self._window), self._session.close_project())

    def _may_end_work(self, answer: str) -> bool:
        """Whether work that has the project to itself may be cancelled, if there is any."""
        work = self._session.exclusive.title
        return not work or ask(self._window, f"{work} is going on", _WORK_QUESTION, [answer]) == 0

    def _leave(self, end: Callable[[], None]) -> bool:
        if not self._trainer.is_running:  # it came to its end while the question stood
            return True
        self._window.hide()
        self._trainer.finished.connect(self._quit)
        self._trainer.failed.connect(self._quit)
        end()
        return False

    def _quit(self, _: object) -> None:
        QCoreApplication.exit(0)  # unconditional: the hidden window is not asked again
