"""The real window, driven by a benchmark, and the delays of its event loop."""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is imported

from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from mrcnn_gui import app
from mrcnn_gui.app import close_services, make_services
from mrcnn_gui.services.gc_timer import GarbageTimer
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

_TICK_MS = 5
_POLL_MS = 2
_STROKE_MS = 20
_RADIUS = 120  # of the circle that the stroke goes round, in pixels of the view


@contextmanager
def open_window(project: Path, *, warm_up: bool = True) -> Iterator[tuple[MainWindow, Services]]:
    """The window on a project, as the program opens it; closed at the end.

    Args:
        project: Its folder.
        warm_up: Whether torch is imported in the background, as the program does it.
    """
    with empty_window(project / "settings.ini") as (window, services):
        window.project.open(project)
        if warm_up:
            app.warm_up(services)
        yield window, services


@contextmanager
def empty_window(settings: Path) -> Iterator[tuple[MainWindow, Services]]:
    """The window, painted, without a project; closed at the end."""
    _application()
    collector = GarbageTimer()
    services = make_services(Settings(settings))
    window = MainWindow(services)
    window.show()
    QApplication.processEvents()
    try:
        yield window, services
    finally:
        close_services(services)
        collector.stop()


def run_until(done: Callable[[], bool]) -> None:
    """Run the event loop until a condition holds; between events it sleeps, as the program's."""
    _application().processEvents()
    loop, timer = QEventLoop(), QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: loop.quit() if done() else None)
    timer.start(_POLL_MS)
    if not done():
        loop.exec()


class Delays:
    """How late a timer of 5 ms fires: what a person feels as a stutter.

    Attributes:
        milliseconds: One figure for each time it fired.
    """

    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._note)
        self._last = 0.0

    def __enter__(self) -> Self:
        self._last = time.perf_counter()
        self._timer.start(_TICK_MS)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()

    def _note(self) -> None:
        now = time.perf_counter()
        self.milliseconds.append(max(0.0, (now - self._last) * 1000 - _TICK_MS))
        self._last = now


class Stroke:
    """A pressed brush that goes round in a circle on the canvas, and is let go at the end."""

    def __init__(self, canvas: QWidget) -> None:
        self._canvas = canvas
        self._timer = QTimer()
        self._timer.timeout.connect(self._move)
        self._steps = 0

    def __enter__(self) -> Self:
        QTest.keyClick(self._canvas, Qt.Key.Key_B)
        QTest.mousePress(self._canvas, Qt.MouseButton.LeftButton, pos=self._place())
        self._timer.start(_STROKE_MS)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        QTest.mouseRelease(self._canvas, Qt.MouseButton.LeftButton, pos=self._place())

    def _move(self) -> None:
        self._steps += 1
        QTest.mouseMove(self._canvas, self._place())

    def _place(self) -> QPoint:
        angle = self._steps / 20
        around = QPoint(round(_RADIUS * math.cos(angle)), round(_RADIUS * math.sin(angle)))
        return self._canvas.rect().center() + around


def _application() -> QApplication:
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    return application
