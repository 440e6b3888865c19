"""Going through an image without the mouse."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.canvas.viewport import Viewport
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

Add = Callable[..., int]
SHIFT = Qt.KeyboardModifier.ShiftModifier


def press(window: MainWindow, *keys: str) -> None:
    for each in keys:
        QApplication.processEvents()  # what is enabled follows a moment later
        QTest.keySequence(window.canvas, QKeySequence(each))


@pytest.fixture
def suggested(open_window: MainWindow, services: Services, qtbot: QtBot) -> list[str]:
    """Keys of two suggestions: at (10, 10) and, weaker, at (60, 30)."""
    assert services.session.document is not None
    services.segmenter.run([services.session.document.image_id])
    qtbot.waitUntil(lambda: len(services.segmenter.visible_suggestions()) == 2)
    return [it.key for it in services.segmenter.visible_suggestions()]


def test_next_and_previous_instance_are_zoomed_to(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    ids = [add_instance(left, 10, 10) for left in (10, 60, 110)]
    hidden = add_instance(30)
    services.view_state.hidden_instances = frozenset({hidden})
    for keys, expected in ((".", 0), (".", 1), (",", 0), (",", 2), (".", 0)):
        press(open_window, keys)
        assert services.view_state.selected_instance == ids[expected]
        viewport = open_window.canvas.viewport
        assert viewport is not None
        x, y = viewport.to_image(viewport.view_width / 2, viewport.view_height / 2)
        assert (x, y) == pytest.approx(((15, 65, 115)[expected], 15), abs=0.2)
        assert viewport.scale == 8.0


def test_suggestions_are_zoomed_to_only_where_they_are_not_seen_well(
    open_window: MainWindow, services: Services, suggested: list[str]
) -> None:
    canvas = open_window.canvas

    def viewport() -> Viewport:
        assert canvas.viewport is not None
        return canvas.viewport

    before = viewport()
    for keys, expected in (("Tab", 0), ("Shift+Tab", 1)):
        press(open_window, keys)
        assert services.view_state.selected_suggestion == suggested[expected]
    assert viewport() == before
    canvas.zoom_at(40.0, QPointF(0, 0))
    press(open_window, "Tab", "Tab")
    assert viewport().shows_well((60, 30, 80, 50))
    canvas.zoom_at(0.5, QPointF(0, 0))
    press(open_window, "Tab")
    assert viewport().scale == 8.0


def test_after_a_decision_the_next_one_is_selected(
    open_window: MainWindow, services: Services, suggested: list[str]
) -> None:
    press(open_window, "Tab")
    for keys, expected in (("Return", suggested[1]), ("Backspace", None)):
        press(open_window, keys)
        assert services.view_state.selected_suggestion == expected
    document = services.session.document
    assert document is not None
    assert [it.verdict.value for it in document.decisions.values()] == ["accepted", "rejected"]


def test_the_selected_one_is_decided_whatever_lies_under_a_resting_cursor(
    open_window: MainWindow, services: Services, suggested: list[str]
) -> None:
    services.view_state.hovered_suggestion = suggested[0]
    press(open_window, "Tab", "Tab", "Backspace")
    document = services.session.document
    assert document is not None
    assert list(document.decisions) == [suggested[1]]


def test_a_digit_accepts_a_selected_suggestion_as_that_category(
    open_window: MainWindow, services: Services, suggested: list[str]
) -> None:
    services.project_edits.add_category("balloon")
    balloon = next(it for it in services.session.categories if it.name == "balloon")
    assert balloon.key == 2
    press(open_window, "Tab", "2")
    document = services.session.document
    assert document is not None
    assert [it.category_id for it in document.instances.values()] == [balloon.id]
    assert services.view_state.selected_suggestion == suggested[1]
    assert services.view_state.active_category == balloon.id


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.NoModifier, SHIFT])
def test_enter_in_a_line_of_text_decides_nothing(
    open_window: MainWindow,
    services: Services,
    suggested: list[str],
    qtbot: QtBot,
    modifier: Qt.KeyboardModifier,
) -> None:
    press(open_window, "Tab")
    open_window.images.focus_search()
    qtbot.keyClick(open_window.images.search, Qt.Key.Key_Return, modifier)
    open_window.actions_by_id["rename_category"].trigger()
    editor = open_window.categories.list.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, "leaf")
    qtbot.keyClick(editor, Qt.Key.Key_Return, modifier)
    qtbot.waitUntil(lambda: [it.name for it in services.session.categories] == ["leaf"])
    assert services.session.document is not None
    assert services.session.document.instances == {}


def test_enter_in_the_history_goes_there_and_decides_nothing(
    open_window: MainWindow,
    services: Services,
    suggested: list[str],
    add_instance: Add,
    qtbot: QtBot,
) -> None:
    add_instance()
    press(open_window, "Tab")
    history = open_window.history.view
    open_window.docks[3].raise_()
    history.setFocus()
    history.setCurrentIndex(open_window.history.model.index(0))
    qtbot.keyClick(history, Qt.Key.Key_Return)
    assert services.session.document is not None
    assert services.session.document.instances == {}
    assert not services.session.document.decisions
