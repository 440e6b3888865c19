"""Box prompt and click prompt, with a stand-in for the model."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.ui.canvas.drawings import Note
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import SHIFT, Mouse, grabbed, held
from tests.ui.conftest import square

Add = Callable[..., int]


def instances(services: Services) -> list[Instance]:
    assert services.session.document is not None
    return list(services.session.document.instances.values())


def asks(canvas: CanvasView) -> bool:
    return any(isinstance(it, Note) and "looks" in it.text for it in canvas.preview.drawings)


@pytest.fixture
def box(canvas: CanvasView) -> CanvasView:
    canvas.set_tool("box_prompt")
    return canvas


@pytest.fixture
def clicked(canvas: CanvasView, mouse: Mouse, qtbot: QtBot) -> CanvasView:
    """The click prompt with its candidates for (100, 60)."""
    canvas.set_tool("click_prompt")
    mouse.click(100, 60)
    assert asks(canvas)
    qtbot.waitUntil(lambda: not asks(canvas))
    return canvas


def test_the_model_fills_the_box(
    box: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    mouse.press(40, 30)
    mouse.drag_to(90, 80)
    assert box.preview.drawings
    mouse.release(90, 80)
    assert instances(services) == []
    assert asks(box)
    qtbot.waitUntil(lambda: len(instances(services)) == 1)
    (made,) = instances(services)
    assert made.mask == square(40, 30, 10)
    assert made.provenance == Provenance(Source.MODEL, "starter", 0.8)
    assert made.category_id == services.view_state.active_category
    assert services.view_state.selected_instances == (made.id,)
    assert box.preview.drawings == ()


def test_shift_adds_the_answer_to_the_selected_instance(
    box: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot, add_instance: Add
) -> None:
    services.view_state.selected_instance = add_instance(35, 25)
    with held(mouse, SHIFT):
        mouse.drag((50, 30), (90, 80))
    qtbot.waitUntil(lambda: instances(services)[0].mask.area > 400)
    assert instances(services)[0].mask == square(35, 25).union(square(50, 30, 10))


def test_an_empty_box_and_a_slip_say_so(
    box: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(box.message):
        mouse.click(40, 30)
    with qtbot.waitSignal(box.message):
        mouse.drag((40, 30), (50, 80))
    assert instances(services) == []
    assert box.preview.drawings == ()


def test_escape_waits_for_no_answer(
    box: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    before = grabbed(box)
    mouse.drag((40, 30), (90, 80))
    QTest.keyClick(box, Qt.Key.Key_Escape)
    np.testing.assert_array_equal(grabbed(box), before)
    mouse.drag((100, 30), (140, 80))
    qtbot.waitUntil(lambda: len(instances(services)) == 1)
    assert [it.mask for it in instances(services)] == [square(100, 30, 10)]


def test_a_click_shows_the_best_candidate_and_the_wheel_the_others(
    clicked: CanvasView, mouse: Mouse, services: Services
) -> None:
    def shown() -> tuple[int, ...] | None:
        shape = clicked.preview.shape
        return None if shape is None else shape.box_xyxy

    scale = clicked.scale
    assert shown() == (90, 50, 110, 70)
    assert [(it.x, it.y) for it in clicked.preview.drawings if isinstance(it, Note)] == [(90, 70)]
    mouse.wheel(100, 60, notches=-1)
    assert shown() == (95, 55, 105, 65)
    mouse.wheel(100, 60, notches=-1)
    assert shown() == (98, 58, 102, 62)
    picture = grabbed(clicked)
    clicked._recompose()
    np.testing.assert_array_equal(grabbed(clicked), picture)
    mouse.wheel(100, 60, notches=-1)
    mouse.wheel(100, 60, notches=1)
    assert shown() == (98, 58, 102, 62)
    assert clicked.scale == scale
    assert instances(services) == []
    QTest.keyClick(clicked, Qt.Key.Key_Return)
    (made,) = instances(services)
    assert made.mask == square(98, 58, 4)
    assert made.provenance == Provenance(Source.MODEL, "starter", 0.25)
    mouse.wheel(100, 60, notches=1)
    assert clicked.scale != scale


def test_a_click_on_the_candidate_accepts_it_and_one_beside_asks_anew(
    clicked: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    mouse.click(130, 80)
    assert instances(services) == []
    qtbot.waitUntil(lambda: not asks(clicked))
    mouse.click(135, 85)
    assert [it.mask for it in instances(services)] == [square(120, 70)]


def test_escape_drops_the_candidates(clicked: CanvasView, mouse: Mouse, services: Services) -> None:
    assert clicked.preview.drawings
    assert clicked.cancel_gesture()
    assert clicked.preview.shape is None
    assert clicked.preview.drawings == ()
    assert not clicked.accept_gesture()
    assert instances(services) == []


def test_where_the_model_sees_nothing_it_says_so(
    canvas: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    canvas.set_tool("click_prompt")
    with qtbot.waitSignal(canvas.message):
        mouse.click(20, 60)
    assert not asks(canvas)


def test_another_image_gets_no_answer_to_the_question(
    box: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    mouse.drag((40, 30), (90, 80))
    with qtbot.waitSignal(services.images.image_ready):
        services.session.next_image(1)
    mouse.drag((100, 30), (140, 80))
    qtbot.waitUntil(lambda: len(instances(services)) == 1)
    assert [it.mask for it in instances(services)] == [square(100, 30, 10)]
