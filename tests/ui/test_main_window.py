from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QMenu, QSlider
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

CONTROL = Qt.KeyboardModifier.ControlModifier


def test_without_a_project_it_says_what_to_do_first(window: MainWindow) -> None:
    assert window.start.isVisible()
    assert window.start.open.isVisible()
    assert not any(dock.isVisible() for dock in window.docks)
    enabled = {key for key, action in window.actions_by_id.items() if action.isEnabled()}
    always = {"palette", "shortcuts", "change_shortcuts", "show_plan", "compute", "tiles"}
    assert enabled == {"new", "open", "sample", "quit"} | always


def test_with_a_project_docks_and_commands_are_there(open_window: MainWindow, qtbot: QtBot) -> None:
    assert open_window.windowTitle().startswith("photos")
    assert all(dock.isVisible() for dock in open_window.docks)
    assert open_window.actions_by_id["brush"].isEnabled()
    assert not open_window.actions_by_id["undo"].isEnabled()
    qtbot.waitUntil(lambda: open_window.status.saved.text() == "All changes saved")
    assert open_window.status.image_size.text().startswith("160")


def test_closing_the_project_goes_back_to_the_start(open_window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(open_window.canvas, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert open_window.start.isVisible()
    assert open_window.windowTitle() == "mrcnn-gui"


def test_folder_dropped_on_the_window_opens(
    window: MainWindow, services: Services, photos: Path, qtbot: QtBot
) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photos))])
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    assert window.acceptDrops()
    with qtbot.waitSignal(services.session.project_opened):
        window.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, left, none))
    assert services.session.folder == photos / ".mrcnn"


def test_opened_project_is_offered_again(open_window: MainWindow, photos: Path) -> None:
    menu = QMenu()
    open_window.project.fill_recent(menu)
    assert [action.text() for action in menu.actions()] == [str(photos)]


def test_folder_without_images_is_told_in_the_bar(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "nothing").mkdir()
    window.project.open(tmp_path / "nothing")
    qtbot.waitUntil(lambda: "no images in" in window.messages.text)
    assert window.start.isVisible()


def test_done_key_toggles(open_window: MainWindow, services: Services, qtbot: QtBot) -> None:
    for status in (ReviewStatus.DONE, ReviewStatus.IN_PROGRESS, ReviewStatus.DONE):
        qtbot.keyClick(open_window.canvas, Qt.Key.Key_D)
        assert services.session.entry is not None
        assert services.session.entry.status is status
        done = open_window.actions_by_id["done"]
        assert done.isChecked() is (status is ReviewStatus.DONE)


@pytest.mark.parametrize(
    ("key", "tool"), [("B", "brush"), ("E", "eraser"), ("P", "polygon"), ("V", "select")]
)
def test_tool_keys(
    open_window: MainWindow, services: Services, qtbot: QtBot, key: str, tool: str
) -> None:
    for _ in range(2):  # the second press must not take the tool out of the hand
        qtbot.keyClicks(open_window.canvas, key.lower())
        assert services.view_state.tool == tool
        assert open_window.actions_by_id[tool].isChecked()
    has_radius = tool in ("brush", "eraser")
    qtbot.waitUntil(lambda: open_window.tools.radius.isVisible() is has_radius)


def test_bracket_keys_and_slider_set_the_radius(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    qtbot.keyClicks(open_window.canvas, "b")
    before = services.view_state.brush_radius
    qtbot.keyClicks(open_window.canvas, "]")
    assert services.view_state.brush_radius == pytest.approx(1.2 * before)
    open_window.tools.radius.slider.setValue(open_window.tools.radius.slider.maximum())
    assert services.view_state.brush_radius == pytest.approx(512)


def test_delete_and_undo(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int], qtbot: QtBot
) -> None:
    instance_id = add_instance()
    services.view_state.set_selected_instance(instance_id)
    qtbot.waitUntil(open_window.actions_by_id["delete"].isEnabled)
    qtbot.keyClick(open_window.canvas, Qt.Key.Key_Delete)
    assert services.session.document is not None
    assert services.session.document.instances == {}
    assert services.view_state.selected_instance is None
    assert open_window.actions_by_id["undo"].text().startswith("&Undo ")
    qtbot.keyClick(open_window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert instance_id in services.session.document.instances


def test_escape_cancels_what_is_drawn_and_else_deselects(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int], qtbot: QtBot
) -> None:
    canvas, selected = open_window.canvas, add_instance()
    services.view_state.set_selected_instance(selected)
    qtbot.keyClicks(canvas, "p")
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.rect().center())
    assert canvas.preview.outline
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert not canvas.preview.outline
    assert services.view_state.selected_instance == selected
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert services.view_state.selected_instance is None


def test_question_mark_shows_the_sheet(open_window: MainWindow, qtbot: QtBot) -> None:
    from mrcnn_gui.ui.dialogs.shortcuts import ShortcutSheet

    qtbot.keyClicks(open_window.canvas, "?")
    sheet = open_window.findChild(ShortcutSheet)
    assert sheet is not None
    sheet.close()


def test_every_control_has_an_accessible_name(open_window: MainWindow) -> None:
    controls = [*open_window.findChildren(QAbstractButton), *open_window.findChildren(QSlider)]
    nameless = [
        control.objectName() or repr(control)
        for control in controls
        # Qt's own, such as the buttons in a dock's title bar, are not ours to name.
        if not control.objectName().startswith("qt_")
        and not (control.accessibleName() or control.property("text"))
    ]
    assert nameless == []


def test_arrows_nudge_the_selected_instance_or_step_through_the_images(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int]
) -> None:
    session = services.session
    assert session.document is not None
    first = session.document.image_id
    instance_id = add_instance(20, 20)
    services.view_state.selected_instance = instance_id
    QTest.keyClick(open_window.canvas, Qt.Key.Key_Right)
    assert session.document.image_id == first
    assert session.document.instances[instance_id].mask.x == 21
    QTest.keyClick(open_window.canvas, Qt.Key.Key_PageDown)
    assert session.document.image_id != first
    QTest.keyClick(open_window.canvas, Qt.Key.Key_Left)
    assert session.document.image_id == first
    assert session.document.instances[instance_id].mask.x == 21


def test_commands_on_several_instances_are_one_step(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int], qtbot: QtBot
) -> None:
    session, state = services.session, services.view_state
    ids = add_instance(20, 20), add_instance(60, 40), add_instance(100, 60)
    assert session.document is not None
    state.hidden_instances = frozenset({ids[2]})
    QTest.keyClick(open_window.canvas, Qt.Key.Key_A, CONTROL)
    assert state.selected_instances == ids[:2]
    assert session.history is not None
    qtbot.waitUntil(open_window.actions_by_id["hide_one"].isEnabled)
    open_window.actions_by_id["hide_one"].trigger()
    assert state.hidden_instances == frozenset(ids)
    open_window.actions_by_id["hide_one"].trigger()
    QTest.keyClick(open_window.canvas, Qt.Key.Key_Delete)
    assert list(session.document.instances) == [ids[2]]
    assert session.history.undo_title == "Delete instances"
    session.undo()
    assert list(session.document.instances) == list(ids)
    QTest.keyClick(open_window.canvas, Qt.Key.Key_A, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert state.selected_instances == ids[:2]
