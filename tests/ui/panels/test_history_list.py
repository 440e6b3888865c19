from collections.abc import Callable

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.edits import RemoveInstance
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.panels.history_list import HistoryPanel
from mrcnn_gui.ui.services import Services

LEFT = Qt.MouseButton.LeftButton


def rows(panel: HistoryPanel) -> list[str]:
    return [panel.model.index(row).data() for row in range(panel.model.rowCount())]


def areas(services: Services) -> list[int]:
    document = services.session.document
    assert document is not None
    return [each.mask.area for each in document.instances.values()]


def click(panel: HistoryPanel, row: int, qtbot: QtBot) -> None:
    place = panel.view.visualRect(panel.model.index(row)).center()
    qtbot.mouseClick(panel.view.viewport(), LEFT, pos=place)


def test_a_click_goes_back_and_forth(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[..., int],
    qtbot: QtBot,
) -> None:
    panel = open_window.history
    assert rows(panel) == ["Beginning"]
    open_window.docks[3].raise_()
    for side in (10, 20, 30):
        add_instance(side=side)
    assert rows(panel) == ["Beginning", *["Add instance"] * 3]
    assert panel.view.currentIndex().row() == panel.model.position == 3
    click(panel, 1, qtbot)
    assert areas(services) == [100]
    assert rows(panel) == ["Beginning", *["Add instance"] * 3]
    click(panel, 3, qtbot)
    assert areas(services) == [100, 400, 900]
    click(panel, 0, qtbot)
    assert areas(services) == []


def test_it_follows_edits_undo_and_other_images(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int]
) -> None:
    panel, session = open_window.history, services.session
    add_instance()
    session.undo()
    session.redo()
    session.undo()
    instance_id = add_instance(side=5)  # in place of the undone one
    assert rows(panel) == ["Beginning", "Add instance"]
    assert session.document is not None
    session.push(RemoveInstance(session.document.instances[instance_id]))
    assert rows(panel) == ["Beginning", "Add instance", "Delete instance"]
    session.next_image()
    assert rows(panel) == ["Beginning"]
    session.next_image(-1)
    assert rows(panel) == ["Beginning", "Add instance", "Delete instance"]
    assert panel.model.position == 2
    session.close_project()
    assert rows(panel) == []
    assert not panel.empty.isHidden()


def test_new_edits_in_place_of_many_undone_ones(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int]
) -> None:
    panel = open_window.history
    for _ in range(4):
        add_instance()
    services.session.jump(1)
    assert services.session.document is not None
    services.session.push(RemoveInstance(next(iter(services.session.document.instances.values()))))
    assert rows(panel) == ["Beginning", "Add instance", "Delete instance"]
