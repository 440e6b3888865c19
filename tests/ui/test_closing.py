from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.errors import StorageError
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.exclusive import Course
from mrcnn_gui.services.write_access import NOT_ON_DISK
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from tests.ui.conftest import write_photo


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


@pytest.mark.parametrize(
    ("answer", "versions"), [(0, ["starter"]), (1, ["starter", "v1"]), (2, ["starter"])]
)
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
    assert not services.settings.window_geometry.isEmpty()
    assert exits == []
    qtbot.waitUntil(lambda: exits == [0])
    assert (services.trainer.unfinished is not None) == (answer == 0)
    assert [version.id for version in services.trainer.versions()] == versions


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another folder of images."""
    folder = tmp_path / "other"
    folder.mkdir()
    write_photo(folder / "photo.png")
    return folder


@pytest.mark.parametrize("way", ["quit", "close", "open"])
def test_what_the_disk_refuses_at_the_end_is_seen(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    other: Path,
    way: str,
) -> None:
    def refuse(_: Path) -> int:
        raise StorageError("input/output error")

    told: list[str] = []
    monkeypatch.setattr("mrcnn_gui.ui.closing.warn", lambda _, *texts: told.extend(texts))
    qtbot.waitUntil(lambda: services.session.saving.is_saved)
    monkeypatch.setattr("mrcnn_gui.services.saving.sync_log", refuse)
    add_instance()
    if way == "quit":
        assert open_window.close()
        assert told == [NOT_ON_DISK, "input/output error"]
        return
    if way == "close":
        open_window.project.close()
    else:
        Store.create(other / ".mrcnn").close()
        services.session.open_project(other / ".mrcnn")
    assert open_window.messages.text == f"{NOT_ON_DISK}: input/output error"
    assert told == []


@pytest.mark.parametrize("way", ["close", "open", "new"])
def test_another_project_does_not_end_the_training_unasked(
    trainable: MainWindow,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    other: Path,
    way: str,
) -> None:
    answers = [-1, 0]
    monkeypatch.setattr("mrcnn_gui.ui.closing.ask", lambda *_: answers.pop(0))

    def leave() -> None:
        if way == "close":
            qtbot.keyClick(trainable.canvas, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
        elif way == "open":
            trainable.project.open(other)
        else:
            trainable.project.create(other / ".mrcnn", other, ["object"])

    services.trainer.start()
    leave()
    assert answers == [0]
    assert services.trainer.is_running
    with qtbot.waitSignal(services.session.project_closed):
        leave()
    assert not services.trainer.is_running


def test_the_project_that_is_open_is_opened_without_a_question(
    trainable: MainWindow, services: Services, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def go_back(_: object, title: str, *__: object) -> int:
        asked.append(title)
        return -1

    monkeypatch.setattr("mrcnn_gui.ui.closing.ask", go_back)
    services.trainer.start()
    for path in (photos, photos / ".mrcnn", photos / "photo_1.png"):
        trainable.project.open(path)
    assert asked == []
    assert services.trainer.is_running


@pytest.mark.parametrize("way", ["quit", "close", "open"])
def test_an_import_is_not_cancelled_unasked(
    open_window: MainWindow,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    other: Path,
    way: str,
) -> None:
    answers = [-1, 0]
    monkeypatch.setattr("mrcnn_gui.ui.closing.ask", lambda *_: answers.pop(0))
    session, began, ended = services.session, Event(), Event()
    first = session.folder

    def work(_: Store, course: Course) -> None:
        began.set()
        while not course.should_stop():
            pass
        ended.set()

    def leave() -> None:
        if way == "quit":
            open_window.close()
        elif way == "close":
            open_window.project.close()
        else:
            open_window.project.open(other)

    session.exclusive.run("Import of a.json", work)
    assert began.wait(10)
    leave()
    assert (answers, session.folder) == ([0], first)
    assert open_window.isVisible()
    assert session.exclusive.title == "Import of a.json"
    leave()
    assert answers == []
    if way == "quit":
        assert not open_window.isVisible()
        session.close_project()
    qtbot.waitUntil(ended.is_set)
    qtbot.waitUntil(lambda: session.folder != first)
