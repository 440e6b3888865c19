from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import Mouse, grabbed, pixel_at

AddInstance = Callable[..., int]


def mask_of(services: Services, instance_id: int) -> Mask:
    assert services.session.document is not None
    return services.session.document.instances[instance_id].mask


def test_a_click_selects_the_topmost_instance_or_nothing(
    mouse: Mouse, services: Services, add_instance: AddInstance
) -> None:
    large, small = add_instance(20, 20, 60), add_instance(30, 30, 10)
    mouse.click(35, 35)
    assert services.view_state.selected_instance == small
    mouse.click(60, 60)
    assert services.view_state.selected_instance == large
    mouse.click(150, 100)
    assert services.view_state.selected_instance is None


def test_hidden_instances_are_neither_seen_nor_hit(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: AddInstance
) -> None:
    bare = grabbed(canvas)
    hidden = add_instance(20, 20, 60)
    assert (grabbed(canvas) != bare).any()
    services.view_state.hidden_instances = frozenset({hidden})
    np.testing.assert_array_equal(grabbed(canvas), bare)
    mouse.click(50, 50)
    assert services.view_state.selected_instance is None


def test_dragging_the_selected_instance_moves_it(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: AddInstance
) -> None:
    moved = add_instance(20, 20, 30)
    before = mask_of(services, moved)
    mouse.click(30, 30)
    mouse.press(30, 30)
    mouse.drag_to(40, 30)
    mouse.drag_to(55, 45)
    assert mask_of(services, moved) == before
    shown = grabbed(canvas)
    mouse.release(55, 45)
    assert mask_of(services, moved) == before.shift(25, 15)
    np.testing.assert_array_equal(grabbed(canvas), shown)
    canvas._recompose()
    np.testing.assert_array_equal(grabbed(canvas), shown)
    services.session.undo()
    assert mask_of(services, moved) == before


def test_a_moved_instance_stops_at_the_border(
    mouse: Mouse, services: Services, add_instance: AddInstance
) -> None:
    moved = add_instance(20, 20, 30)
    mouse.click(30, 30)
    mouse.drag((30, 30), (500, -500))
    assert mask_of(services, moved).box_xyxy == (130, 0, 160, 30)


def test_escape_puts_a_moved_instance_back(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: AddInstance
) -> None:
    moved = add_instance(20, 20, 30)
    mouse.click(30, 30)
    before = grabbed(canvas)
    mouse.press(30, 30)
    mouse.drag_to(60, 60)
    assert (grabbed(canvas) != before).any()
    assert canvas.cancel_gesture()
    np.testing.assert_array_equal(grabbed(canvas), before)
    mouse.release(60, 60)
    assert mask_of(services, moved).x == 20


@pytest.mark.parametrize("start", [(140, 100), (30, 30)])
def test_dragging_anything_else_pans(
    canvas: CanvasView,
    mouse: Mouse,
    services: Services,
    add_instance: AddInstance,
    start: tuple[float, float],
) -> None:
    add_instance(20, 20, 30)
    before = canvas.to_view(0, 0)
    mouse.press(*start)
    for _ in range(5):  # the image follows, so each step is the same in image coordinates
        mouse.drag_to(start[0] + 4, start[1] - 2)
    mouse.release(*start)
    assert canvas.to_view(0, 0) - before == QPointF(60, -30)
    assert services.session.history is not None
    assert services.session.history.undo_title == "Add instance"
    assert services.view_state.selected_instance is None


def test_hover_makes_an_instance_stand_out(
    canvas: CanvasView, mouse: Mouse, add_instance: AddInstance
) -> None:
    add_instance(20, 20, 30)
    mouse.move(140, 100)
    before = grabbed(canvas)
    mouse.move(30, 30)
    assert (grabbed(canvas) != before).any()
    mouse.move(140, 100)
    np.testing.assert_array_equal(grabbed(canvas), before)


def test_the_selected_instance_has_a_white_outline(
    canvas: CanvasView, services: Services, add_instance: AddInstance
) -> None:
    selected = add_instance(20, 20, 30)
    services.view_state.selected_instance = selected
    assert pixel_at(canvas, 20.2, 35) == (255, 255, 255)
    services.view_state.selected_instance = None
    assert pixel_at(canvas, 20.2, 35) != (255, 255, 255)


def test_suggestions_are_selected_hovered_and_accepted(
    canvas: CanvasView,
    mouse: Mouse,
    services: Services,
    suggest: Callable[[], None],
    qtbot: QtBot,
) -> None:
    bare = grabbed(canvas)
    suggest()
    assert (grabbed(canvas) != bare).any()
    keys = [suggestion.key for suggestion in canvas.suggestions]
    mouse.move(70, 40)
    assert services.view_state.hovered_suggestion == keys[1]
    mouse.click(20, 20)
    assert services.view_state.selected_suggestion == keys[0]
    mouse.double_click(20, 20)
    assert services.session.document is not None
    (instance,) = services.session.document.instances.values()
    assert instance.mask.box_xyxy == (10, 10, 30, 30)
    assert [suggestion.key for suggestion in canvas.suggestions] == keys[1:]


def test_the_threshold_decides_which_suggestions_are_drawn(
    canvas: CanvasView, services: Services, suggest: Callable[[], None]
) -> None:
    bare = grabbed(canvas)
    suggest()
    services.view_state.score_threshold = 0.05
    assert len(canvas.suggestions) == 3
    partial = grabbed(canvas)
    canvas._recompose()
    np.testing.assert_array_equal(grabbed(canvas), partial)
    services.view_state.score_threshold = 1.0
    np.testing.assert_array_equal(grabbed(canvas), bare)


def test_the_nearer_outline_decides_between_instance_and_suggestion(
    mouse: Mouse, services: Services, add_instance: AddInstance, suggest: Callable[[], None]
) -> None:
    around = add_instance(0, 0, 70)
    suggest()
    mouse.click(12, 20)
    assert services.view_state.selected_suggestion is not None
    mouse.click(50, 2)
    assert services.view_state.selected_instance == around


def test_another_category_colour_is_drawn_at_once(
    canvas: CanvasView, services: Services, add_instance: AddInstance
) -> None:
    add_instance(20, 20, 30)
    before = pixel_at(canvas, 35, 35)
    services.project_edits.update_category(replace(services.session.categories[0], color="#ff00ff"))
    assert pixel_at(canvas, 35, 35) != before
