from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.item_models.instances import Column
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

Add = Callable[..., int]


def press(window: MainWindow, keys: str) -> None:
    QApplication.processEvents()  # what is enabled follows a moment later
    QTest.keySequence(window.canvas, QKeySequence(keys))


def locked(services: Services) -> list[bool]:
    document = services.session.document
    assert document is not None
    return [instance.locked for instance in document.instances.values()]


def order(services: Services) -> list[int]:
    document = services.session.document
    assert document is not None
    return list(document.instances)


def test_a_click_on_the_lock_locks(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    add_instance()
    view = open_window.instances.view
    for wanted in (True, False):
        place: QPoint = view.visualRect(view.model().index(0, Column.LOCKED)).center()
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert locked(services) == [wanted]
        spoken = view.model().index(0, Column.LOCKED).data(Qt.ItemDataRole.AccessibleTextRole)
        assert spoken == ("Locked" if wanted else "Not locked")
    services.session.undo()
    assert locked(services) == [True]


def test_lock_and_unlock_by_keys_are_one_step_each(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    first, second, _ = add_instance(), add_instance(50), add_instance(90)
    services.view_state.selected_instances = (first, second)
    press(open_window, "Ctrl+L")
    assert locked(services) == [True, True, False]
    press(open_window, "Delete")
    assert len(order(services)) == 3
    press(open_window, "Ctrl+L")
    assert locked(services) == [False, False, False]
    services.session.undo()
    press(open_window, "Ctrl+Shift+L")
    assert locked(services) == [False, False, False]
    services.session.undo()
    assert locked(services) == [True, True, False]


def test_solo_and_show_all(open_window: MainWindow, services: Services, add_instance: Add) -> None:
    first, second, third = add_instance(), add_instance(50), add_instance(90)
    state = services.view_state
    state.selected_instance = second
    press(open_window, "S")
    assert state.hidden_instances == {first, third}
    press(open_window, "S")
    assert state.hidden_instances == frozenset()
    press(open_window, "S")
    press(open_window, "U")
    assert state.hidden_instances == frozenset()


@pytest.mark.parametrize(
    ("keys", "chosen", "expected"),
    [
        ("Ctrl+Up", 0, [1, 0, 2]),
        ("Ctrl+Down", 2, [0, 2, 1]),
        ("Ctrl+Shift+Up", 0, [1, 2, 0]),
        ("Ctrl+Shift+Down", 2, [2, 0, 1]),
    ],
)
def test_order_by_keys(
    open_window: MainWindow,
    services: Services,
    add_instance: Add,
    keys: str,
    chosen: int,
    expected: list[int],
) -> None:
    ids = [add_instance(10 + 5 * number) for number in range(3)]
    services.view_state.selected_instance = ids[chosen]
    press(open_window, keys)
    assert order(services) == [ids[number] for number in expected]
    rows = open_window.instances.model
    assert [rows.id_at(row) for row in range(3)] == order(services)
    services.session.undo()
    assert order(services) == ids
