from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.dialogs.relink import RelinkDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

LEFT = Qt.MouseButton.LeftButton


def search(window: MainWindow, folder: Path, qtbot: QtBot) -> RelinkDialog:
    window.actions_by_id["relink"].trigger()
    dialog = window.findChild(RelinkDialog)
    assert dialog is not None
    assert not dialog.go_button.isEnabled()
    dialog.folder.line.setText(str(folder))
    qtbot.mouseClick(dialog.go_button, LEFT)
    qtbot.waitUntil(lambda: dialog.outcome.text.isVisible())
    return dialog


def rows(dialog: RelinkDialog) -> list[tuple[str, ...]]:
    lines = dialog.outcome.lines
    items = [lines.topLevelItem(row) for row in range(lines.topLevelItemCount())]
    return [tuple(item.text(column) for column in range(3)) for item in items if item is not None]


def test_moved_and_renamed_photos_are_found_with_their_annotations(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[..., int],
    photos: Path,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    session = services.session
    qtbot.waitUntil(lambda: all(entry.content_hash for entry in session.images))
    add_instance()
    moved = tmp_path / "elsewhere" / "deeper"
    moved.mkdir(parents=True)
    (photos / "photo_0.png").rename(moved / "another name.png")
    (photos / "photo_1.png").unlink()
    dialog = search(open_window, tmp_path / "elsewhere", qtbot)
    assert dialog.outcome.text.text() == "Found 1 image. 1 image still missing."
    assert rows(dialog) == [
        ("../photo_1.png", "still missing", ""),
        ("../photo_0.png", "found", "../../elsewhere/deeper/another name.png"),
    ]
    assert session.entry is not None
    assert session.image_path(session.entry.id) == moved / "another name.png"
    assert session.store.instance_counts()[session.entry.id] == 1
    dialog.close()


def test_nothing_is_missing(open_window: MainWindow, photos: Path, qtbot: QtBot) -> None:
    dialog = search(open_window, photos, qtbot)
    assert dialog.outcome.text.text().startswith("No image is missing")
    dialog.close()


def test_a_folder_that_is_not_there(open_window: MainWindow, photos: Path, qtbot: QtBot) -> None:
    (photos / "photo_1.png").unlink()
    dialog = search(open_window, photos / "nowhere", qtbot)
    assert dialog.outcome.text.text().startswith("Nothing was changed:")
    assert "nowhere" in dialog.outcome.text.text()
    dialog.close()
