from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from tests.ui.conftest import open_next, square

Add = Callable[..., int]
CONTROL = Qt.KeyboardModifier.ControlModifier


def masks(services: Services) -> list[Mask]:
    assert services.session.document is not None
    return [it.mask for it in services.session.document.instances.values()]


def test_copies_go_to_another_image_at_the_same_place(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    session, state = services.session, services.view_state
    state.selected_instances = (add_instance(20, 20), add_instance(60, 30))
    qtbot.waitUntil(open_window.actions_by_id["copy"].isEnabled)
    QTest.keyClick(open_window.canvas, Qt.Key.Key_C, CONTROL)
    open_next(services, qtbot)
    QTest.keyClick(open_window.canvas, Qt.Key.Key_V, CONTROL)
    assert masks(services) == [square(20, 20), square(60, 30)]
    assert len(state.selected_instances) == 2
    assert session.history is not None
    assert session.history.undo_title == "Paste instances"
    session.undo()
    assert masks(services) == []


def test_copies_of_one_image_lie_beside_each_other(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    services.view_state.selected_instance = add_instance(20, 20)
    open_window.clipboard.copy()
    open_window.clipboard.paste()
    open_window.clipboard.paste()
    assert masks(services) == [square(20, 20), square(24, 24), square(28, 28)]


def test_a_duplicate_in_the_corner_goes_the_other_way(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    services.view_state.selected_instance = original = add_instance(140, 100)
    open_window.clipboard.duplicate()
    assert masks(services) == [square(140, 100), square(136, 96)]
    assert services.view_state.selected_instance != original


def test_a_copy_is_made_by_a_person_and_has_no_record_of_its_own(
    open_window: MainWindow, services: Services
) -> None:
    session = services.session
    model = Provenance(Source.MODEL, "v1", 0.5)
    key, category = session.new_instance_id(), session.categories[0].id
    mask = Mask.from_bitmap(np.ones((5, 5), dtype=np.bool_), 30, 30)
    attributes = {"occluded": True}
    session.push(
        AddInstance(
            Instance(key, category, mask, model, True, attributes, "{}", locked=True, seconds=3.0)
        )
    )
    services.view_state.selected_instance = key
    open_window.clipboard.duplicate()
    assert session.document is not None
    copy = session.document.instances[services.view_state.selected_instance]
    assert (copy.provenance, copy.original, copy.locked) == (Provenance(Source.HUMAN), "", False)
    assert (copy.is_crowd, copy.attributes, copy.seconds) == (True, attributes, 0.0)


def test_copies_wait_for_an_image_that_is_still_being_read(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    """As long as its size is not known, everything would seem to lie outside of it."""
    services.view_state.selected_instance = add_instance(20, 20)
    open_window.clipboard.copy()
    open_next(services, qtbot)
    document = services.session.document
    assert document is not None
    width, document.width = document.width, 0
    with qtbot.waitSignal(open_window.clipboard.message) as said:
        open_window.clipboard.paste()
    assert "still being read" in said.args[0]
    document.width = width
    open_window.clipboard.paste()
    assert masks(services) == [square(20, 20)]


def test_without_a_copy_there_is_nothing_to_paste(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(open_window.clipboard.message):
        open_window.clipboard.paste()
    services.view_state.selected_instance = add_instance(20, 20)
    open_window.clipboard.copy()
    services.session.close_project()
    with qtbot.waitSignal(open_window.clipboard.message):
        open_window.clipboard.paste()
