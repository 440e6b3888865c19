from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QLineEdit
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


def names(services: Services) -> list[str]:
    return [category.name for category in services.session.categories]


def test_first_category_is_active(open_window: MainWindow, services: Services) -> None:
    assert services.view_state.active_category == services.session.categories[0].id


def test_add_names_a_category_and_makes_it_active(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    open_window.activateWindow()
    qtbot.mouseClick(open_window.categories.add, Qt.MouseButton.LeftButton)
    editor = open_window.categories.list.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, "leaf")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(services) == ["object", "leaf"])
    assert services.view_state.active_category == services.session.categories[1].id


def test_taken_name_is_refused_with_the_reason(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    services.project_edits.add_category("leaf")
    item = open_window.categories.list.topLevelItem(1)
    assert item is not None
    item.setText(0, "object")
    assert names(services) == ["object", "leaf"]
    assert item.text(0) == "leaf"
    assert "object" in open_window.messages.text


def test_recolour(open_window: MainWindow, services: Services, qtbot: QtBot) -> None:
    open_window.actions_by_id["recolour_category"].trigger()
    dialog = open_window.findChild(QColorDialog)
    assert dialog is not None
    dialog.setCurrentColor(QColor("#123456"))
    dialog.accept()
    assert services.session.categories[0].color == "#123456"


def test_number_key_sets_the_category_of_the_selected_instance(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[..., int],
    qtbot: QtBot,
) -> None:
    leaf = services.project_edits.add_category("leaf")
    assert leaf is not None
    instance_id = add_instance()
    services.view_state.selected_instance = instance_id
    qtbot.keyClick(open_window.canvas, Qt.Key.Key_2)
    assert services.view_state.active_category == leaf.id
    assert services.session.document is not None
    assert services.session.document.instances[instance_id].category_id == leaf.id
    counts = [open_window.categories.list.topLevelItem(row).text(2) for row in (0, 1)]  # type: ignore[union-attr]
    assert counts == ["0", "1"]


@pytest.mark.parametrize("may_write", [True, False])
def test_a_double_click_renames_where_the_project_can_be_changed(
    open_window: MainWindow, services: Services, may_write: bool
) -> None:
    if not may_write:
        services.session.refuse_writing("Somebody else writes.")
    tree = open_window.categories.list
    tree.itemDoubleClicked.emit(tree.topLevelItem(0), 0)
    assert (tree.findChild(QLineEdit) is not None) == may_write
