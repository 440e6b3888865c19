from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.ui.canvas.tools.table import TOOLS as CANVAS_TOOLS
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.panels.tool_palette import TOOLS
from mrcnn_gui.ui.services import Services


def test_every_tool_of_the_canvas_has_a_button_and_a_key_of_its_own(
    open_window: MainWindow, services: Services
) -> None:
    assert set(TOOLS) == set(CANVAS_TOOLS)
    for name in TOOLS:
        action = open_window.actions_by_id[name]
        button = open_window.palette_bar.widgetForAction(action)
        assert isinstance(button, QToolButton)
        assert button.accessibleName()
        (key,) = action.shortcuts()
        assert len(key.toString()) == 1
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert services.view_state.tool == name
        assert [it for it in TOOLS if open_window.actions_by_id[it].isChecked()] == [name]


def test_the_tolerance_shows_for_the_wand_and_follows_it(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    option = open_window.tools.tolerance
    assert not option.isVisible()
    QTest.keyClick(open_window.canvas, Qt.Key.Key_W)
    qtbot.waitUntil(option.isVisible)
    services.view_state.wand_tolerance = 40
    assert (option.slider.value(), option.value.text()) == (40, "40")
    option.slider.setValue(60)
    assert services.view_state.wand_tolerance == 60


def test_the_overlap_mode_has_three_states_and_a_key(
    open_window: MainWindow, services: Services
) -> None:
    chooser = open_window.tools.overlap
    seen = []
    for _ in range(3):
        QTest.keyClick(open_window.canvas, Qt.Key.Key_O)
        seen.append((services.view_state.overlap, chooser.currentText()))
    assert seen == [
        (Overlap.YIELDS, "New yields"),
        (Overlap.TAKES, "New takes"),
        (Overlap.ALLOWED, "Overlap allowed"),
    ]
    chooser.setCurrentIndex(2)
    assert services.view_state.overlap is Overlap.TAKES
    assert "takes" in chooser.toolTip()
