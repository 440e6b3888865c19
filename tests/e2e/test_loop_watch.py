"""The watch over the event loop, which the other tests here report with."""

import threading

from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from tests.helpers.loop_watch import LATE_MS, LoopWatch


def hold() -> None:
    """Hold the GUI thread without running its loop."""
    threading.Event().wait(2 * LATE_MS / 1000 + 0.05)


def held(watch: LoopWatch) -> list[str]:
    """The culprits that are ours: on a busy machine others hold the loop, too."""
    culprits = (stall.culprit for stall in watch.stalls)
    return [it for it in culprits if "threading.py" in it or "hold" in it]


def test_a_held_loop_is_noticed_with_its_culprit(qtbot: QtBot) -> None:
    timer = QTimer()
    timer.timeout.connect(hold)
    with LoopWatch() as watch:
        timer.start(20)
        qtbot.waitUntil(lambda: bool(held(watch)))
    timer.stop()
    assert all(stall.ms > LATE_MS for stall in watch.stalls)
    assert watch.worst.culprit in watch.report()


def test_a_loop_that_runs_has_no_culprit() -> None:
    watch = LoopWatch()
    assert watch.worst.ms == 0.0
    assert watch.report() == ""
