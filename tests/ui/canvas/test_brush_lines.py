"""Straight lines with Shift, and the pressure of a pen."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QPointingDevice, QTabletEvent
from PySide6.QtWidgets import QApplication

from core.masks import Mask
from mrcnn_gui.ui.canvas.tools.stroke import capsule
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import NO_KEYS, SHIFT, Mouse, grabbed, held


@pytest.fixture
def brush(canvas: CanvasView, services: Services) -> CanvasView:
    canvas.set_tool("brush")
    services.view_state.brush_radius = 5.0
    return canvas


def line(start: tuple[float, float], stop: tuple[float, float], radius: float = 5.0) -> Mask:
    box, bitmap = capsule(start, stop, radius)
    return Mask.from_bitmap(bitmap, box[0], box[1])


def only_mask(services: Services) -> Mask:
    assert services.session.document is not None
    (instance,) = services.session.document.instances.values()
    return instance.mask


def test_shift_paints_a_straight_line_from_press_to_release(
    brush: CanvasView, mouse: Mouse, services: Services
) -> None:
    with held(mouse, SHIFT):
        mouse.press(40, 40)
        for point in ((60, 100), (120, 30), (90, 70)):
            mouse.drag_to(*point)
            shown = grabbed(brush)
            brush._recompose()
            np.testing.assert_array_equal(shown, grabbed(brush))
        mouse.release(90, 70)
    assert only_mask(services) == line((40, 40), (90, 70))


def test_shift_and_click_goes_on_where_the_last_stroke_ended(
    brush: CanvasView, mouse: Mouse, services: Services
) -> None:
    mouse.click(40, 40)
    bare = grabbed(brush)
    with held(mouse, SHIFT):
        mouse.move(100, 60)
        assert (grabbed(brush)[200:] != bare[200:]).any()
        mouse.click(100, 60)
        mouse.click(100, 90)
    expected = line((40, 40), (40, 40)).union(line((40, 40), (100, 60)))
    assert only_mask(services) == expected.union(line((100, 60), (100, 90)))
    services.session.undo()
    assert only_mask(services) == expected


def test_the_line_that_shift_shows_goes_with_the_cursor(
    brush: CanvasView, mouse: Mouse, services: Services
) -> None:
    mouse.click(40, 40)
    with held(mouse, SHIFT):
        mouse.move(100, 60)
    assert brush.preview.drawings
    mouse.move(100, 61)
    assert not brush.preview.drawings


def test_the_eraser_draws_straight_lines_too(
    brush: CanvasView, mouse: Mouse, services: Services, add_instance: Callable[..., int]
) -> None:
    services.view_state.selected_instance = add_instance(20, 20, 80)
    before = only_mask(services)
    brush.set_tool("eraser")
    with held(mouse, SHIFT):
        mouse.drag((30, 30), (30, 80), (80, 80))
    assert only_mask(services) == before.subtract(line((30, 30), (80, 80)))


def pen(canvas: CanvasView, kind: QEvent.Type, x: float, y: float, pressure: float) -> bool:
    position = canvas.to_view(x, y)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    moves = kind is QEvent.Type.TabletMove
    event = QTabletEvent(
        kind,
        QPointingDevice.primaryPointingDevice(),
        position,
        QPointF(canvas.mapToGlobal(position)),
        *(pressure, 0, 0, 0.0, 0.0, 0.0),
        NO_KEYS,
        none if moves else left,
        none if kind is QEvent.Type.TabletRelease else left,
    )
    QApplication.sendEvent(canvas, event)
    return event.isAccepted()


def test_a_pen_draws_thinner_where_it_presses_less(brush: CanvasView, services: Services) -> None:
    assert pen(brush, QEvent.Type.TabletPress, 40, 40, 1.0)
    assert pen(brush, QEvent.Type.TabletMove, 80, 40, 0.4)
    assert pen(brush, QEvent.Type.TabletMove, 120, 40, 0.0)
    assert pen(brush, QEvent.Type.TabletRelease, 120, 40, 0.0)
    strokes = (
        line((40, 40), (40, 40)),
        line((40, 40), (80, 40), 2.0),
        line((80, 40), (120, 40), 0.5),
    )
    assert only_mask(services) == strokes[0].union(strokes[1]).union(strokes[2])


def test_other_tools_leave_the_pen_to_qt_which_makes_a_mouse_of_it(canvas: CanvasView) -> None:
    assert not pen(canvas, QEvent.Type.TabletPress, 40, 40, 1.0)
