from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.edits import RemoveInstance
from mrcnn_gui.ui.item_models.instances import Column
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

Add = Callable[..., int]


def cell(window: MainWindow, row: int, column: Column) -> QPoint:
    view = window.instances.view
    return view.visualRect(view.model().index(row, column)).center()


def test_model_keeps_qts_rules(
    open_window: MainWindow, add_instance: Add, qtmodeltester: ModelTester
) -> None:
    add_instance()
    qtmodeltester.check(open_window.instances.model)


def test_rows_follow_the_document(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    panel, session = open_window.instances, services.session
    assert panel.empty.isVisible()
    first, second, third = add_instance(), add_instance(50), add_instance(90)
    rows = panel.model
    assert [rows.id_at(row) for row in range(3)] == [first, second, third]
    assert rows.index(0, Column.AREA).data() == "400"
    assert rows.index(0, Column.SOURCE).data() == "You"
    assert session.document is not None
    session.push(RemoveInstance(session.document.instances[second]))
    assert [rows.id_at(row) for row in range(rows.rowCount())] == [first, third]
    session.undo()
    assert [rows.id_at(row) for row in range(3)] == list(session.document.instances)


def test_click_selects_and_centres(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    instance_id = add_instance(0, 0, 10)
    pos = cell(open_window, 0, Column.CATEGORY)
    qtbot.mouseClick(open_window.instances.view.viewport(), Qt.MouseButton.LeftButton, pos=pos)
    assert services.view_state.selected_instance == instance_id
    viewport = open_window.canvas.viewport
    assert viewport is not None
    x, y = viewport.to_view(5, 5)
    assert abs(x - viewport.view_width / 2) <= 1
    assert abs(y - viewport.view_height / 2) <= 1


def test_eye_hides_and_shows(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    instance_id = add_instance()
    for hidden in (frozenset({instance_id}), frozenset()):
        pos = cell(open_window, 0, Column.SHOWN)
        qtbot.mouseClick(open_window.instances.view.viewport(), Qt.MouseButton.LeftButton, pos=pos)
        assert services.view_state.hidden_instances == hidden


def test_selection_on_the_canvas_marks_the_row(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    add_instance()
    services.view_state.selected_instance = add_instance(60)
    assert open_window.instances.view.currentIndex().row() == 1
    services.view_state.selected_instance = None
    assert not open_window.instances.view.selectionModel().hasSelection()


def test_several_rows_are_several_selected_instances(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    first, second, third = add_instance(0), add_instance(40), add_instance(80)
    view = open_window.instances.view
    for row, keys in (
        (2, Qt.KeyboardModifier.NoModifier),
        (0, Qt.KeyboardModifier.ControlModifier),
    ):
        pos = cell(open_window, row, Column.CATEGORY)
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, keys, pos)
    assert services.view_state.selected_instances == (third, first)
    services.view_state.selected_instances = (first, second)
    assert [index.row() for index in view.selectionModel().selectedRows()] == [0, 1]
    assert view.currentIndex().row() == 1


def test_names_of_categories_have_room_beside_a_scroll_bar(
    open_window: MainWindow, add_instance: Add
) -> None:
    for _ in range(30):
        add_instance()
    open_window.resize(1100, 760)
    view = open_window.instances.view
    QApplication.processEvents()
    assert view.verticalScrollBar().isVisible()
    name = view.fontMetrics().horizontalAdvance("balloon")
    assert view.columnWidth(Column.CATEGORY) >= 24 + name  # the swatch, and the name
