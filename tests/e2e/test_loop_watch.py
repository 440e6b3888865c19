"""The watch over the event loop, which the other tests here report with."""

import threading

from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from tests.helpers.loop_watch import LATE_MS, LoopWatch


def hold(until: threading.Event) -> None:
    """Hold the GUI thread without running its loop."""
    assert until.wait(5)


def test_a_held_loop_is_noticed_with_its_culprit(qtbot: QtBot) -> None:
    released = threading.Event()
    with LoopWatch() as watch:
        QTimer.singleShot(0, lambda: hold(released))
        threading.Timer(0.1, released.set).start()
        qtbot.waitUntil(lambda: bool(watch.stalls))
    assert watch.worst.ms > LATE_MS
    assert "threading.py" in watch.worst.culprit or "hold" in watch.worst.culprit
    assert watch.worst.culprit in watch.report()


def test_a_loop_that_runs_has_no_culprit() -> None:
    watch = LoopWatch()
    assert watch.worst.ms == 0.0
    assert watch.report() == ""
