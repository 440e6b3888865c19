"""A hand on the canvas of the real window: real events, and how long each holds the GUI thread.

An event's time ends when everything that it made stale is painted. Between two events of a burst,
8 ms apart, the loop runs on; what holds it longer there counts for the event before.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from benchmarks.window import open_window, run_until
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from tests.helpers.reference_picture import on_screen, reference

_PACE_SECONDS = 0.008  # between two events of a mouse
_MIDDLE, _LEFT = Qt.MouseButton.MiddleButton, Qt.MouseButton.LeftButton

Times = list[float]  # ms


class Hand:
    """Moves the mouse over the canvas of a window.

    Attributes:
        canvas: Where.
        services: Behind it.
        window: Around it.
    """

    def __init__(self, window: MainWindow, services: Services, size: tuple[int, int]) -> None:
        self.window, self.services = window, services
        self.canvas: CanvasView = window.canvas
        self.at = QPoint(0, 0)
        window.resize(*size)
        QApplication.processEvents()
        window.resize(*(2 * side - have for side, have in zip(size, self._size(), strict=True)))
        QApplication.processEvents()
        if self._size() != size:
            raise SystemExit(f"the canvas is {self._size()}, expected {size}")

    def wait(self) -> None:
        """Until the picture is sharp."""
        run_until(lambda: self.canvas.is_sharp)

    def check(self, what: str) -> None:
        """Compare what the window shows, pixel for pixel, with the slow reference.

        Raises:
            SystemExit: They differ.
        """
        run_until(lambda: self.canvas.is_sharp and not self.services.images.is_building)
        session, canvas = self.services.session, self.canvas
        document, pyramid = session.document, self.services.images.pyramid(canvas.image_id)
        assert document is not None
        assert pyramid is not None
        assert canvas.viewport is not None
        expected = reference(
            pyramid,
            document,
            self.services.view_state,
            canvas.viewport,
            {category.id: category.color for category in session.categories},
            hovered=canvas.preview.hovered_instance,
        )
        wrong = (on_screen(canvas) != expected).any(axis=2)
        if wrong.any():
            raise SystemExit(f"{what}: {np.count_nonzero(wrong)} pixels differ from the reference")

    def time(self, act: Callable[[], object]) -> float:
        """What one event costs, in ms; then the loop runs on until the next."""
        start = time.perf_counter()
        act()
        QApplication.processEvents()
        worst, now = time.perf_counter() - start, time.perf_counter()
        while now - start < _PACE_SECONDS:
            QApplication.processEvents()
            after = time.perf_counter()
            worst, now = max(worst, after - now), after
            time.sleep(0.0005)
            now = time.perf_counter()
        return worst * 1000

    def time_to_disk(self, act: Callable[[], object]) -> float:
        """What an event takes until it is painted and the disk has what it changed, in ms."""
        saving, saved_at = self.services.session.saving, [0.0]

        def note() -> None:
            saved_at.append(time.perf_counter())

        saving.changed.connect(note)
        start = time.perf_counter()
        painted = self.time(act)
        if not saving.is_saved:
            run_until(lambda: saving.is_saved)
        saving.changed.disconnect(note)
        return max(painted, (saved_at[-1] - start) * 1000)

    def pan(self, steps: int, stride: int = 15) -> Times:
        """Drag with the middle button, to and fro along a bent way."""
        canvas, at = self.canvas, self.canvas.rect().center()
        QTest.mousePress(canvas, _MIDDLE, pos=at)
        times = []
        for step in range(steps):
            angle, turned = step / 37, 1 if step // 25 % 2 else -1
            way = QPointF(math.cos(angle), math.sin(angle)) * (turned * stride)
            at = at + way.toPoint()
            times.append(self.time(partial(QTest.mouseMove, canvas, at)))
        QTest.mouseRelease(canvas, _MIDDLE, pos=at)
        return times

    def wheel(self, notches: float, at: QPointF | None = None) -> None:
        """Turn the wheel over a place, the middle of the view if none is given."""
        at = at or QPointF(self.canvas.rect().center())
        event = QWheelEvent(
            at,
            self.canvas.mapToGlobal(at),
            QPoint(0, 0),
            QPoint(0, round(120 * notches)),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)

    def zoom(self, steps: int, turn: int = 12) -> Times:
        """Turn the wheel in and out again over wandering places."""
        middle, times = QPointF(self.canvas.rect().center()), []
        for step in range(steps):
            notches = 1 if step // turn % 2 == 0 else -1
            at = middle + QPointF(300 * math.cos(step / turn), 200 * math.sin(step / turn))
            times.append(self.time(partial(self.wheel, notches, at)))
        return times

    def hover(self, steps: int) -> Times:
        """Move over the view in a wide curve."""
        return [
            self.time(partial(QTest.mouseMove, self.canvas, self._curve(step)))
            for step in range(steps)
        ]

    def select(self, steps: int) -> Times:
        """Click here and there."""
        return [self.time(partial(self._click, self._curve(5 * step))) for step in range(steps)]

    def stroke(self, moves: int) -> Times:
        """A stroke of the tool at hand from the middle to the right."""
        at = self.canvas.rect().center()
        QTest.mousePress(self.canvas, _LEFT, pos=at)
        places = [at + QPoint(8 * move, 2 * move) for move in range(moves)]
        times = [self.time(partial(QTest.mouseMove, self.canvas, place)) for place in places]
        QTest.mouseRelease(self.canvas, _LEFT, pos=places[-1])
        return times

    def sharpen(self, times: int, notches: int = 1) -> Times:
        """How long after a turn of the wheel, in and out by turns, the picture is sharp."""
        waited = []
        for number in range(times):
            for _ in range(3):
                self.wheel(notches if number % 2 == 0 else -notches)
                QApplication.processEvents()
            start = time.perf_counter()
            self.wait()
            QApplication.processEvents()
            waited.append((time.perf_counter() - start) * 1000)
        return waited

    def _click(self, at: QPoint) -> None:
        QTest.mousePress(self.canvas, _LEFT, pos=at)
        QTest.mouseRelease(self.canvas, _LEFT, pos=at)

    def _curve(self, step: int) -> QPoint:
        rect = self.canvas.rect()
        x = rect.width() * (0.5 + 0.45 * math.sin(step / 23))
        y = rect.height() * (0.5 + 0.45 * math.sin(step / 17 + 1))
        return QPoint(round(x), round(y))

    def _size(self) -> tuple[int, int]:
        return self.canvas.width(), self.canvas.height()


@contextmanager
def hand_on(project: Path, size: tuple[int, int] = (1600, 1000)) -> Iterator[Hand]:
    """A hand on the canvas of a window on a project, the first image shown and sharp."""
    with open_window(project, warm_up=False) as (window, services):
        hand = Hand(window, services, size)
        run_until(lambda: hand.canvas.is_sharp and not services.images.is_building)
        yield hand
