from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel, QMenu, QProxyStyle, QStyle
from pytestqt.qtbot import QtBot

from mrcnn_gui.resources import resource
from mrcnn_gui.ui.action_states import ActionStates
from mrcnn_gui.ui.actions import COMMANDS, MENUS, words_of_keys
from mrcnn_gui.ui.dialogs.export import ExportDialog
from mrcnn_gui.ui.dialogs.new_project import NewProjectDialog
from mrcnn_gui.ui.dialogs.shortcuts import ShortcutSheet
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


def test_every_command_has_a_name_a_menu_a_shortcut_and_words() -> None:
    assert len({command.id for command in COMMANDS}) == len(COMMANDS)
    for command in COMMANDS:
        assert command.menu in MENUS
        assert command.keys, f"{command.id} has no shortcut"
        assert command.text
        assert command.tooltip


def test_no_two_commands_share_a_shortcut() -> None:
    keys = Counter(QKeySequence(key).toString() for command in COMMANDS for key in command.keys)
    assert "" not in keys
    assert [key for key, times in keys.items() if times > 1] == []


def test_no_two_commands_of_a_menu_have_the_same_letter() -> None:
    letters = Counter(
        (command.menu, command.text.partition("&")[2][:1].lower()) for command in COMMANDS
    )
    assert all(letter for _, letter in letters)
    assert [key for key, times in letters.items() if times > 1] == []


def test_every_icon_is_there() -> None:
    for command in COMMANDS:
        if command.icon:
            assert resource(f"icons/{command.icon}.svg").is_file()


def test_commands_of_one_menu_stand_together() -> None:
    order = [command.menu for command in COMMANDS]
    assert list(dict.fromkeys(order)) == list(MENUS)
    assert order == sorted(order, key=MENUS.index)


def test_menus_hold_every_command(window: MainWindow) -> None:
    menus = window.menuBar().findChildren(QMenu)
    shown = {action.objectName() for menu in menus for action in menu.actions()}
    assert {command.id for command in COMMANDS} <= shown


def test_an_edit_has_the_actions_refreshed_once(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    refreshed: list[object] = []
    facts = ActionStates.facts

    def noted(it: ActionStates) -> set[str]:
        refreshed.append(it)
        return facts(it)

    monkeypatch.setattr(ActionStates, "facts", noted)
    refreshed.append(None)
    while refreshed:  # by what comes late of the opening
        refreshed.clear()
        qtbot.wait(100)
    undo = open_window.actions_by_id["undo"]
    services.view_state.selected_instance = add_instance()
    assert undo.isEnabled()  # at once: it may be typed right after a stroke
    assert undo.text() == "&Undo add instance"
    qtbot.waitUntil(open_window.actions_by_id["delete"].isEnabled)
    QApplication.processEvents()
    assert len(refreshed) == 1
    services.session.undo()
    assert not undo.isEnabled()
    assert open_window.actions_by_id["redo"].isEnabled()


class IconStyle(QProxyStyle):
    """Gives the standard buttons of dialogs icons, as desktops do."""

    def styleHint(self, hint: QStyle.StyleHint, *rest: Any) -> int:
        wanted = hint is QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons
        return 1 if wanted else super().styleHint(hint, *rest)


def test_dialogs_have_buttons_of_one_look(
    window: MainWindow, services: Services, qapp: QApplication
) -> None:
    before = qapp.style().name()
    qapp.setStyle(IconStyle("fusion"))
    dialogs = (
        ShortcutSheet(window.help.keymap, window),
        NewProjectDialog(services.settings, window),
        ExportDialog(services.session, services.jobs, services.settings, window),
    )
    for dialog in dialogs:
        dialog.show()
        for box in dialog.findChildren(QDialogButtonBox):
            assert [button.text() for button in box.buttons() if not button.icon().isNull()] == []
        dialog.close()
    qapp.setStyle(before)


def test_sheet_shows_every_shortcut(window: MainWindow) -> None:
    sheet = ShortcutSheet(window.help.keymap, window)
    text = "".join(label.text() for label in sheet.findChildren(QLabel))
    for command in COMMANDS:
        if not command.id.startswith("category_"):
            assert words_of_keys(command.keys).replace("<", "&lt;") in text
    sheet.close()
