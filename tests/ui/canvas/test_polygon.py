import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.masks import Mask, rasterise_polygon
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import Mouse, grabbed

CORNERS = ((30.0, 20.0), (100.0, 30.0), (90.0, 90.0), (25.0, 70.0))


@pytest.fixture
def polygon(canvas: CanvasView) -> CanvasView:
    canvas.set_tool("polygon")
    return canvas


def masks(services: Services) -> list[Mask]:
    assert services.session.document is not None
    return [instance.mask for instance in services.session.document.instances.values()]


@pytest.mark.parametrize("close", ["enter", "double click", "first vertex", "method"])
def test_it_becomes_an_instance_when_closed(
    polygon: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot, close: str
) -> None:
    for corner in CORNERS[:-1]:
        mouse.click(*corner)
        mouse.move(corner[0] + 2, corner[1])
    if close == "double click":
        mouse.double_click(*CORNERS[-1])
    else:
        mouse.click(*CORNERS[-1])
    if close == "enter":
        QTest.keyClick(polygon, Qt.Key.Key_Return)
    elif close == "first vertex":
        mouse.click(CORNERS[0][0] + 1, CORNERS[0][1] - 1)
    elif close == "method":
        assert polygon.accept_gesture()
    assert masks(services) == [rasterise_polygon(np.array(CORNERS))]
    assert services.view_state.selected_instance is not None
    assert not polygon.accept_gesture()


def test_backspace_takes_the_last_vertex_back(
    polygon: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    for corner in (*CORNERS[:3], (150.0, 110.0), CORNERS[3]):
        mouse.click(*corner)
    QTest.keyClick(polygon, Qt.Key.Key_Backspace)
    QTest.keyClick(polygon, Qt.Key.Key_Backspace)
    mouse.click(*CORNERS[3])
    polygon.accept_gesture()
    assert masks(services) == [rasterise_polygon(np.array(CORNERS))]


def test_escape_drops_it(
    polygon: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    before = grabbed(polygon)
    for corner in CORNERS:
        mouse.click(*corner)
    assert (grabbed(polygon) != before).any()
    QTest.keyClick(polygon, Qt.Key.Key_Escape)
    np.testing.assert_array_equal(grabbed(polygon), before)
    assert not polygon.cancel_gesture()
    assert masks(services) == []


def test_two_points_are_no_polygon(
    polygon: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    for corner in CORNERS[:2]:
        mouse.click(*corner)
    with qtbot.waitSignal(polygon.message):
        assert polygon.accept_gesture()
    assert masks(services) == []


def test_it_goes_on_when_something_else_changes(
    polygon: CanvasView, mouse: Mouse, services: Services
) -> None:
    for corner in CORNERS[:3]:
        mouse.click(*corner)
    services.session.set_review_status(ReviewStatus.DONE)
    mouse.click(*CORNERS[3])
    polygon.accept_gesture()
    assert masks(services) == [rasterise_polygon(np.array(CORNERS))]


def test_vertices_stay_in_the_image(polygon: CanvasView, mouse: Mouse, services: Services) -> None:
    for corner in ((-10, -10), (300, -10), (300, 50), (-10, 50)):
        mouse.click(*corner)
    polygon.accept_gesture()
    assert [mask.box_xyxy for mask in masks(services)] == [(0, 0, 160, 50)]


def test_without_a_category_it_does_not_begin(
    polygon: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    services.view_state.active_category = None
    with qtbot.waitSignal(polygon.message):
        mouse.click(*CORNERS[0])
    assert not polygon.cancel_gesture()


def test_its_keys_come_before_the_shortcuts_of_the_window(
    polygon: CanvasView, mouse: Mouse, qtbot: QtBot
) -> None:
    fired: list[bool] = []
    shortcut = QShortcut(QKeySequence("Backspace"), polygon)
    shortcut.activated.connect(lambda: fired.append(True))
    polygon.activateWindow()
    polygon.setFocus()
    mouse.click(*CORNERS[0])
    QTest.keyClick(polygon, Qt.Key.Key_Backspace)
    assert fired == []
    assert not polygon.cancel_gesture()  # the only vertex is gone
    QTest.keyClick(polygon, Qt.Key.Key_Backspace)
    assert fired == [True]


def test_the_rubber_band_snaps_where_a_click_would_close(canvas: CanvasView, mouse: Mouse) -> None:
    canvas.set_tool("polygon")
    for corner in ((40, 40), (80, 40)):
        mouse.click(*corner)
    mouse.move(41, 41)
    assert canvas.preview.outline[-1] == pytest.approx((41, 41), abs=0.5)
    mouse.click(80, 80)
    mouse.move(41, 41)
    assert canvas.preview.outline[-1] == canvas.preview.outline[0]
    mouse.move(60, 60)
    assert canvas.preview.outline[-1] == pytest.approx((60, 60), abs=0.5)
