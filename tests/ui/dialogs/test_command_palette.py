from collections.abc import Callable

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.actions import COMMANDS
from mrcnn_gui.ui.dialogs.command_palette import CommandPalette
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

KEY = Qt.Key


def open_palette(window: MainWindow, qtbot: QtBot) -> CommandPalette:
    qtbot.keyClick(window.canvas, KEY.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.findChild(CommandPalette)
    assert palette is not None
    return palette


def shown(palette: CommandPalette) -> list[str]:
    rows = range(palette.list.topLevelItemCount())
    return [item.text(0) for row in rows if (item := palette.list.topLevelItem(row)) is not None]


def test_a_few_letters_and_enter_run_a_command(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    palette = open_palette(open_window, qtbot)
    assert len(shown(palette)) == len(COMMANDS)
    qtbot.keyClicks(palette.line, "nximg")
    assert shown(palette)[0] == "Next image"
    before = services.session.entry
    qtbot.keyClick(palette.line, KEY.Key_Return)
    assert services.session.entry != before
    qtbot.waitUntil(lambda: open_window.findChild(CommandPalette) is None)


def test_arrows_choose_and_what_makes_no_sense_stays(
    open_window: MainWindow, add_instance: Callable[..., int], qtbot: QtBot
) -> None:
    palette = open_palette(open_window, qtbot)
    qtbot.keyClicks(palette.line, "undo")
    assert shown(palette)[0] == "Undo"
    qtbot.keyClick(palette.line, KEY.Key_Return)
    assert palette.isVisible()  # nothing to undo
    first = palette.list.currentItem()
    palette.line.clear()
    qtbot.keyClick(palette.line, KEY.Key_Down)
    assert palette.list.currentItem() is not first
    palette.close()


def test_words_of_the_explanation_are_found_too(open_window: MainWindow, qtbot: QtBot) -> None:
    palette = open_palette(open_window, qtbot)
    qtbot.keyClicks(palette.line, "the model learns")
    assert shown(palette) == ["Image is done"]
    palette.close()
