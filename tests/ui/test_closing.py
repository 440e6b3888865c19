import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which the program was asked to end."""
    codes: list[int] = []
    monkeypatch.setattr("mrcnn_gui.ui.closing.QCoreApplication.exit", codes.append)
    return codes


def test_closes_at_once_and_remembers_its_place(
    open_window: MainWindow, services: Services, exits: list[int]
) -> None:
    assert open_window.close()
    assert not services.settings.window_geometry.isEmpty()
    assert not services.settings.window_state.isEmpty()
    assert exits == []


def test_going_back_leaves_the_training_alone(
    trainable: MainWindow, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrcnn_gui.ui.closing.ask", lambda *_: -1)
    services.trainer.start()
    assert not trainable.close()
    assert trainable.isVisible()
    assert services.trainer.is_running


@pytest.mark.parametrize(("answer", "versions"), [(0, ["starter", "v1"]), (1, ["starter"])])
def test_quitting_while_training_hides_and_ends_after_the_step(
    trainable: MainWindow,
    services: Services,
    exits: list[int],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    answer: int,
    versions: list[str],
) -> None:
    monkeypatch.setattr("mrcnn_gui.ui.closing.ask", lambda *_: answer)
    services.trainer.start()
    assert not trainable.close()
    assert not trainable.isVisible()
    assert exits == []
    qtbot.waitUntil(lambda: exits == [0])
    assert [version.id for version in services.trainer.versions()] == versions
