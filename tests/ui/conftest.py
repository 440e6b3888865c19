import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.learning.progress import Progress, Stop
from core.masks import Mask
from core.predictor import Detection
from mrcnn_gui.app import close_services
from mrcnn_gui.project.annotation import Instance, Provenance, ReviewStatus, Source
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.project_edits import ProjectEdits
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.training_planner import TrainingPlanner
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.services.weights import Weights
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.finetune_options import RunOrder
from mrcnn_gui.workflows.run_folder import ProjectRun
from mrcnn_gui.workflows.verdict import FinetuneResult, Verdict

WIDTH, HEIGHT = 160, 120


def write_photo(path: Path, seed: int = 0) -> None:
    """A small image of noise with a bright square that lies elsewhere for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 90, (HEIGHT, WIDTH, 3), np.uint8)
    left = 20 + 10 * (seed % 6)
    pixels[30:80, left : left + 50] = 230
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


def square(left: int, top: int, side: int = 20) -> Mask:
    return Mask.from_bitmap(np.ones((side, side), bool), left, top)


class SquaresPredictor:
    """Stands in for the model: always the same three squares."""

    categories = ("object",)
    device = "cpu"
    precision = "fp32"
    reason = "tests have no other"

    def predict(self, image: object, **_: object) -> list[Detection]:
        places = ((10, 10, 0.9), (60, 30, 0.7), (100, 80, 0.3))
        return [
            Detection("object", score, (x, y, x + 20.0, y + 20.0), square(x, y))
            for x, y, score in places
        ]

    def embed(self, image: object) -> None:
        """The image is looked at."""

    def predict_boxes(self, boxes_xyxy: Sequence[tuple[float, ...]]) -> list[Detection]:
        """A square in the upper left corner of a box; nothing in small boxes."""
        (x0, y0, x1, y1) = boxes_xyxy[0]
        mask = Mask.empty() if x1 - x0 < 20 else square(round(x0), round(y0), 10)
        return [Detection("object", 0.8, (x0, y0, x1, y1), mask)]

    def predict_at(self, point: tuple[float, float]) -> list[Detection]:
        """Squares around a point of the right half: of 20, of 10 and of 4."""
        x, y = map(int, point)
        halves = ((10, 0.9), (5, 0.5), (2, 0.25)) if x > 80 else ()
        return [
            Detection("object", score, (x, y, x, y), square(x - half, y - half, 2 * half))
            for half, score in halves
        ]


class Rehearsal:
    """Stands in for a training: one step and one validation, then it waits for its end."""

    def __init__(self) -> None:
        self.end = Event()
        self.verdict = Verdict.UNDECIDED
        self.orders: list[RunOrder] = []
        self.reports = [
            Progress("train", 1, 2, 1, 8, {"total": 2.5}, 0.01, None, 1.0, 90.0, 0),
            Progress("validate", 1, 2, 1, 8, {}, 0.01, {"mask_ap": 0.25}, 1.0, 80.0, 0),
        ]

    def __call__(
        self,
        folder: Path,
        order: RunOrder,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], Stop],
    ) -> FinetuneResult:
        self.orders.append(order)
        run = ProjectRun(folder, order.run_id)
        run.path.mkdir(parents=True, exist_ok=True)
        run.note(parent="starter")
        (run.output / "model").mkdir(parents=True, exist_ok=True)
        for report in self.reports:
            run.log(report)
            on_progress(report)
        while should_stop() is Stop.NO and not self.end.wait(0.005):
            pass
        if should_stop() is Stop.SUSPEND:
            return FinetuneResult(None, "starter", None, None, Verdict.SUSPENDED, "")
        run.discard()
        if should_stop() is Stop.CANCEL:
            return FinetuneResult(None, "starter", None, None, Verdict.CANCELLED, "")
        version = folder / "models" / "v1"
        version.mkdir(parents=True, exist_ok=True)
        (version / "model.safetensors").write_bytes(b"weights that nobody reads")
        (version / "card.json").write_text(json.dumps({"metrics": {"mask_ap": 0.25}}))
        return FinetuneResult("v1", "starter", None, None, self.verdict, "Too few to tell.")


@pytest.fixture
def rehearsal() -> Rehearsal:
    return Rehearsal()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(4):
        write_photo(folder / f"photo_{number}.png", number)
    return folder


@pytest.fixture
def services(
    tmp_path: Path, qtbot: QtBot, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    starter = tmp_path / "starter"
    starter.mkdir()
    (starter / "model.safetensors").write_bytes(b"weights that nobody reads")
    monkeypatch.setattr("mrcnn_gui.workflows.models.resource", lambda _: starter)
    jobs = JobRunner()
    session, view_state = Session(jobs), ViewState()
    segmenter = Segmenter(session, view_state, jobs, load=lambda *_: SquaresPredictor())  # type: ignore[arg-type]
    made = Services(
        jobs=jobs,
        session=session,
        project_edits=ProjectEdits(session),
        view_state=view_state,
        images=Images(session, jobs),
        segmenter=segmenter,
        trainer=Trainer(session, segmenter, jobs, finetune=rehearsal),
        planner=TrainingPlanner(session, jobs),
        weights=Weights(session, jobs),
        settings=Settings(tmp_path / "settings.ini"),
    )
    yield made
    close_services(made)


@pytest.fixture
def window(services: Services, qtbot: QtBot) -> MainWindow:
    made = MainWindow(services)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def open_window(window: MainWindow, services: Services, photos: Path, qtbot: QtBot) -> MainWindow:
    """The window on a project of four photos, the first one open and drawn."""
    with qtbot.waitSignals([services.session.project_opened, services.images.image_ready]):
        window.project.open(photos)
    window.activateWindow()
    window.canvas.setFocus()
    return window


@pytest.fixture
def add_instance(services: Services) -> Callable[..., int]:
    """Adds a square to the open image; returns its id."""

    def add(left: int = 10, top: int = 10, side: int = 20) -> int:
        session = services.session
        instance_id = session.new_instance_id()
        category = session.categories[0].id
        provenance = Provenance(Source.HUMAN)
        instance = Instance(instance_id, category, square(left, top, side), provenance)
        session.push(AddInstance(instance))
        return instance_id

    return add


def open_next(services: Services, qtbot: QtBot) -> None:
    """Open the next image, and wait until its size is known."""
    session = services.session
    session.next_image(1)
    qtbot.waitUntil(lambda: session.document is not None and session.document.width > 0)


@pytest.fixture
def trainable(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int], qtbot: QtBot
) -> MainWindow:
    """The window on a project with three done images, one instance each."""
    qtbot.waitUntil(lambda: all(entry.content_hash for entry in services.session.images))
    for _ in range(3):
        add_instance()
        services.session.set_review_status(ReviewStatus.DONE)
        services.session.next_image(1)
    qtbot.waitUntil(open_window.actions_by_id["fine_tune"].isEnabled)
    return open_window
