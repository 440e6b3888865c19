"""Work that has the project to itself: imports, relinking, and whatever else writes in bulk."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.project.store import ProjectError, Store
from mrcnn_gui.services.failures import Telling
from mrcnn_gui.services.jobs import Job, JobRunner, Lane

T = TypeVar("T")


class Course:
    """What the work is told while it runs, and how it tells how far it is."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self._stopped = False

    def stop(self) -> None:
        """Ask the work to end; it still tells how it ended."""
        self._stopped = True

    def should_stop(self) -> bool:
        """Whether it was asked to end."""
        return self._stopped or (self.job is not None and self.job.should_stop())

    def report(self, done: int, total: int) -> None:
        """Tell how much is done."""
        if self.job is not None:
            self.job.report((done, total))


class Owner(Protocol):
    """Who holds the project: nothing else changes it meanwhile."""

    @property
    def store(self) -> Store:
        """The store whose lock the work shares."""

    def expect_writing(self) -> None:
        """Raise a ProjectError when nothing can be changed now."""

    def leave_alone(self) -> None:
        """Write nothing any more until `read_anew`."""

    def read_anew(self) -> None:
        """The project may be another than in memory."""

    def report_failure(self, title: str, text: str) -> None:
        """Tell the person what went wrong."""


class Exclusive(QObject):
    """One such work at a time, in the background, with a writing store of its own.

    Meanwhile nothing else changes the project; afterwards its owner reads all anew.
    """

    changed = Signal()  # title
    progressed = Signal(object)  # (done, total)

    def __init__(self, owner: Owner, jobs: JobRunner) -> None:
        super().__init__()
        self._owner, self._jobs = owner, jobs
        self._course: Course | None = None
        self._job: Job | None = None
        self._waiting: list[Callable[[], object]] = []
        self.title = ""

    def run(
        self,
        title: str,
        work: Callable[..., T],
        *args: object,
        on_done: Callable[[T], object] | None = None,
        on_failed: Callable[[str], object] | None = None,
    ) -> None:
        """Call `work(store, *args, course)` in the background; both callbacks on the GUI thread.

        What fails is told under the title unless `on_failed` is given.
        """
        course = Course()
        fail = on_failed or partial(self._owner.report_failure, title)

        def end(result: T | None, error: str) -> None:
            if self._course is not course:
                return
            self._course = self._job = None
            self._set_title("")
            self._owner.read_anew()
            if error:
                fail(error)
            elif on_done is not None:
                on_done(result)  # type: ignore[arg-type]  # no error: it is there
            waiting, self._waiting = self._waiting, []
            for call in waiting:
                self.when_free(call)

        with Telling(lambda _, text: fail(text), title):
            self._owner.expect_writing()
            self._owner.leave_alone()
            self._course = course
            self._set_title(title)
            self._job = self._jobs.start(
                Lane.BULK,
                _work_alone,
                self._owner.store,
                work,
                args,
                course,
                on_progress=self.progressed.emit,
                on_done=lambda result: end(result, ""),
                on_failed=lambda error: end(None, error),
            )

    def when_free(self, call: Callable[[], object]) -> None:
        """Call now, or when the work has ended; not at all when the project is closed before."""
        if self._course is None:
            call()
        else:
            self._waiting.append(call)

    def cancel(self) -> None:
        """Ask the work to end; the project is then as it was before."""
        if self._course is not None:
            self._course.stop()

    def forget(self) -> None:
        """Ask it to end, and hear no more of it: the project is being closed.

        What waits in the queue never starts.
        """
        self.cancel()
        if self._job is not None:
            self._job.cancel()
        self._course = self._job = None
        self._waiting.clear()
        self._set_title("")

    def _set_title(self, title: str) -> None:
        if title != self.title:
            self.title = title
            self.changed.emit()


def _work_alone(
    store: Store, work: Callable[..., Any], args: tuple[Any, ...], course: Course, *, job: Job
) -> Any:
    if course.should_stop():
        raise ProjectError("it was cancelled before it began")
    course.job = job
    with store.companion() as own:
        return work(own, *args, course)
