from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


@pytest.fixture
def suggested(open_window: MainWindow, services: Services, qtbot: QtBot) -> MainWindow:
    """The open image pre-segmented by pressing Space."""
    with qtbot.waitSignal(services.segmenter.finished):
        qtbot.keyClick(open_window.canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(services.segmenter.visible_suggestions()) == 2)
    return open_window


def instance_count(services: Services) -> int:
    assert services.session.document is not None
    return len(services.session.document.instances)


def test_empty_state_says_what_to_press(open_window: MainWindow) -> None:
    assert "Space" in open_window.suggestions.message.text()
    assert not open_window.actions_by_id["accept_all"].isEnabled()


def test_slider_filters_without_asking_the_model_again(
    suggested: MainWindow, services: Services, qtbot: QtBot
) -> None:
    assert suggested.suggestions.message.text().startswith("2 suggestions")
    suggested.suggestions.slider.setValue(5)
    assert services.view_state.score_threshold == pytest.approx(0.05)
    assert len(services.segmenter.visible_suggestions()) == 3
    assert not services.segmenter.is_running
    suggested.suggestions.slider.setValue(100)
    assert suggested.suggestions.message.text() == "No open suggestions at this score"


def test_enter_accepts_the_selected_one(
    suggested: MainWindow, services: Services, qtbot: QtBot
) -> None:
    qtbot.keyClick(suggested.canvas, Qt.Key.Key_Tab)
    best = services.segmenter.visible_suggestions()[0]
    assert services.view_state.selected_suggestion == best.key
    qtbot.keyClick(suggested.canvas, Qt.Key.Key_Return)
    assert instance_count(services) == 1
    assert best.key not in [left.key for left in services.segmenter.visible_suggestions()]


def test_backspace_rejects(suggested: MainWindow, services: Services, qtbot: QtBot) -> None:
    qtbot.keyClick(suggested.canvas, Qt.Key.Key_Tab)
    qtbot.keyClick(suggested.canvas, Qt.Key.Key_Backspace)
    assert len(services.segmenter.visible_suggestions()) == 1
    assert instance_count(services) == 0


def test_accept_all_takes_what_is_visible_and_undo_gives_it_back(
    suggested: MainWindow, services: Services, qtbot: QtBot
) -> None:
    qtbot.waitUntil(suggested.suggestions.accept_all.isEnabled)
    qtbot.mouseClick(suggested.suggestions.accept_all, Qt.MouseButton.LeftButton)
    assert instance_count(services) == 2
    qtbot.keyClick(suggested.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert instance_count(services) == 0
    assert len(services.segmenter.visible_suggestions()) == 2


def test_all_to_do_shows_progress_and_leaves_instances_alone(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[..., int],
    qtbot: QtBot,
) -> None:
    add_instance(10, 10)
    bar = open_window.suggestions
    heard: list[str] = []
    services.segmenter.progressed.connect(lambda _: heard.append(bar.message.text()))
    with qtbot.waitSignal(services.segmenter.finished):
        qtbot.keyClick(open_window.canvas, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert heard[0].startswith("1 of 3 images")  # the first image is in progress, not to do
    assert "images/s" in heard[-1]
    assert not bar.progress.isVisible()
    assert instance_count(services) == 1


def test_progress_stays_while_the_person_works_on(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[..., int],
    qtbot: QtBot,
) -> None:
    bar = open_window.suggestions
    heard: list[tuple[str, str, int]] = []

    def work_on(_: object) -> None:
        before = bar.message.text()
        services.session.next_image(1)
        add_instance()
        heard.append((before, bar.message.text(), bar.progress.maximum()))

    services.segmenter.progressed.connect(work_on)
    with qtbot.waitSignal(services.segmenter.finished):
        services.segmenter.run([entry.id for entry in services.session.images])
    assert [words.split(" ·")[0] for _, words, _ in heard] == [
        f"{done} of 4 images" for done in (1, 2, 3, 4)
    ]
    assert all(before == after and maximum == 1000 for before, after, maximum in heard)
    qtbot.keyClick(open_window.canvas, Qt.Key.Key_Space)
    assert bar.message.text() == "Pre-segmenting…"  # nothing of the batch before
