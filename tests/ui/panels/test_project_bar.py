from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.store import PROJECT_FOLDER, Store
from mrcnn_gui.services.exclusive import Course
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

LEFT = Qt.MouseButton.LeftButton
WRITING = ("brush", "done", "presegment", "import", "add_category")


def enabled(window: MainWindow) -> list[str]:
    return [name for name in WRITING if window.actions_by_id[name].isEnabled()]


def test_a_project_that_is_open_elsewhere_can_be_looked_at_until_it_is_free(
    open_window: MainWindow, services: Services, photos: Path, qtbot: QtBot
) -> None:
    folder = photos / PROJECT_FOLDER
    qtbot.waitUntil(lambda: all(entry.content_hash for entry in services.session.images))
    services.view_state.tool = "brush"
    services.session.close_project()
    bar = open_window.project_bar
    assert not bar.isVisible()
    with Store.open(folder):
        services.session.open_project(folder)
        assert bar.isVisible()
        assert "open in another window or command" in bar.text.text()
        assert open_window.status.saved.text() == "Read-only"
        qtbot.waitUntil(lambda: enabled(open_window) == [])
        assert services.view_state.tool == "select"
        qtbot.mouseClick(bar.button, LEFT)
        assert bar.isVisible()
    qtbot.mouseClick(bar.button, LEFT)
    assert not bar.isVisible()
    qtbot.waitUntil(lambda: enabled(open_window) == list(WRITING))
    assert open_window.status.saved.text() == "All changes saved"


def test_work_that_has_the_project_to_itself_is_shown_and_can_be_cancelled(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int], qtbot: QtBot
) -> None:
    add_instance()
    bar = open_window.project_bar
    ends: list[bool] = []
    services.session.exclusive.run("Import of a.json", until_cancelled, on_done=ends.append)
    assert bar.text.text() == "Import of a.json: nothing else is changed meanwhile."
    qtbot.waitUntil(lambda: bar.progress.value() == 500)
    qtbot.waitUntil(lambda: enabled(open_window) == [])
    qtbot.mouseClick(bar.button, LEFT)
    qtbot.waitUntil(lambda: ends == [True])
    assert not bar.isVisible()
    assert services.session.document is not None
    assert len(services.session.document.instances) == 1


def until_cancelled(store: Store, course: Course) -> bool:
    course.report(1, 2)
    while not course.should_stop():
        pass
    return True
