from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.dialogs.project_history import ProjectHistoryDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.panels import category_list
from mrcnn_gui.ui.services import Services

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def two_categories(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int]
) -> MainWindow:
    """The window with an instance of "object", the active category, and a category "leaf"."""
    add_instance()
    assert services.project_edits.add_category("leaf") is not None
    services.view_state.active_category = services.session.categories[0].id
    return open_window


def names(services: Services) -> list[str]:
    return [category.name for category in services.session.categories]


def history(window: MainWindow) -> ProjectHistoryDialog:
    window.actions_by_id["project_history"].trigger()
    dialog = window.findChild(ProjectHistoryDialog)
    assert dialog is not None
    return dialog


def test_a_merge_is_listed_undone_and_done_again(
    two_categories: MainWindow, services: Services, qtbot: QtBot
) -> None:
    two_categories.actions_by_id["merge_category"].trigger()
    question = two_categories.findChild(QInputDialog)
    assert question is not None
    assert "“object” has 1 instance on 1 image." in question.labelText()
    with qtbot.waitSignal(services.project_edits.finished):
        question.accept()
    assert names(services) == ["leaf"]
    assert "Merged on 1 image" in two_categories.messages.text

    dialog = history(two_categories)
    [item] = [dialog.list.topLevelItem(0)]
    assert item is not None
    assert [item.text(column) for column in range(3)] == ["Merge object into leaf", "1", ""]
    assert not dialog.redo.isEnabled()
    with qtbot.waitSignal(services.project_edits.finished):
        qtbot.mouseClick(dialog.undo, LEFT)
    assert names(services) == ["object", "leaf"]
    assert dialog.outcome.text() == "Undone: Merge object into leaf"
    with qtbot.waitSignal(services.project_edits.finished):
        qtbot.mouseClick(dialog.redo, LEFT)
    assert names(services) == ["leaf"]
    dialog.close()


def test_a_category_is_deleted_after_a_question(
    two_categories: MainWindow,
    services: Services,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def answer(_: object, title: str, text: str, answers: list[str]) -> int:
        asked.append(text)
        return len(asked) - 2  # dismissed first, then the first answer

    monkeypatch.setattr(category_list, "ask", answer)
    two_categories.actions_by_id["delete_category"].trigger()
    assert names(services) == ["object", "leaf"]
    with qtbot.waitSignal(services.project_edits.finished):
        two_categories.actions_by_id["delete_category"].trigger()
    assert "“object” has 1 instance on 1 image." in asked[0]
    assert names(services) == ["leaf"]
    assert services.session.document is not None
    assert services.session.document.instances == {}
