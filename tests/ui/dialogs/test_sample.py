from pathlib import Path
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QDir, Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.dialogs.sample import SampleDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.scenes import HEIGHT, WIDTH, SceneInstance
from tests.ui.conftest import square

LEFT = Qt.MouseButton.LeftButton
GROUND = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture(autouse=True)
def quick_scenes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    objects = (SceneInstance("leaf", square(10, 10)),)
    monkeypatch.setattr("mrcnn_gui.workflows.sample.scene", lambda _: (GROUND, objects))
    monkeypatch.setattr(QDir, "home", lambda: QDir(str(tmp_path)))


@pytest.fixture
def dialog(window: MainWindow, qtbot: QtBot) -> SampleDialog:
    """Opened as a newcomer opens it."""
    qtbot.mouseClick(window.start.sample, LEFT)
    made = window.findChild(SampleDialog)
    assert made is not None
    return made


def test_from_nothing_to_an_open_project(
    dialog: SampleDialog, services: Services, tmp_path: Path, qtbot: QtBot
) -> None:
    assert dialog.folder.path == tmp_path / "sample-project"
    with qtbot.waitSignal(services.session.project_opened, timeout=30_000):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert len(services.session.images) == 24
    assert services.session.folder == tmp_path / "sample-project" / ".mrcnn"


def test_a_folder_that_is_taken_is_told_and_another_one_is_proposed(
    dialog: SampleDialog, window: MainWindow, services: Services, tmp_path: Path, qtbot: QtBot
) -> None:
    taken = tmp_path / "sample-project"
    taken.mkdir()
    (taken / "photo.jpg").write_bytes(b"of somebody")
    qtbot.mouseClick(dialog.make_button, LEFT)
    qtbot.waitUntil(lambda: "holds files" in dialog.problem.text())
    assert dialog.make_button.isEnabled()
    assert SampleDialog(services.jobs, window).folder.path == tmp_path / "sample-project-2"


def test_the_sample_gets_a_folder_of_its_own_in_the_one_that_is_chosen(
    dialog: SampleDialog, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = tmp_path / "photos"
    (chosen / "sample-project").mkdir(parents=True)
    ask = "mrcnn_gui.ui.dialogs.sample.QFileDialog.getExistingDirectory"
    for answer in (str(chosen), ""):  # then cancelled
        monkeypatch.setattr(ask, lambda *_, answer=answer: answer)
        qtbot.mouseClick(dialog.folder.button, LEFT)
        assert dialog.folder.path == chosen / "sample-project-2"


def test_closing_leaves_nothing(
    dialog: SampleDialog,
    services: Services,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached, goes_on = Event(), Event()

    def wait(_: int) -> tuple[NDArray[np.uint8], tuple[()]]:
        reached.set()
        assert goes_on.wait(30)
        return GROUND, ()

    monkeypatch.setattr("mrcnn_gui.workflows.sample.scene", wait)
    before = set(tmp_path.iterdir())
    qtbot.mouseClick(dialog.make_button, LEFT)
    qtbot.waitUntil(reached.is_set)
    dialog.reject()
    goes_on.set()
    assert services.jobs.shutdown()
    assert set(tmp_path.iterdir()) == before
    assert services.session.folder is None
