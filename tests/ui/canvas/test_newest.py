from collections.abc import Iterator
from threading import Event

import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.ui.canvas.tools.newest import Newest


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    assert runner.shutdown()


def test_of_those_that_wait_only_the_last_is_answered(jobs: JobRunner, qtbot: QtBot) -> None:
    answers: list[int] = []
    newest = Newest(jobs, answers.append, pytest.fail)
    may_end = Event()

    def slow(number: int) -> int:
        assert may_end.wait(10)
        return number

    for number in range(5):
        newest.ask(slow, number)
    assert newest.is_busy
    may_end.set()
    qtbot.waitUntil(lambda: not newest.is_busy)
    assert answers == [0, 4]


def test_a_cancelled_question_has_no_answer(jobs: JobRunner, qtbot: QtBot) -> None:
    answers: list[int] = []
    newest = Newest(jobs, answers.append, pytest.fail)
    may_end = Event()
    newest.ask(lambda: may_end.wait(10) and 1)
    newest.ask(lambda: 2)
    newest.cancel()
    assert not newest.is_busy
    may_end.set()
    newest.ask(lambda: 3)
    qtbot.waitUntil(lambda: bool(answers))
    assert answers == [3]


def test_an_error_ends_the_row(jobs: JobRunner, qtbot: QtBot) -> None:
    failures: list[bool] = []
    newest: Newest[int] = Newest(jobs, print, lambda: failures.append(newest.is_busy))

    def wrong() -> int:
        raise ProjectError("as foreseen")

    newest.ask(wrong)
    qtbot.waitUntil(lambda: bool(failures))
    assert failures == [False]
