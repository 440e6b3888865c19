import threading
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.services.jobs import Job, JobRunner, Lane, describe


def hold(started: threading.Event, go_on: threading.Event, *, job: Job) -> bool:
    started.set()
    assert go_on.wait(10)
    return job.should_stop()


@pytest.fixture
def blocked(jobs: JobRunner) -> Callable[[Lane], threading.Event]:
    """Occupies the only worker of a lane; setting the event lets it go."""

    def block(lane: Lane) -> threading.Event:
        started, go_on = threading.Event(), threading.Event()
        jobs.start(lane, hold, started, go_on)
        assert started.wait(10)
        return go_on

    return block


def test_result_and_progress_arrive_in_order_on_the_gui_thread(
    jobs: JobRunner, qtbot: QtBot
) -> None:
    came: list[tuple[object, bool]] = []
    gui = threading.current_thread()

    def note(value: object) -> None:
        came.append((value, threading.current_thread() is gui))

    def count(upto: int, *, job: Job) -> str:
        for number in range(upto):
            job.report(number)
        return threading.current_thread().name

    jobs.start(Lane.MODEL, count, 3, on_progress=note, on_done=note)
    qtbot.waitUntil(lambda: len(came) == 4)
    assert came == [(0, True), (1, True), (2, True), ("model-1", True)]


def test_failure_is_told_and_logged(
    jobs: JobRunner, qtbot: QtBot, expected_logs: list[str]
) -> None:
    expected_logs.append("A background job failed: fail")
    told: list[str] = []

    def fail(*, job: Job) -> None:
        raise ValueError("the cup is empty")

    jobs.start(Lane.IO, fail, on_done=pytest.fail, on_failed=told.append)
    qtbot.waitUntil(lambda: told == ["the cup is empty"])


def test_lanes_do_not_wait_for_each_other(
    jobs: JobRunner, qtbot: QtBot, blocked: Callable[[Lane], threading.Event]
) -> None:
    gates = [blocked(Lane.TRAIN), blocked(Lane.MODEL)]
    done: list[object] = []
    jobs.start(Lane.IO, lambda *, job: "read", on_done=done.append)
    qtbot.waitUntil(lambda: done == ["read"])
    for gate in gates:
        gate.set()


def test_higher_priority_first_then_the_oldest(
    jobs: JobRunner, qtbot: QtBot, blocked: Callable[[Lane], threading.Event]
) -> None:
    gate = blocked(Lane.MODEL)
    order: list[str] = []

    def note(name: str, *, job: Job) -> None:
        order.append(name)

    for name, priority in (("batch 1", 0), ("batch 2", 0), ("prompt", 20), ("current", 10)):
        jobs.start(Lane.MODEL, note, name, priority=priority)
    gate.set()
    qtbot.waitUntil(lambda: len(order) == 4)
    assert order == ["prompt", "current", "batch 1", "batch 2"]


def test_io_lane_has_two_workers(jobs: JobRunner, qtbot: QtBot) -> None:
    both = threading.Barrier(2, timeout=10)
    done: list[object] = []
    for _ in range(2):
        jobs.start(Lane.IO, lambda *, job: both.wait() >= 0, on_done=done.append)
    qtbot.waitUntil(lambda: done == [True, True])


def test_job_cancelled_in_the_queue_never_runs(
    jobs: JobRunner, qtbot: QtBot, blocked: Callable[[Lane], threading.Event]
) -> None:
    gate = blocked(Lane.MODEL)
    ran: list[str] = []
    done: list[object] = []

    def note(name: str, *, job: Job) -> None:
        ran.append(name)

    first = jobs.start(Lane.MODEL, note, "first", on_done=pytest.fail)
    jobs.start(Lane.MODEL, note, "second", on_done=done.append)
    first.cancel()
    gate.set()
    qtbot.waitUntil(lambda: len(done) == 1)
    assert ran == ["second"]


def test_no_callback_after_cancel_even_when_the_result_is_on_its_way(
    jobs: JobRunner, qtbot: QtBot
) -> None:
    ended = threading.Event()

    def quick(*, job: Job) -> str:
        job.report("half")
        ended.set()
        return "whole"

    job = jobs.start(Lane.MODEL, quick, on_progress=pytest.fail, on_done=pytest.fail)
    assert ended.wait(10)  # the event loop has not run: everything waits in its queue
    job.cancel()
    done: list[object] = []
    jobs.start(Lane.MODEL, lambda *, job: 1, on_done=done.append)
    qtbot.waitUntil(lambda: done == [1])


def test_running_job_sees_its_cancellation(jobs: JobRunner) -> None:
    seen = threading.Event()
    started = threading.Event()

    def poll(*, job: Job) -> None:
        started.set()
        while not job.should_stop():
            pass
        seen.set()

    job = jobs.start(Lane.TRAIN, poll)
    assert started.wait(10)
    assert not job.cancelled
    job.cancel()
    assert seen.wait(10)


def test_shutdown_waits_for_the_running_job_and_drops_the_rest(qtbot: QtBot) -> None:
    jobs = JobRunner()
    started, ran = threading.Event(), threading.Event()
    steps: list[str] = []

    def step(*, job: Job) -> None:
        started.set()
        while not job.should_stop():
            pass
        steps.append("finished")

    jobs.start(Lane.TRAIN, step, on_done=pytest.fail)
    jobs.start(Lane.TRAIN, lambda *, job: ran.set(), on_done=pytest.fail)
    assert started.wait(10)
    assert jobs.shutdown(10_000)
    assert steps == ["finished"]
    assert not ran.is_set()
    assert jobs.start(Lane.IO, lambda *, job: ran.set()).cancelled
    assert not ran.is_set()


def test_shutdown_says_when_a_job_does_not_end_in_time(qtbot: QtBot) -> None:
    jobs = JobRunner()
    started, go_on = threading.Event(), threading.Event()
    jobs.start(Lane.MODEL, hold, started, go_on)
    assert started.wait(10)
    assert not jobs.shutdown(1)
    go_on.set()
    assert jobs.shutdown(10_000)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("expected a folder"), "expected a folder"),
        (PermissionError(13, "Permission denied", "/photos"), "Permission denied: /photos"),
        (MemoryError(), "There is not enough memory."),
        (KeyError("width"), "Unexpected error (KeyError): 'width'"),
        (RuntimeError(), "Unexpected error (RuntimeError)"),
    ],
)
def test_describe_is_written_for_people(error: Exception, text: str) -> None:
    assert describe(error) == text
