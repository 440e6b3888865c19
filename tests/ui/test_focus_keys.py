from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


def test_arrows_move_a_focused_slider_and_not_the_image(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    slider = open_window.suggestions.slider
    slider.setFocus(Qt.FocusReason.TabFocusReason)
    before, image = slider.value(), services.session.entry
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert slider.value() == before + 1
    assert services.session.entry is image


def test_space_presses_a_focused_button(open_window: MainWindow, qtbot: QtBot) -> None:
    button = open_window.categories.add
    button.setFocus(Qt.FocusReason.TabFocusReason)
    with qtbot.waitSignal(button.clicked):
        qtbot.keyClick(button, Qt.Key.Key_Space)


def test_a_click_on_a_button_leaves_the_keyboard_with_the_canvas(
    open_window: MainWindow, qtbot: QtBot
) -> None:
    brush = open_window.palette_bar.widgetForAction(open_window.actions_by_id["brush"])
    qtbot.mouseClick(brush, Qt.MouseButton.LeftButton)
    assert open_window.canvas.hasFocus()
    assert open_window.actions_by_id["brush"].isChecked()


def test_letters_go_into_the_search_box(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    open_window.images.focus_search()
    qtbot.keyClicks(open_window.images.search, "bend")
    assert open_window.images.search.text() == "bend"
    assert services.view_state.tool == "select"
