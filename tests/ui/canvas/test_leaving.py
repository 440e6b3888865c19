"""What is being drawn when the work turns elsewhere is not lost."""

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project.errors import CommitError
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.drafts import Draft
from mrcnn_gui.services.exclusive import Course
from mrcnn_gui.ui.canvas.tools.context import DROPPED
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import SHIFT, Mouse, held
from tests.ui.conftest import square

Add = Callable[..., int]
Turn = Callable[[Services, QtBot], None]


def work(store: Store, course: Course) -> None:
    """Something that has the project to itself."""


def next_image_and_back(services: Services, qtbot: QtBot) -> None:
    for step in (1, -1):
        with qtbot.waitSignal(services.images.image_ready):
            services.session.next_image(step)


def exclusive_work(services: Services, qtbot: QtBot) -> None:
    services.session.exclusive.run("An import", work)
    qtbot.waitUntil(lambda: not services.session.no_writing)


def another_tool(services: Services, qtbot: QtBot) -> None:
    tool = services.view_state.tool
    services.view_state.tool = "cut"
    services.view_state.tool = tool


def closing(services: Services, qtbot: QtBot) -> None:
    folder = services.session.folder
    assert folder is not None
    services.session.close_project()
    with qtbot.waitSignal(services.images.image_ready):
        services.session.open_project(folder)


def refuse(*_: object, **__: object) -> None:
    """In the place of what writes."""
    raise CommitError("the change could not be saved: database or disk is full")


TURNS = (next_image_and_back, exclusive_work, another_tool, closing)


def masks(services: Services) -> list[Mask]:
    assert services.session.document is not None
    return [it.mask for it in services.session.document.instances.values()]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("tool", ["brush", "lasso", "rectangle", "wand"])
def test_what_the_button_holds_becomes_an_edit(
    canvas: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot, tool: str, turn: Turn
) -> None:
    canvas.set_tool(tool)
    mouse.press(30, 40)
    for point in ((60, 40), (70, 60), (35, 75)):
        mouse.drag_to(*point)
    turn(services, qtbot)
    (made,) = masks(services)
    assert not made.is_empty
    mouse.release(35, 75)  # comes late
    assert masks(services) == [made]


@pytest.mark.parametrize("turn", TURNS)
def test_a_move_ends_where_it_is(
    canvas: CanvasView,
    mouse: Mouse,
    services: Services,
    add_instance: Add,
    qtbot: QtBot,
    turn: Turn,
) -> None:
    services.view_state.selected_instance = add_instance(20, 40)
    canvas.set_tool("select")
    mouse.press(30, 50)
    mouse.drag_to(60, 50)
    turn(services, qtbot)
    assert masks(services) == [square(50, 40)]


@pytest.mark.parametrize("turn", TURNS)
def test_a_polygon_waits_to_be_gone_on_with(
    canvas: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot, turn: Turn
) -> None:
    canvas.set_tool("polygon")
    for corner in ((30, 40), (60, 40)):
        mouse.click(*corner)
    turn(services, qtbot)
    assert masks(services) == []
    canvas.set_tool("polygon")
    qtbot.waitUntil(lambda: len(canvas.preview.outline) == 3)
    for corner in ((60, 60), (30, 60)):
        mouse.click(*corner)
    assert canvas.accept_gesture()
    assert [mask.box_xyxy for mask in masks(services)] == [(30, 40, 60, 60)]
    another_tool(services, qtbot)
    assert canvas.preview.outline == ()


@pytest.mark.parametrize("turn", TURNS)
def test_a_box_that_the_model_has_not_filled_is_asked_about_again(
    canvas: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot, turn: Turn
) -> None:
    canvas.set_tool("box_prompt")
    mouse.drag((40, 30), (90, 80))
    with qtbot.waitSignal(canvas.hint, check_params_cb=lambda text: "box is kept" in text):
        turn(services, qtbot)
    canvas.set_tool("box_prompt")
    qtbot.waitUntil(lambda: masks(services) == [square(40, 30, 10)])
    another_tool(services, qtbot)
    assert canvas.preview.drawings == ()


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("turn", TURNS)
def test_a_click_whose_candidate_is_not_accepted_is_asked_about_again(
    canvas: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot, turn: Turn, answered: bool
) -> None:
    canvas.set_tool("click_prompt")
    mouse.click(100, 60)
    if answered:
        qtbot.waitUntil(lambda: canvas.preview.shape is not None)
    with qtbot.waitSignal(canvas.hint, check_params_cb=lambda text: "click is kept" in text):
        turn(services, qtbot)
    canvas.set_tool("click_prompt")
    qtbot.waitUntil(lambda: canvas.preview.shape is not None)
    assert masks(services) == []
    assert canvas.accept_gesture()
    assert masks(services) == [square(90, 50)]


def test_what_the_area_was_for_is_kept_with_a_question(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    services.view_state.selected_instance = add_instance(35, 25)
    canvas.set_tool("box_prompt")
    with held(mouse, SHIFT):
        mouse.drag((50, 30), (90, 80))
    another_tool(services, qtbot)
    canvas.set_tool("box_prompt")
    qtbot.waitUntil(lambda: masks(services) == [square(35, 25).union(square(50, 30, 10))])


def test_each_tool_keeps_its_own(
    canvas: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    canvas.set_tool("polygon")
    mouse.click(30, 40)
    canvas.set_tool("box_prompt")
    mouse.drag((40, 30), (90, 80))
    canvas.set_tool("polygon")
    assert len(canvas.preview.outline) == 2
    canvas.set_tool("box_prompt")
    qtbot.waitUntil(lambda: masks(services) == [square(40, 30, 10)])


def test_a_polygon_that_was_kept_before_tools_had_names_is_gone_on_with(
    canvas: CanvasView, services: Services
) -> None:
    draft = Draft(((30, 40), (60, 40)), "new", None, services.session.categories[0].id)
    kept = json.dumps({str(canvas.image_id): asdict(draft)})
    services.session.set_setting("drafts", kept)
    canvas.set_tool("polygon")
    assert len(canvas.preview.outline) == 3


def test_a_polygon_goes_on_with_what_it_was_for(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    for gone in (False, True):
        services.view_state.selected_instance = add_instance(30, 40, 30)
        canvas.set_tool("polygon")
        with held(mouse, SHIFT):
            for corner in ((50, 40), (80, 40), (80, 70), (50, 70)):
                mouse.click(*corner)
        canvas.set_tool("select")
        if gone:
            services.session.undo()
        canvas.set_tool("polygon")
        canvas.accept_gesture()
        (mask,) = masks(services)
        assert mask.box_xyxy == ((50, 40, 80, 70) if gone else (30, 40, 80, 70))
        services.session.undo()
        services.session.undo()


def test_a_polygon_belongs_to_its_image(
    canvas: CanvasView, mouse: Mouse, services: Services, qtbot: QtBot
) -> None:
    canvas.set_tool("polygon")
    mouse.click(30, 40)
    with qtbot.waitSignal(services.images.image_ready):
        services.session.next_image(1)
    assert canvas.preview.outline == ()
    mouse.click(10, 10)
    mouse.click(20, 10)
    with qtbot.waitSignal(services.images.image_ready):
        services.session.next_image(-1)
    assert len(canvas.preview.outline) == 2


def test_the_key_of_the_tool_in_hand_drops_nothing(
    open_window: MainWindow, services: Services
) -> None:
    canvas = open_window.canvas
    mouse = Mouse(canvas)
    QTest.keyClick(canvas, Qt.Key.Key_P)
    mouse.click(30, 40)
    mouse.click(60, 40)
    QTest.keyClick(canvas, Qt.Key.Key_P)
    assert len(canvas.preview.outline) == 3


def test_undo_takes_the_last_corner_back_and_then_the_last_edit(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    canvas, control = open_window.canvas, Qt.KeyboardModifier.ControlModifier
    add_instance()
    mouse = Mouse(canvas)
    QTest.keyClick(canvas, Qt.Key.Key_P)
    mouse.click(30, 40)
    mouse.click(60, 40)
    for corners in (1, 0):
        QTest.keyClick(canvas, Qt.Key.Key_Z, control)
        assert len(canvas.preview.outline) == corners + bool(corners)
        assert len(masks(services)) == 1
    QTest.keyClick(canvas, Qt.Key.Key_Z, control)
    assert masks(services) == []


def test_undo_drops_the_stroke_that_is_being_drawn(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    canvas = open_window.canvas
    services.view_state.selected_instance = add_instance()
    mouse = Mouse(canvas)
    QTest.keyClick(canvas, Qt.Key.Key_B)
    mouse.press(15, 15)
    mouse.drag_to(70, 70)
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    mouse.release(70, 70)
    assert masks(services) == [square(10, 10)]


def test_a_release_that_never_came_is_made_up_for(
    canvas: CanvasView, mouse: Mouse, services: Services
) -> None:
    services.view_state.brush_radius = 5
    canvas.set_tool("brush")
    mouse.press(30, 40)
    mouse.drag_to(60, 40)
    mouse.move(100, 100)  # a dialog got the release
    (made,) = masks(services)
    assert not made.contains(90, 90)
    services.view_state.selected_instance = None
    mouse.press(30, 80)
    mouse.press(60, 80)
    mouse.release(60, 80)
    assert len(masks(services)) == 2  # the second press paints into what the first has made


def test_a_stroke_goes_on_beside_other_edits_and_says_when_it_cannot(
    canvas: CanvasView, mouse: Mouse, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    services.view_state.selected_instance = add_instance(20, 40)
    services.view_state.brush_radius = 5
    canvas.set_tool("brush")
    mouse.press(30, 50)
    add_instance(100, 90)
    mouse.drag_to(60, 50)
    mouse.release(60, 50)
    assert masks(services)[0].contains(60, 50)
    mouse.press(30, 50)
    with qtbot.waitSignal(canvas.message, check_params_cb=lambda text: text == DROPPED):
        services.session.undo()
    mouse.release(30, 50)


def test_the_tool_comes_back_after_work_that_has_the_project_to_itself(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    services.view_state.tool = "brush"
    services.session.exclusive.run("An import", work)
    assert services.view_state.tool == "select"
    qtbot.waitUntil(lambda: not services.session.no_writing)
    assert services.view_state.tool == "brush"


def mouse_with(tool: str, window: MainWindow, qtbot: QtBot) -> Mouse:
    qtbot.waitUntil(lambda: window.canvas.shows_image)
    window.canvas.set_tool(tool)
    return Mouse(window.canvas)


def test_what_the_disk_refuses_to_keep_is_not_left_behind(
    open_window: MainWindow,
    services: Services,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mouse = mouse_with("polygon", open_window, qtbot)
    canvas, session, before = open_window.canvas, services.session, services.session.entry
    for point in ((20, 20), (60, 20), (50, 60)):
        mouse.click(*point)
    with monkeypatch.context() as patch:
        patch.setattr(session.store, "set_setting", refuse)
        QTest.keyClick(canvas, Qt.Key.Key_PageDown)
        assert session.entry is before
        open_window.images.view.setCurrentIndex(open_window.images.model.index(2))
        assert session.entry is before
        qtbot.waitUntil(lambda: open_window.images.view.currentIndex().row() == 0)
        assert "disk is full" in open_window.messages.text
    assert canvas.accept_gesture()
    assert len(masks(services)) == 1
    QTest.keyClick(canvas, Qt.Key.Key_PageDown)
    assert session.entry is not before
    assert open_window.messages.text == ""


def test_a_stroke_that_is_refused_at_leaving_is_told(
    open_window: MainWindow,
    services: Services,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mouse = mouse_with("brush", open_window, qtbot)
    canvas, session, before = open_window.canvas, services.session, services.session.entry
    mouse.press(30, 40)
    mouse.drag_to(60, 60)
    monkeypatch.setattr(session.store, "save_change", refuse)
    QTest.keyClick(canvas, Qt.Key.Key_PageDown)
    assert session.entry is before
    assert "disk is full" in open_window.messages.text


def test_what_is_told_while_an_image_opens_stays(
    open_window: MainWindow, services: Services
) -> None:
    session = services.session
    open_window.messages.show_error("Of the image before", "told already")
    session.image_opened.connect(lambda _: session.report_failure("Of this image", "told now"))
    session.next_image()
    assert open_window.messages.text == "Of this image: told now"
