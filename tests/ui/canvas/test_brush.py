from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import SetLocked
from mrcnn_gui.services.session import Session
from mrcnn_gui.ui.canvas.tools.stroke import capsule
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import Mouse, grabbed, pixel_at

LINE = ((60.0, 40.0), (90.0, 70.0), (90.0, 90.0))


def document(session: Session) -> ImageDocument:
    assert session.document is not None
    return session.document


def painted(points: tuple[tuple[float, float], ...], radius: float) -> Mask:
    mask = Mask.empty()
    for start, stop in pairwise(points):
        box, bitmap = capsule(start, stop, radius)
        mask = mask.union(Mask.from_bitmap(bitmap, box[0], box[1]))
    return mask.clip(160, 120)


@pytest.fixture
def brush(canvas: CanvasView, services: Services) -> CanvasView:
    canvas.set_tool("brush")
    services.view_state.brush_radius = 8.0
    return canvas


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_it_paints_where_it_was_dragged(
    brush: CanvasView, mouse: Mouse, services: Services, scale: float
) -> None:
    brush.zoom_at(scale, brush.to_view(75, 60))
    mouse.drag(*LINE)
    (instance,) = document(services.session).instances.values()
    # Events carry fractions of a view pixel here, so the stroke is exact at every zoom.
    assert instance.mask == painted(LINE, 8.0)
    assert instance.category_id == services.view_state.active_category
    assert services.view_state.selected_instance == instance.id


def test_the_preview_shows_what_the_edit_will_be(
    brush: CanvasView, mouse: Mouse, services: Services
) -> None:
    mouse.press(*LINE[0])
    mouse.drag_to(*LINE[1])
    mouse.drag_to(*LINE[2])
    assert document(services.session).instances == {}
    before = grabbed(brush)
    mouse.release(*LINE[2])
    assert len(document(services.session).instances) == 1
    np.testing.assert_array_equal(grabbed(brush), before)


def test_the_picture_of_small_repaints_equals_a_whole_one(
    brush: CanvasView, mouse: Mouse, services: Services, add_instance: Callable[..., int]
) -> None:
    for left in (20, 55, 100):
        add_instance(left, 40, 25)
    services.view_state.selected_instance = None
    brush.grab()
    mouse.drag(*LINE)
    mouse.drag((40, 30), (120, 40), (30, 90))
    partial = grabbed(brush)
    brush._recompose()
    np.testing.assert_array_equal(partial, grabbed(brush))


def test_undo_brings_the_picture_back(
    brush: CanvasView, mouse: Mouse, services: Services, add_instance: Callable[..., int]
) -> None:
    services.view_state.selected_instance = add_instance(50, 40, 25)
    mouse.move(*LINE[2])
    before = grabbed(brush)
    mouse.drag(*LINE)
    after = grabbed(brush)
    assert (before != after).any()
    services.session.undo()
    np.testing.assert_array_equal(grabbed(brush), before)
    services.session.redo()
    np.testing.assert_array_equal(grabbed(brush), after)


def test_it_paints_into_the_selected_instance(
    brush: CanvasView, mouse: Mouse, services: Services, add_instance: Callable[..., int]
) -> None:
    other, selected = add_instance(0, 0, 10), add_instance(50, 30, 20)
    before = document(services.session).instances[selected].mask
    services.view_state.selected_instance = selected
    mouse.drag(*LINE)
    instances = document(services.session).instances
    assert set(instances) == {other, selected}
    assert instances[selected].mask == before.union(painted(LINE, 8.0))
    assert services.session.history is not None
    assert services.session.history.undo_title == "Paint mask"


def test_it_stays_in_the_image(brush: CanvasView, mouse: Mouse, services: Services) -> None:
    mouse.drag((-20, -20), (200, 150))
    (instance,) = document(services.session).instances.values()
    assert instance.mask == painted(((-20, -20), (200, 150)), 8.0)
    left, top, right, bottom = instance.mask.box_xyxy
    assert (left, top) == (0, 0)
    assert (right, bottom) <= (160, 120)


def test_without_a_category_it_says_why_nothing_happens(
    brush: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    services.view_state.active_category = None
    with qtbot.waitSignal(brush.message):
        mouse.drag(*LINE)
    assert document(services.session).instances == {}


@pytest.mark.parametrize("stop", ["escape", "undo"])
def test_a_stroke_that_is_cut_short_changes_nothing(
    brush: CanvasView,
    mouse: Mouse,
    services: Services,
    add_instance: Callable[..., int],
    stop: str,
) -> None:
    selected = add_instance(50, 30, 20)
    services.view_state.selected_instance = selected
    before = dict(document(services.session).instances)
    mouse.press(*LINE[0])
    mouse.drag_to(*LINE[1])
    if stop == "escape":
        QTest.keyClick(brush, Qt.Key.Key_Escape)
    else:
        services.session.undo()
        before = {}
    brush.zoom_at(3.0, QPointF(320, 240))
    mouse.drag_to(*LINE[2])
    mouse.release(*LINE[2])
    assert document(services.session).instances == before


def test_the_eraser_takes_pixels_and_at_last_the_instance(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Callable[..., int]
) -> None:
    services.view_state.selected_instance = selected = add_instance(50, 30, 20)
    services.view_state.brush_radius = 5.0
    canvas.set_tool("eraser")
    before = document(services.session).instances[selected].mask
    mouse.drag((50, 30), (60, 35))
    after = document(services.session).instances[selected].mask
    assert after == before.subtract(painted(((50, 30), (60, 35)), 5.0))
    services.view_state.brush_radius = 40.0
    mouse.drag((60, 40), (60, 40))
    assert document(services.session).instances == {}
    services.session.undo()
    assert document(services.session).instances[selected].mask == after


def test_the_eraser_takes_the_instance_under_it_when_none_is_selected(
    canvas: CanvasView,
    mouse: Mouse,
    services: Services,
    add_instance: Callable[..., int],
    qtbot: QtBot,
) -> None:
    under = add_instance(50, 30, 20)
    locked = add_instance(50, 30, 20)
    services.session.push(SetLocked(locked, True))
    services.view_state.brush_radius = 5.0
    canvas.set_tool("eraser")
    with qtbot.waitSignal(canvas.message):
        mouse.drag((20, 100), (30, 100))
    mouse.drag((60, 40), (62, 40))
    assert services.view_state.selected_instance == under
    masks = [it.mask for it in document(services.session).instances.values()]
    assert [mask.contains(60, 40) for mask in masks] == [False, True]


def test_a_stroke_without_effect_is_no_edit(
    brush: CanvasView, mouse: Mouse, services: Services, add_instance: Callable[..., int]
) -> None:
    services.view_state.selected_instance = add_instance(20, 20, 60)
    mouse.drag((50, 50), (52, 52))
    assert services.session.history is not None
    assert services.session.history.undo_title == "Add instance"


def test_two_quick_dabs_are_two_dabs(brush: CanvasView, mouse: Mouse, services: Services) -> None:
    mouse.click(40, 40)
    mouse.double_click(80, 80)
    (instance,) = document(services.session).instances.values()
    dabs = painted(((40, 40), (40, 40)), 8.0).union(painted(((80, 80), (80, 80)), 8.0))
    assert instance.mask == dabs


def test_shift_and_the_wheel_change_the_radius(
    brush: CanvasView, mouse: Mouse, services: Services
) -> None:
    mouse.wheel(50, 50, notches=2, keys=Qt.KeyboardModifier.ShiftModifier)
    assert services.view_state.brush_radius == pytest.approx(8 * 1.15**2)
    assert brush.scale == 3.0


def test_the_circle_has_the_size_of_the_brush(
    brush: CanvasView, mouse: Mouse, services: Services
) -> None:
    services.view_state.brush_radius = 10.0
    before = grabbed(brush)
    mouse.move(120, 60)
    ring = (grabbed(brush) != before).any(axis=2)
    centre = brush.to_view(120, 60)
    rows, columns = np.nonzero(ring)
    distances = np.hypot(columns + 0.5 - centre.x(), rows + 0.5 - centre.y())
    assert distances.min() > 30 - 3
    assert distances.max() < 30 + 3
    mouse.move(40, 100)
    assert (grabbed(brush)[ring] == before[ring]).all()


def test_the_painted_pixels_take_the_colour(
    brush: CanvasView, mouse: Mouse, services: Services
) -> None:
    bare = pixel_at(brush, 120, 60)  # inside of the circle: only the mask colours it
    mouse.drag((120, 60), (120, 62))
    assert pixel_at(brush, 120, 60) != bare
