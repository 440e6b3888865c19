from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.ui.item_models.images import ImageRole
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


def shown_names(window: MainWindow) -> list[str]:
    rows = window.images.model
    return [rows.index(row, 0).data() for row in range(rows.rowCount())]


def test_models_keep_qts_rules(open_window: MainWindow, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(open_window.images.model)
    qtmodeltester.check(open_window.images.model)


def test_list_shows_the_folder_and_opens_its_first_image(
    open_window: MainWindow, services: Services
) -> None:
    assert shown_names(open_window) == [f"photo_{number}.png" for number in range(4)]
    assert services.session.entry is not None
    assert services.session.entry.path.endswith("photo_0.png")
    assert open_window.images.view.currentIndex().row() == 0


def test_click_opens_an_image(open_window: MainWindow, services: Services, qtbot: QtBot) -> None:
    view = open_window.images.view
    place = view.visualRect(view.model().index(2, 0)).center()
    with qtbot.waitSignal(services.session.image_opened) as opened:
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened.args == [services.session.images[2].id]


def test_search_and_status_narrow_the_list(open_window: MainWindow, qtbot: QtBot) -> None:
    panel = open_window.images
    qtbot.keyClick(open_window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(panel.search, "PHOTO 3")
    assert shown_names(open_window) == ["photo_3.png"]
    panel.search.setText("nothing like it")
    assert panel.empty.isVisible()
    assert not panel.view.isVisible()
    panel.search.clear()
    panel.status_box.setCurrentIndex(panel.status_box.findData(ReviewStatus.DONE))
    assert shown_names(open_window) == []


def test_done_counts_and_leaves_the_filter(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    panel = open_window.images
    assert panel.counts.text() == "0 of 4 done"
    panel.status_box.setCurrentIndex(panel.status_box.findData(ReviewStatus.TODO))
    document = services.session.document
    services.session.set_review_status(ReviewStatus.DONE)
    qtbot.waitUntil(lambda: panel.counts.text() == "1 of 4 done")
    assert shown_names(open_window) == [f"photo_{number}.png" for number in (1, 2, 3)]
    assert services.session.document is document  # the image stays open
    qtbot.waitUntil(lambda: not panel.view.currentIndex().isValid())
    services.session.undo()
    qtbot.waitUntil(lambda: panel.view.currentIndex().row() == 0)
    assert services.session.document is document


def test_an_image_is_kept_for_test_and_given_back(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    action, view = open_window.actions_by_id["keep_for_test"], open_window.images.view

    def state() -> str:
        return str(view.model().index(0, 0).data(ImageRole.STATE))

    assert state() == "To do"
    with qtbot.waitSignal(services.project_edits.finished) as told:
        action.trigger()
    assert told.args == ["photo_0.png is kept for test: no version learns from it."]
    qtbot.waitUntil(lambda: state() == "To do · for test")
    qtbot.waitUntil(action.isChecked)
    services.session.next_image(1)
    qtbot.waitUntil(lambda: not action.isChecked())
    services.session.next_image(-1)
    qtbot.waitUntil(action.isChecked)
    assert "Model > Evaluation" in view.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    qtbot.waitUntil(action.isEnabled)
    action.trigger()
    qtbot.waitUntil(lambda: state() == "To do" and not action.isChecked())
    services.session.set_review_status(ReviewStatus.DONE)
    with qtbot.waitSignal(services.project_edits.finished) as told:
        action.trigger()
    assert told.args is not None
    assert "is not new" in told.args[0]
    assert state() == "Done"
    qtbot.waitUntil(lambda: not action.isChecked())


def test_unreadable_image_is_marked_and_the_program_goes_on(
    window: MainWindow, services: Services, photos: Path, qtbot: QtBot
) -> None:
    (photos / "photo_1.png").write_bytes(b"this is no image")
    window.project.open(photos)
    qtbot.waitUntil(lambda: "1 cannot be read" in window.images.counts.text())
    assert services.session.images[1].problem
    services.session.open_image(services.session.images[1].id)
    with qtbot.waitSignal(services.images.image_ready):
        services.session.next_image(1)


def test_the_list_of_a_large_project_is_filtered_in_the_background(
    open_window: MainWindow, services: Services, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrcnn_gui.services.image_search.FEW", 3)
    panel = open_window.images
    with qtbot.waitSignal(panel.model.modelReset):
        qtbot.keyClicks(panel.search, "photo_1")
        assert shown_names(open_window) == [f"photo_{number}.png" for number in range(4)]
    assert shown_names(open_window) == ["photo_1.png"]
    panel.search.clear()
    assert len(shown_names(open_window)) == 4
    qtbot.waitUntil(lambda: panel.view.currentIndex().row() == 0)


def test_home_and_end_open_the_first_and_the_last_image(
    open_window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    view = open_window.images.view
    for key, place in ((Qt.Key.Key_End, 3), (Qt.Key.Key_Up, 2), (Qt.Key.Key_Home, 0)):
        qtbot.keyClick(view, key)
        assert services.session.entry == services.session.images[place]
