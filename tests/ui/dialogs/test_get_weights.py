from pathlib import Path
from threading import Event

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.services.jobs import Job
from mrcnn_gui.services.weights import Weights
from mrcnn_gui.ui.dialogs.get_weights import GetWeightsDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.published_models import AddedModel

LEFT = Qt.MouseButton.LeftButton


class Server:
    """Stands in for the download: half a file, then the rest, an error, or waiting."""

    def __init__(self) -> None:
        self.go_on, self.error = Event(), ""
        self.asked: list[object] = []

    def __call__(self, folder: Path, source: object, job: Job) -> AddedModel | None:
        self.asked.append(source)
        job.report((50_000_000, 100_000_000))
        while not self.go_on.wait(0.005):
            if job.should_stop():
                return None
        if self.error:
            raise ProjectError(self.error)
        version = folder / "models" / "v1"
        version.mkdir(parents=True)
        (version / "model.safetensors").write_bytes(b"weights that nobody reads")
        return AddedModel("v1", "295 weights loaded")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def dialog(
    open_window: MainWindow, services: Services, server: Server, monkeypatch: pytest.MonkeyPatch
) -> GetWeightsDialog:
    monkeypatch.setattr(services.weights, "_add", server)
    open_window.actions_by_id["get_weights"].trigger()
    found = open_window.findChild(GetWeightsDialog)
    assert found is not None
    return found


def test_the_catalogue_is_listed_with_its_facts(dialog: GetWeightsDialog) -> None:
    first = dialog.list.topLevelItem(0)
    assert first is not None
    texts = [first.text(column) for column in range(5)]
    assert texts[:4] == ["Mask R-CNN R50-FPN v2, COCO (torchvision)", "47.4", "41.8", "177 MiB"]
    assert "BSD-3-Clause" in texts[4]
    dialog.close()


def test_weights_become_a_version_that_is_listed(
    dialog: GetWeightsDialog, open_window: MainWindow, server: Server, qtbot: QtBot
) -> None:
    dialog.list.setCurrentIndex(dialog.list.model().index(2, 0))
    qtbot.mouseClick(dialog.get_button, LEFT)
    qtbot.waitUntil(lambda: dialog.progress.value() == 500)
    assert dialog.outcome.text() == "50 MB of 100 MB"
    assert not dialog.get_button.isEnabled()
    server.go_on.set()
    qtbot.waitUntil(lambda: dialog.outcome.text().startswith("Added as version v1."))
    versions = open_window.training.versions.list
    assert [versions.topLevelItem(row).text(0) for row in range(2)] == ["starter", "v1"]  # type: ignore[union-attr]
    assert getattr(server.asked[0], "title", "").endswith("(detectron2)")
    dialog.close()


def test_an_error_is_told_and_can_be_tried_again(
    dialog: GetWeightsDialog, server: Server, qtbot: QtBot
) -> None:
    server.error = "the server cannot be reached"
    server.go_on.set()
    qtbot.mouseClick(dialog.get_button, LEFT)
    qtbot.waitUntil(lambda: dialog.outcome.text() == f"Not added: {server.error}")
    assert dialog.get_button.isEnabled()
    dialog.close()


def test_closing_stops_the_download(
    dialog: GetWeightsDialog, services: Services, qtbot: QtBot
) -> None:
    qtbot.mouseClick(dialog.get_button, LEFT)
    assert services.weights.is_running
    dialog.close()
    assert not services.weights.is_running


def test_without_a_project_nothing_is_got(services: Services) -> None:
    weights: Weights = services.weights
    weights.get(Path("a.pth"))
    assert not weights.is_running
