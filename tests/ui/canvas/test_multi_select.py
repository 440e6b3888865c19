from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project.edits import SetLocked
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import SHIFT, Mouse, grabbed, held

Add = Callable[..., int]


def masks_of(services: Services, *instance_ids: int) -> list[Mask]:
    assert services.session.document is not None
    return [services.session.document.instances[key].mask for key in instance_ids]


def chosen(services: Services) -> list[int]:
    return list(services.view_state.selected_instances)


def title(services: Services) -> str:
    assert services.session.history is not None
    return services.session.history.undo_title


def test_shift_and_click_adds_and_takes_away(
    mouse: Mouse, services: Services, add_instance: Add
) -> None:
    first, second = add_instance(20, 20), add_instance(60, 20)
    mouse.click(30, 30)
    with held(mouse, SHIFT):
        mouse.click(70, 30)
        assert chosen(services) == [first, second]
        mouse.click(150, 110)  # nothing is there: the selection stays
        assert chosen(services) == [first, second]
        mouse.click(30, 30)
    assert chosen(services) == [second]


def test_shift_and_drag_selects_what_lies_mostly_in_the_frame(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    inside, half, little = add_instance(40, 30), add_instance(70, 30), add_instance(40, 55)
    services.view_state.selected_instance = other = add_instance(120, 90)
    place = canvas.to_view(0, 0)
    with held(mouse, SHIFT):
        mouse.press(35, 25)
        mouse.drag_to(80, 60)
        assert chosen(services) == [other, inside, half]
        shown = grabbed(canvas)
        mouse.release(80, 60)
    assert chosen(services) == [other, inside, half]
    assert little not in services.view_state.selected_instances
    assert canvas.to_view(0, 0) == place
    assert (grabbed(canvas) != shown).any()  # the frame is gone
    assert title(services) == "Add instance"


def test_escape_brings_the_selection_before_the_frame_back(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    add_instance(40, 30)
    services.view_state.selected_instance = other = add_instance(120, 90)
    before = grabbed(canvas)
    with held(mouse, SHIFT):
        mouse.press(35, 25)
        mouse.drag_to(80, 60)
        assert canvas.cancel_gesture()
        mouse.release(80, 60)
    assert chosen(services) == [other]
    np.testing.assert_array_equal(grabbed(canvas), before)


def test_several_are_moved_as_one_step_and_stop_at_the_border(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    pair = add_instance(20, 20), add_instance(60, 40)
    before = masks_of(services, *pair)
    services.view_state.selected_instances = pair
    mouse.press(30, 30)
    mouse.drag_to(40, 30)
    mouse.drag_to(30, -50)
    shown = grabbed(canvas)
    mouse.release(30, -50)
    assert masks_of(services, *pair) == [mask.shift(0, -20) for mask in before]
    np.testing.assert_array_equal(grabbed(canvas), shown)
    canvas._recompose()
    np.testing.assert_array_equal(grabbed(canvas), shown)
    assert title(services) == "Move instances"
    services.session.undo()
    assert masks_of(services, *pair) == before


def test_locked_instances_are_left_alone(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    free, locked = add_instance(20, 20), add_instance(60, 40)
    services.session.push(SetLocked(locked, True))
    mouse.click(70, 50)
    assert chosen(services) == []
    services.view_state.selected_instances = (free, locked)
    before = masks_of(services, free, locked)
    mouse.drag((30, 30), (40, 30), (50, 30))
    assert masks_of(services, free, locked) == [before[0].shift(20, 0), before[1]]
    services.view_state.selected_instance = locked
    with qtbot.waitSignal(canvas.message):
        QTest.keyClick(canvas, Qt.Key.Key_Left)
    assert masks_of(services, locked) == before[1:]


@pytest.mark.parametrize(
    ("key", "keys", "shift"),
    [
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, (-1, 0)),
        (Qt.Key.Key_Down, Qt.KeyboardModifier.NoModifier, (0, 1)),
        (Qt.Key.Key_Right, SHIFT, (10, 0)),
        (Qt.Key.Key_Up, SHIFT, (0, -10)),
    ],
)
def test_arrows_nudge_what_is_selected(
    canvas: CanvasView,
    services: Services,
    add_instance: Add,
    key: Qt.Key,
    keys: Qt.KeyboardModifier,
    shift: tuple[int, int],
) -> None:
    pair = add_instance(20, 20), add_instance(60, 40)
    services.view_state.selected_instances = pair
    before = masks_of(services, *pair)
    QTest.keyClick(canvas, key, keys)
    assert masks_of(services, *pair) == [mask.shift(*shift) for mask in before]
    services.session.undo()
    assert masks_of(services, *pair) == before
