"""Rectangle, lasso and polygon: what becomes of the area that they draw."""

from collections.abc import Callable

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.masks import Mask, rasterise_polygon
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import SetLocked
from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import CONTROL, SHIFT, Mouse, grabbed, held

Add = Callable[..., int]
LOOP = ((30.0, 20.0), (100.0, 30.0), (90.0, 90.0), (25.0, 70.0))


def instances(services: Services) -> dict[int, Instance]:
    assert services.session.document is not None
    return services.session.document.instances


def box(left: int, top: int, right: int, bottom: int) -> Mask:
    return Mask.from_bitmap(np.ones((bottom - top, right - left), dtype=np.bool_), left, top)


def test_a_rectangle_becomes_an_instance_of_whole_pixels(
    canvas: CanvasView, mouse: Mouse, services: Services
) -> None:
    canvas.set_tool("rectangle")
    mouse.press(80.4, 70.6)
    mouse.drag_to(30.2, 20.6)
    shown = grabbed(canvas)
    assert instances(services) == {}
    mouse.release(30.2, 20.6)
    (made,) = instances(services).values()
    assert made.mask == box(30, 21, 80, 71)
    assert services.view_state.selected_instances == (made.id,)
    after = grabbed(canvas)
    inside = canvas.to_view(50, 40).toPoint()
    np.testing.assert_array_equal(after[inside.y(), inside.x()], shown[inside.y(), inside.x()])
    services.session.undo()
    assert instances(services) == {}


def test_a_rectangle_ends_at_the_image(
    canvas: CanvasView, mouse: Mouse, services: Services
) -> None:
    canvas.set_tool("rectangle")
    mouse.drag((-30, 100), (500, 300))
    assert [it.mask for it in instances(services).values()] == [box(0, 100, 160, 120)]


@pytest.mark.parametrize("tool", ["rectangle", "lasso"])
def test_a_click_draws_nothing_and_says_how(
    canvas: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot, tool: str
) -> None:
    canvas.set_tool(tool)
    with qtbot.waitSignal(canvas.message):
        mouse.click(50, 50)
    assert instances(services) == {}


def test_a_lasso_becomes_what_it_encloses(
    canvas: CanvasView, mouse: Mouse, services: Services
) -> None:
    canvas.set_tool("lasso")
    mouse.drag(*LOOP)
    assert [it.mask for it in instances(services).values()] == [rasterise_polygon(np.array(LOOP))]


@pytest.mark.parametrize("tool", ["rectangle", "lasso"])
def test_escape_drops_what_is_drawn(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, tool: str
) -> None:
    services.view_state.selected_instance = add_instance(50, 40, 25)
    canvas.set_tool(tool)
    before = grabbed(canvas)
    for keys in (SHIFT, CONTROL):
        with held(mouse, keys):
            mouse.press(*LOOP[0])
            for point in LOOP[1:]:
                mouse.drag_to(*point)
            assert (grabbed(canvas) != before).any()
            assert canvas.cancel_gesture()
            mouse.release(*LOOP[-1])
        np.testing.assert_array_equal(grabbed(canvas), before)
    assert len(instances(services)) == 1


def draw(mouse: Mouse, canvas: CanvasView, tool: str) -> None:
    """The area of `LOOP`."""
    canvas.set_tool(tool)
    if tool == "lasso":
        mouse.drag(*LOOP)
    else:
        for corner in LOOP:
            mouse.click(*corner)
        canvas.accept_gesture()


@pytest.mark.parametrize("tool", ["lasso", "polygon"])
def test_shift_adds_to_the_selected_instance_and_control_takes_away(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, tool: str
) -> None:
    services.view_state.selected_instance = key = add_instance(15, 40, 40)
    before, area = instances(services)[key].mask, rasterise_polygon(np.array(LOOP))
    with held(mouse, SHIFT):
        draw(mouse, canvas, tool)
    assert instances(services)[key].mask == before.union(area)
    services.session.undo()
    with held(mouse, CONTROL):
        draw(mouse, canvas, tool)
    assert instances(services)[key].mask == before.subtract(area)
    assert len(instances(services)) == 1


def test_what_is_taken_away_wholly_is_gone(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    services.view_state.selected_instance = add_instance(50, 40, 10)
    canvas.set_tool("rectangle")
    with held(mouse, CONTROL):
        mouse.drag((40, 30), (80, 80))
    assert instances(services) == {}
    services.session.undo()
    assert len(instances(services)) == 1


def test_the_picture_is_right_while_and_after_adding(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    services.view_state.selected_instance = add_instance(50, 40, 25)
    canvas.set_tool("rectangle")
    canvas.grab()
    for keys in (SHIFT, CONTROL):
        with held(mouse, keys):
            mouse.press(60, 50)
            for point in ((120, 100), (100, 55), (90, 60)):
                mouse.drag_to(*point)
                shown = grabbed(canvas)
                canvas._recompose()
                np.testing.assert_array_equal(shown, grabbed(canvas))
            mouse.release(90, 60)
        shown = grabbed(canvas)
        canvas._recompose()
        np.testing.assert_array_equal(shown, grabbed(canvas))


def test_adding_needs_a_selected_instance(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    canvas.set_tool("rectangle")
    with held(mouse, SHIFT), qtbot.waitSignal(canvas.message):
        mouse.drag((40, 30), (80, 80))
    services.view_state.selected_instance = key = add_instance(50, 40, 10)
    services.session.push(SetLocked(key, True))
    with held(mouse, SHIFT), qtbot.waitSignal(canvas.message):
        mouse.drag((40, 30), (80, 80))
    assert [it.mask.area for it in instances(services).values()] == [100]


@pytest.mark.parametrize("tool", ["rectangle", "brush"])
def test_new_paint_yields_to_other_instances(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, tool: str
) -> None:
    other = add_instance(50, 40, 25)
    before = instances(services)[other].mask
    services.view_state.overlap = Overlap.YIELDS
    canvas.set_tool(tool)
    mouse.press(30, 30)
    mouse.drag_to(90, 60)
    shown = grabbed(canvas)
    mouse.release(90, 60)
    assert instances(services)[other].mask == before
    made = services.view_state.selected_instance
    assert made is not None
    assert instances(services)[made].mask.intersect(before).is_empty
    inside = canvas.to_view(62, 52).toPoint()
    after = grabbed(canvas)
    np.testing.assert_array_equal(after[inside.y(), inside.x()], shown[inside.y(), inside.x()])


@pytest.mark.parametrize("tool", ["rectangle", "brush"])
def test_new_paint_takes_from_other_instances_but_not_from_locked_ones(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, tool: str
) -> None:
    whole, part, locked = add_instance(58, 48, 4), add_instance(60, 40, 40), add_instance(66, 50, 5)
    services.session.push(SetLocked(locked, True))
    before = dict(instances(services))
    services.view_state.overlap = Overlap.TAKES
    services.view_state.brush_radius = 12
    services.view_state.set_selected_instance(None)
    canvas.set_tool(tool)
    mouse.drag((30, 30), (60, 50), (80, 60))
    made = services.view_state.selected_instance
    assert made is not None
    now = instances(services)
    assert whole not in now
    assert now[locked] == before[locked]
    assert now[made].mask.intersect(now[locked].mask).is_empty
    assert now[part].mask == before[part].mask.subtract(now[made].mask)
    services.session.undo()
    assert instances(services) == before


def test_nothing_is_added_where_all_is_taken(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    add_instance(20, 20, 60)
    services.view_state.overlap = Overlap.YIELDS
    services.view_state.selected_instance = None
    canvas.set_tool("rectangle")
    with qtbot.waitSignal(canvas.message):
        mouse.drag((30, 30), (60, 50))
    assert len(instances(services)) == 1
