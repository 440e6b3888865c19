"""The bar of messages."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui import errors
from mrcnn_gui.ui.main_window import MainWindow


def test_nothing_moves_when_a_message_comes(open_window: MainWindow) -> None:
    canvas = open_window.canvas
    before = canvas.mapToGlobal(QPoint()), canvas.size(), canvas.to_view(0, 0)
    open_window.messages.show_notice("A polygon needs at least three points.")
    assert open_window.messages.isVisible()
    assert open_window.messages.width() == canvas.width()
    assert before == (canvas.mapToGlobal(QPoint()), canvas.size(), canvas.to_view(0, 0))


def test_a_long_message_is_seen_whole_at_any_width(open_window: MainWindow) -> None:
    messages = open_window.messages
    messages.show_error("The change was not made", "the disk is full; " * 20)
    for width in (1300, 900):
        open_window.resize(width, 800)
        assert messages.width() == open_window.canvas.width()
        label = messages._text
        assert label.height() >= label.heightForWidth(label.width())


def test_the_mouse_on_a_message_draws_nothing(open_window: MainWindow) -> None:
    open_window.canvas.set_tool("polygon")
    open_window.messages.show_notice("Choose a category first.")
    QTest.mouseClick(open_window.messages, Qt.MouseButton.LeftButton)
    assert open_window.canvas.preview.outline == ()


def test_notices_go_by_themselves_and_with_the_next_edit_but_failures_stay(
    open_window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = open_window.messages
    messages.show_notice("Something good to know.")
    messages.pass_by()  # too new to have been read
    assert messages.isVisible()
    monkeypatch.setattr(errors, "_NEW_MS", 0)
    qtbot.wait(5)
    messages.pass_by()
    assert not messages.isVisible()
    monkeypatch.setattr(errors, "_NOTICE_MS", 10)
    messages.show_notice("Something good to know.")
    qtbot.waitUntil(lambda: not messages.isVisible())
    messages.show_error("A failure", "its reason")
    messages.pass_by()
    qtbot.wait(30)
    assert messages.isVisible()


def test_before_a_project_is_open_messages_lie_over_the_start_page(window: MainWindow) -> None:
    window.messages.show_error("Cannot open", "there are no images in it")
    assert window.messages.isVisible()
    assert window.messages.width() == window.start.width()
