"""A canvas on a real project, and a mouse that moves over it in image coordinates."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mrcnn_gui.services.look import Guides
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
NO_KEYS = Qt.KeyboardModifier.NoModifier
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@dataclass
class Mouse:
    """Sends real events; `at` of each method is an image point, `keys` is held meanwhile."""

    canvas: CanvasView
    keys: Qt.KeyboardModifier = NO_KEYS

    def move(self, *at: float) -> None:
        self._send(QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton)

    def press(self, *at: float, button: Qt.MouseButton = LEFT) -> None:
        self._send(QEvent.Type.MouseButtonPress, at, button, button)

    def drag_to(self, *at: float, button: Qt.MouseButton = LEFT) -> None:
        self._send(QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, button)

    def release(self, *at: float, button: Qt.MouseButton = LEFT) -> None:
        self._send(QEvent.Type.MouseButtonRelease, at, button, Qt.MouseButton.NoButton)

    def click(self, *at: float) -> None:
        self.press(*at)
        self.release(*at)

    def double_click(self, *at: float) -> None:
        self.click(*at)
        self._send(QEvent.Type.MouseButtonDblClick, at, LEFT, LEFT)
        self.release(*at)

    def drag(self, *points: tuple[float, float]) -> None:
        self.press(*points[0])
        for point in points[1:]:
            self.drag_to(*point)
        self.release(*points[-1])

    def wheel(
        self, *at: float, notches: float = 0, pixels: int = 0, keys: Qt.KeyboardModifier = NO_KEYS
    ) -> None:
        position = self.canvas.to_view(*at)
        event = QWheelEvent(
            position,
            self.canvas.mapToGlobal(position),
            QPoint(0, pixels),
            QPoint(0, round(120 * notches)),
            Qt.MouseButton.NoButton,
            keys,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)

    def _send(
        self,
        kind: QEvent.Type,
        at: tuple[float, ...],
        button: Qt.MouseButton,
        buttons: Qt.MouseButton,
    ) -> None:
        position = self.canvas.to_view(*at)
        where = self.canvas.mapToGlobal(position)
        event = QMouseEvent(kind, position, where, button, buttons, self.keys)
        QApplication.sendEvent(self.canvas, event)


@pytest.fixture
def canvas(services: Services, photos: Path, qtbot: QtBot) -> CanvasView:
    """A canvas of 640 x 480 on the first of four photos of 160 x 120, at 300 %."""
    it = services
    view = CanvasView(it.session, it.view_state, it.images, it.segmenter, it.jobs)
    qtbot.addWidget(view)
    view.resize(640, 480)
    view.show()
    with qtbot.waitSignals([services.session.project_opened, services.images.image_ready]):
        services.session.open_path(photos)
    services.view_state.active_category = services.session.categories[0].id
    services.view_state.guides = Guides(pixel_grid=False)  # pictures are compared
    view.zoom_at(3.0, QPointF(320, 240))
    return view


@contextmanager
def held(mouse: Mouse, keys: Qt.KeyboardModifier) -> Iterator[None]:
    """Hold keys of the keyboard for a while."""
    mouse.keys = keys
    yield
    mouse.keys = NO_KEYS


@pytest.fixture
def mouse(canvas: CanvasView) -> Mouse:
    return Mouse(canvas)


@pytest.fixture
def suggest(services: Services, canvas: CanvasView, qtbot: QtBot) -> Callable[[], None]:
    """Pre-segments the open image: squares of 20 at (10, 10), (60, 30) and, weak, (100, 80)."""

    def run() -> None:
        document = services.session.document
        assert document is not None
        services.segmenter.run([document.image_id])
        qtbot.waitUntil(lambda: len(canvas.suggestions) == 2)

    return run


def sharpen(canvas: CanvasView) -> None:
    """Run the event loop until the picture is complete."""
    QApplication.processEvents()
    while not canvas.is_sharp:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
    QApplication.processEvents()


def grabbed(canvas: CanvasView) -> NDArray[np.uint8]:
    """What the canvas shows when it is sharp: uint8 [height, width, 3] RGB."""
    if canvas.shows_image:
        sharpen(canvas)
    image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    size = image.height(), image.bytesPerLine() // 4, 4
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(size)
    return pixels[:, : image.width(), 2::-1].copy()


def pixel_at(canvas: CanvasView, x: float, y: float) -> tuple[int, ...]:
    """The colour that is shown at an image point."""
    point = canvas.to_view(x, y) * canvas.devicePixelRatioF()
    return tuple(int(value) for value in grabbed(canvas)[int(point.y()), int(point.x())])
