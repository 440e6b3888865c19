from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.actions import COMMANDS
from mrcnn_gui.ui.dialogs.shortcut_editor import ShortcutEditor
from mrcnn_gui.ui.keymap import Keymap
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

LEFT = Qt.MouseButton.LeftButton
KEY = Qt.Key
BY_ID = {command.id: command for command in COMMANDS}


def open_editor(window: MainWindow, command: str) -> ShortcutEditor:
    window.actions_by_id["change_shortcuts"].trigger()
    editor = window.findChild(ShortcutEditor)
    assert editor is not None
    editor.choose(BY_ID[command])
    return editor


def test_new_keys_work_at_once_and_after_a_restart(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    editor = open_editor(open_window, "brush")
    qtbot.keyClick(editor.keys, KEY.Key_J)
    qtbot.mouseClick(editor.set_button, LEFT)
    editor.close()
    qtbot.keyClick(open_window.canvas, KEY.Key_B)
    assert services.view_state.tool == "select"
    qtbot.keyClick(open_window.canvas, KEY.Key_J)
    assert services.view_state.tool == "brush"
    assert "(J)" in open_window.actions_by_id["brush"].toolTip()
    again = Keymap(services.settings, open_window.actions_by_id)
    assert again.keys(BY_ID["brush"]) == ("J",)


def test_keys_of_another_command_are_taken_after_a_warning(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    editor = open_editor(open_window, "brush")
    qtbot.keyClick(editor.keys, KEY.Key_N)
    assert "Next image to do" in editor.note.text()
    qtbot.mouseClick(editor.set_button, LEFT)
    keymap = open_window.help.keymap
    assert keymap.keys(BY_ID["brush"]) == ("N",)
    assert keymap.keys(BY_ID["next_todo"]) == ()
    qtbot.mouseClick(editor.reset_button, LEFT)
    assert keymap.keys(BY_ID["next_todo"]) == ("N",)
    assert services.settings.shortcuts == {}
    editor.close()


def test_none_and_search(open_window: MainWindow, qtbot: QtBot) -> None:
    editor = open_editor(open_window, "fit")
    qtbot.mouseClick(editor.clear_button, LEFT)
    assert open_window.actions_by_id["fit"].shortcuts() == []
    qtbot.keyClicks(editor.search, "polyg")
    rows = range(editor.table.topLevelItemCount())
    items = [editor.table.topLevelItem(row) for row in rows]
    assert [it.text(0) for it in items if it is not None and not it.isHidden()] == ["Polygon"]
    editor.close()


def test_settings_that_make_no_sense_are_left_alone(services: Services) -> None:
    services.settings._settings.setValue("shortcuts", "[1, 2]")
    assert services.settings.shortcuts == {}


def test_shortcuts_of_commands_that_are_gone_do_no_harm(
    window: MainWindow, services: Services
) -> None:
    settings: Settings = services.settings
    settings.shortcuts = {"gone": ["X"], "fit": ["Y"]}
    keymap = Keymap(settings, window.actions_by_id)
    assert keymap.keys(BY_ID["fit"]) == ("Y",)
    keymap.change(BY_ID["fit"], ["Z"])
    assert settings.shortcuts == {"fit": ["Z"]}
