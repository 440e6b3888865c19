from collections.abc import Callable
from functools import reduce

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.edits import SetLocked
from mrcnn_gui.ui.canvas.drawings import Note
from mrcnn_gui.ui.canvas.tools.cut import lengthened
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import SHIFT, Mouse, grabbed, held
from tests.ui.conftest import square

Add = Callable[..., int]


@pytest.fixture
def cut(canvas: CanvasView) -> CanvasView:
    canvas.set_tool("cut")
    return canvas


def instances(services: Services) -> dict[int, Instance]:
    assert services.session.document is not None
    return services.session.document.instances


def test_a_line_across_makes_two_of_one(
    cut: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    services.view_state.selected_instance = key = add_instance(40, 40, 30)
    mouse.drag((50, 30), (50, 55), (50, 80))
    parts = instances(services)
    assert [it.mask.area for it in parts.values()] == [19 * 30, 11 * 30]
    assert next(iter(parts)) == key
    assert services.view_state.selected_instances == tuple(parts)
    assert reduce(Mask.union, [it.mask for it in parts.values()]) == square(40, 40, 30)
    assert services.session.history is not None
    assert services.session.history.undo_title == "Cut apart"
    services.session.undo()
    assert [it.mask for it in instances(services).values()] == [square(40, 40, 30)]


def test_a_zigzag_makes_many_and_selected_ones_are_cut_together(
    cut: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    pair = add_instance(40, 40, 30), add_instance(80, 40, 30)
    services.view_state.selected_instances = pair
    mouse.drag((30, 45), (120, 45), (120, 55), (30, 55))
    assert len(instances(services)) == 6


def test_with_nothing_selected_it_cuts_what_it_divides(
    cut: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    small, ground, locked = add_instance(50, 50, 10), add_instance(20, 20, 80), add_instance(52, 54)
    services.session.push(SetLocked(locked, True))
    services.view_state.selected_instance = None
    mouse.drag((45, 55), (65, 55))
    found = instances(services)
    assert len(found) == 4
    assert found[ground].mask == square(20, 20, 80)  # the line ends inside it
    assert found[locked].mask == square(52, 54)
    assert found[small].mask.area == 60  # the line itself goes up


def test_shift_keeps_the_line_straight(
    cut: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    services.view_state.selected_instance = add_instance(40, 40, 30)
    with held(mouse, SHIFT):
        mouse.drag((30, 50), (55, 0), (80, 50))
    assert [it.mask.box_xyxy for it in instances(services).values()] == [
        (40, 51, 70, 70),
        (40, 40, 70, 51),
    ]


def test_a_line_that_stops_just_short_of_the_edges_still_cuts(
    cut: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    services.view_state.selected_instance = add_instance(40, 40, 30)
    mouse.drag((50, 45), (50, 60))
    assert len(instances(services)) == 1  # farther than a hand misses
    mouse.drag((50.5, 41.5), (50.5, 55), (50.5, 68.5))
    assert [it.mask.area for it in instances(services).values()] == [19 * 30, 11 * 30]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([(5.0, 5.0), (5.0, 9.0)], [(5, 3), (5, 5), (5, 9), (5, 11)]),
        ([(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)], [(-2, 0), (0, 0), (1, 1), (2, 0), (4, 0)]),
        ([(3.0, 3.0), (3.0, 3.0)], [(3, 3)] * 4),
    ],
)
def test_a_line_goes_on_straight_at_both_ends(
    line: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    np.testing.assert_allclose(lengthened(line, 2.0), expected)


def test_what_divides_nothing_says_so(
    cut: CanvasView, mouse: Mouse, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    add_instance(40, 40, 30)
    with qtbot.waitSignal(cut.message):
        mouse.drag((50, 30), (50, 55))
    assert len(instances(services)) == 1


def test_escape_drops_the_line(
    cut: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    services.view_state.selected_instance = add_instance(40, 40, 30)
    before = grabbed(cut)
    mouse.press(50, 30)
    mouse.drag_to(50, 80)
    assert (grabbed(cut) != before).any()
    assert cut.cancel_gesture()
    mouse.release(50, 80)
    np.testing.assert_array_equal(grabbed(cut), before)
    assert len(instances(services)) == 1


@pytest.fixture
def in_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mask is large enough."""
    monkeypatch.setattr("mrcnn_gui.ui.canvas.tools.cut._LARGE", 1)


@pytest.mark.usefixtures("in_background")
def test_a_large_mask_is_cut_in_the_background(
    cut: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot, add_instance: Add
) -> None:
    services.view_state.selected_instance = add_instance(40, 40, 30)
    mouse.drag((50, 30), (50, 55), (50, 80))
    assert len(instances(services)) == 1
    assert any(isinstance(it, Note) for it in cut.preview.drawings)
    qtbot.waitUntil(lambda: len(instances(services)) == 2)
    assert [it.mask.area for it in instances(services).values()] == [19 * 30, 11 * 30]
    assert cut.preview.drawings == ()


@pytest.mark.usefixtures("in_background")
def test_what_is_being_cut_is_dropped_by_escape_and_by_another_edit_but_by_no_other_tool(
    cut: CanvasView, mouse: Mouse, services: Services, add_instance: Add
) -> None:
    services.view_state.selected_instance = key = add_instance(40, 40, 30)
    mouse.drag((50, 30), (50, 80))
    assert cut.cancel_gesture()
    mouse.drag((50, 30), (50, 80))
    services.session.push(SetLocked(key, True))
    assert not cut.cancel_gesture()
    services.session.undo()
    assert len(instances(services)) == 1
    mouse.drag((50, 30), (50, 80))
    cut.set_tool("select")
    assert len(instances(services)) == 2
