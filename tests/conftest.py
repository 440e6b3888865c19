"""Rules that every test is held to, and a small project of generated photos."""

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.helpers.photos import write_photos

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Without a GPU its kernels are run by Triton's interpreter. Triton asks for this when it is
# imported, and torch does that.
if not any(Path("/dev", name).exists() for name in ("nvidiactl", "dxg")):
    os.environ.setdefault("TRITON_INTERPRET", "1")

OUR_LOGGERS = ("core", "mrcnn_gui")
GRACE_SECONDS = 5.0


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """A thread that a test started and that outlives it fails the test."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + GRACE_SECONDS
    for thread in _new_threads(before):
        thread.join(max(0.0, deadline - time.monotonic()))
    leaked = [thread.name for thread in _new_threads(before)]
    assert not leaked, f"threads that are still running: {', '.join(leaked)}"
    assert _qt_pool_is_idle(), "jobs that are still running in Qt's thread pool"


def _new_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        # A dummy stands for a foreign thread (torch's, libvips') that once called Python.
        if thread not in before and not isinstance(thread, threading._DummyThread)
    ]


def _qt_pool_is_idle() -> bool:
    qt = sys.modules.get("PySide6.QtCore")
    pool = qt.QThreadPool.globalInstance() if qt is not None else None
    return pool is None or pool.waitForDone(int(GRACE_SECONDS * 1000))


@pytest.fixture(autouse=True)
def no_leaked_qthreads(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A QThread that a Qt test started and that outlives it fails the test."""
    if "qtbot" not in request.fixturenames:
        yield
        return
    from PySide6.QtCore import QThread

    started: list[QThread] = []
    start = QThread.start

    def remember(thread: QThread, *args: QThread.Priority) -> None:
        started.append(thread)
        start(thread, *args)

    monkeypatch.setattr(QThread, "start", remember)
    yield
    assert not any(thread.isRunning() for thread in started), "a QThread is still running"


@pytest.fixture(autouse=True)
def no_collection_on_workers(request: pytest.FixtureRequest) -> Iterator[None]:
    """In Qt tests garbage is collected between tests only, as the program itself does it."""
    if "qtbot" not in request.fixturenames:
        yield
        return
    gc.disable()
    yield
    gc.enable()


class _Recorder(logging.Handler):
    """Keeps the lines of our own loggers from WARNING up."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in OUR_LOGGERS:
            self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture
def expected_logs() -> list[str]:
    """Words to expect: the test appends one for each kind of line that may be logged."""
    return []


@pytest.fixture(autouse=True)
def no_unexpected_logs(expected_logs: list[str]) -> Iterator[None]:
    """A warning or error in the log that the test did not announce fails it."""
    recorder = _Recorder()
    logging.getLogger().addHandler(recorder)
    yield
    logging.getLogger().removeHandler(recorder)
    unexpected = [line for line in recorder.lines if not any(w in line for w in expected_logs)]
    assert not unexpected, f"unexpected log lines: {unexpected}"
    unseen = [word for word in expected_logs if not any(word in line for line in recorder.lines)]
    assert not unseen, f"expected log lines that did not come: {unseen}"


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    """A folder of four small photos, photo_1.png to photo_4.png, 64 x 48."""
    folder = tmp_path / "photos"
    folder.mkdir()
    write_photos(folder, 4)
    return folder


@pytest.fixture
def photo_project(photo_folder: Path) -> Path:
    """The folder of a project on `photo_folder`, with the category "object"."""
    from mrcnn_gui.project.store import PROJECT_FOLDER, Store

    with Store.create(photo_folder / PROJECT_FOLDER) as store:
        store.add_category("object")
        store.add_images(sorted(photo_folder.glob("*.png")))
    return photo_folder / PROJECT_FOLDER
