"""Services on a generated project, with a predictor that always finds the same."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from core.masks import Mask
from core.model.config import MaskRCNNConfig
from core.predictor import Detection
from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.workflows.models import Compute


def square(left: int, top: int, side: int = 8) -> Mask:
    return Mask.from_bitmap(np.ones((side, side), bool), left, top)


class FakePredictor:
    """Finds three squares that do not touch in every image: sure, likely, and doubtful.

    Attributes:
        gate: While it is cleared, `predict` waits.
        asked: The names of the threads that called `predict`, in order.
    """

    categories = ("object",)
    device = "cpu"
    precision = "fp32"
    reason = "tests have no other"
    config = MaskRCNNConfig(image_size=40)

    def __init__(self, folder: Path, gate: threading.Event, asked: list[str]) -> None:
        self.folder = folder
        self.gate = gate
        self.asked = asked

    def predict(self, image: NDArray[np.uint8], **_: object) -> list[Detection]:
        self.asked.append(threading.current_thread().name)
        assert self.gate.wait(10), "nobody opened the gate"
        places = ((4, 4, 0.9), (20, 20, 0.6), (40, 30, 0.2))
        return [
            Detection("object", score, (x, y, x + 8.0, y + 8.0), square(x, y))
            for x, y, score in places
        ]


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    assert runner.shutdown(10_000)


@pytest.fixture
def session(jobs: JobRunner) -> Iterator[Session]:
    made = Session(jobs)
    yield made
    made.close_project()


@pytest.fixture
def failures(session: Session) -> list[tuple[str, str]]:
    """What the session told the person, title and text."""
    told: list[tuple[str, str]] = []
    session.failed.connect(lambda title, text: told.append((title, text)))
    return told


@pytest.fixture
def view_state(qtbot: QtBot) -> ViewState:
    return ViewState()


@pytest.fixture
def images(session: Session, jobs: JobRunner) -> Images:
    return Images(session, jobs)


@pytest.fixture
def open_session(session: Session, photo_project: Path, qtbot: QtBot) -> Session:
    """A session on the project of four photos, whose sizes and hashes are known."""
    assert session.open_project(photo_project)
    qtbot.waitUntil(lambda: all(entry.content_hash for entry in session.images))
    return session


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Open: the predictor answers at once. Tests may clear it; it is opened at the end."""
    event = threading.Event()
    event.set()
    yield event
    event.set()


@pytest.fixture
def loaded() -> list[Path]:
    """The model folders that were loaded, in order."""
    return []


@pytest.fixture
def asked() -> list[str]:
    """The names of the threads on which the predictor was called, in order."""
    return []


@pytest.fixture
def starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A starter whose weights nobody reads."""
    folder = tmp_path / "resources" / "starter"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setattr("mrcnn_gui.workflows.models.resource", lambda _: folder)
    return folder


@pytest.fixture
def segmenter(
    session: Session,
    view_state: ViewState,
    jobs: JobRunner,
    starter: Path,
    gate: threading.Event,
    loaded: list[Path],
    asked: list[str],
) -> Segmenter:
    def load(folder: Path, compute: Compute) -> FakePredictor:
        loaded.append(folder)
        predictor = FakePredictor(folder, gate, asked)
        if compute.precision != "auto":
            predictor.precision = compute.precision
        return predictor

    return Segmenter(session, view_state, jobs, load=load)  # type: ignore[arg-type]


def write_versions(project: Path, *names: str) -> None:
    """Put model versions into a project, as far as their names matter."""
    for name in names:
        folder = project / "models" / name
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"weights")
