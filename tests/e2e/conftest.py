import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.learning.progress import Progress, Stop
from core.model.checkpoint import save_model
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import MaskRCNN
from mrcnn_gui.app import close_services, make_services
from mrcnn_gui.resources import STARTER, resource
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.finetune import FinetuneOptions, FinetuneResult, finetune
from mrcnn_gui.workflows.finetune_options import RunOrder
from tests.helpers.data import shared_data
from tests.helpers.loop_watch import LoopWatch

TINY = MaskRCNNConfig(
    backbone_width=0.25,
    image_size=192,
    fpn_channels=16,
    rpn_candidates=100,
    rpn_proposals_train=40,
    rpn_proposals_test=40,
    box_channels=32,
    box_samples=24,
    mask_channels=16,
    mask_convs=1,
)


@pytest.fixture(autouse=True)
def watched_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Report what held the event loop: `pytest -rA tests/e2e` shows it."""
    if not {"services", "programs"} & set(request.fixturenames):
        yield
        return
    request.getfixturevalue("qtbot")
    with LoopWatch() as watch:
        yield
    request.node.add_report_section("call", "event loop", watch.report() or "never late")


@pytest.fixture
def balloons(tmp_path: Path) -> Path:
    """A folder of five real photos."""
    folder = tmp_path / "balloons"
    folder.mkdir()
    for photo in sorted((shared_data("balloon") / "images").iterdir())[:5]:
        shutil.copy(photo, folder)
    return folder


@pytest.fixture
def starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The starter that ships with the program; a tiny model where there is none."""
    try:
        return resource(STARTER)
    except FileNotFoundError:
        folder = tmp_path / "starter"
        save_model(folder, MaskRCNN(TINY), {})
        monkeypatch.setattr("mrcnn_gui.workflows.models.resource", lambda _: folder)
        return folder


def one_epoch(
    folder: Path,
    order: RunOrder,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], Stop],
) -> FinetuneResult:
    options = FinetuneOptions(epochs=1)
    return finetune(
        folder, options, run_id=order.run_id, on_progress=on_progress, should_stop=should_stop
    )


@pytest.fixture
def services(tmp_path: Path, starter: Path, qtbot: QtBot) -> Iterator[Services]:
    """The services as the program makes them, but a training takes one epoch."""
    made = make_services(Settings(tmp_path / "settings.ini"))
    trainer = Trainer(made.session, made.segmenter, made.jobs, finetune=one_epoch)
    made = replace(made, trainer=trainer)
    yield made
    close_services(made)


@pytest.fixture
def window(services: Services, qtbot: QtBot) -> MainWindow:
    made = MainWindow(services)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    return made
