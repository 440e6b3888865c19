"""Work of a gesture that takes longer than a frame: done off the GUI thread, the newest only."""

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from mrcnn_gui.services.jobs import Job, JobRunner, Lane

Answer = TypeVar("Answer")

_PRIORITY = 20  # before all tiles: somebody waits for it with the button down


class Newest(Generic[Answer]):
    """Calls functions one after the other; of those that wait meanwhile only the last is called.

    So the answers follow a gesture as fast as they come, however fast it asks.

    Args:
        jobs: Where the functions are called.
        take: Gets each answer, on the GUI thread.
        fail: Called when a function raised an error, which the log has.
    """

    def __init__(
        self, jobs: JobRunner, take: Callable[[Answer], object], fail: Callable[[], object]
    ) -> None:
        self._jobs, self._take, self._fail = jobs, take, fail
        self._job: Job | None = None
        self._waiting: Callable[[], Answer] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an answer is to come."""
        return self._job is not None

    def ask(self, function: Callable[..., Answer], *args: object) -> None:
        """Have a function called with these values, which never change."""
        question = partial(function, *args)
        if self._job is not None:
            self._waiting = question
            return
        self._job = self._jobs.start(
            Lane.DRAW,
            _answer,
            question,
            priority=_PRIORITY,
            on_done=self._done,
            on_failed=lambda _: self._failed(),
        )

    def cancel(self) -> None:
        """Take no answer any more."""
        if self._job is not None:
            self._job.cancel()
        self._job = self._waiting = None

    def _done(self, answer: Answer) -> None:
        self._job = None
        question, self._waiting = self._waiting, None
        if question is not None:
            self.ask(question)
        self._take(answer)

    def _failed(self) -> None:
        self.cancel()
        self._fail()


def _answer(question: Callable[[], Any], *, job: Job) -> Any:
    return None if job.should_stop() else question()
