from pathlib import Path

from pytestqt.qtbot import QtBot

from mrcnn_gui.app import close_services, make_services
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


def test_the_menu_turns_tiles_on_and_off_and_tells_which(
    window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    action = window.actions_by_id["tiles"]
    assert not action.isChecked()
    for tiles in (True, False):
        action.trigger()
        assert (services.segmenter.tiles, services.settings.tiles) == (tiles, tiles)
        assert action.isChecked() == tiles
    services.segmenter.use_tiles(True)
    qtbot.waitUntil(action.isChecked)


def test_the_next_start_looks_in_tiles_again(tmp_path: Path, qtbot: QtBot) -> None:
    for tiles in (True, False):
        settings = Settings(tmp_path / "settings.ini")
        settings.tiles = tiles
        services = make_services(settings)
        assert services.segmenter.tiles == tiles
        window = MainWindow(services)
        qtbot.addWidget(window)
        assert window.actions_by_id["tiles"].isChecked() == tiles
        close_services(services)
