import csv
import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.import_table import ImportTable
from mrcnn_gui.ui.dialogs.import_coco import ImportDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from tests.ui.conftest import HEIGHT, WIDTH

LEFT = Qt.MouseButton.LeftButton
SQUARE = [[10, 10, 30, 10, 30, 30, 10, 30]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One good annotation, one without an id, one of an unknown category."""
    annotation = {"image_id": 1, "category_id": 4, "segmentation": SQUARE}
    image = {"id": 1, "file_name": "photo_0.png", "width": WIDTH, "height": HEIGHT}
    path = tmp_path / "instances.json"
    path.write_text(
        json.dumps(
            {
                "images": [image],
                "categories": [{"id": 4, "name": "leaf"}],
                "annotations": [
                    {**annotation, "id": 1},
                    {**annotation, "area": 399},
                    {**annotation, "id": 3, "category_id": 77},
                ],
            }
        )
    )
    return path


def open_dialog(window: MainWindow, file: Path) -> ImportDialog:
    window.project.open(file)  # as when it is dropped on the window
    dialog = window.findChild(ImportDialog)
    assert dialog is not None
    return dialog


def test_a_file_comes_in_and_the_fate_of_its_records_is_told(
    open_window: MainWindow, services: Services, file: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = open_dialog(open_window, file)
    assert dialog.file.text == str(file)
    assert dialog.images.text == str(tmp_path / "photos")
    dialog.status.setCurrentText("Done")
    qtbot.mouseClick(dialog.go_button, LEFT)
    qtbot.waitUntil(lambda: dialog.outcome.text.isVisible())
    assert dialog.outcome.text.text() == (
        "Imported 2 instances on 1 image and 1 new category. Records: 1 mended, 1 refused."
    )
    lines = [dialog.outcome.lines.topLevelItem(row) for row in range(2)]
    assert [line.text(1) for line in lines if line] == ["mended", "refused"]
    session = services.session
    assert [each.name for each in session.categories] == ["object", "leaf"]
    assert session.entry is not None
    assert session.entry.status is ReviewStatus.DONE
    assert session.store.instance_counts()[session.entry.id] == 2

    dialog.save_report(str(tmp_path / "report.csv"))
    with (tmp_path / "report.csv").open(newline="") as saved:
        assert [row[1] for row in csv.reader(saved)] == ["fate", "mended", "refused"]
    dialog.close()


def test_the_home_folder_of_nobody_is_told(
    open_window: MainWindow, file: Path, qtbot: QtBot
) -> None:
    dialog = open_dialog(open_window, file)
    dialog.file.line.setText("~nobody of that name/a.json")
    qtbot.mouseClick(dialog.go_button, LEFT)
    qtbot.waitUntil(lambda: dialog.outcome.text.isVisible())
    assert "cannot read ~nobody of that name/a.json" in dialog.outcome.text.text()
    dialog.close()


def test_what_is_no_coco_file_is_refused_with_the_reason(
    open_window: MainWindow, services: Services, file: Path, qtbot: QtBot
) -> None:
    file.write_text("{")
    dialog = open_dialog(open_window, file)
    qtbot.mouseClick(dialog.go_button, LEFT)
    qtbot.waitUntil(lambda: dialog.outcome.text.isVisible())
    assert dialog.outcome.text.text().startswith("Nothing was changed: instances.json: not JSON")
    assert dialog.go_button.isEnabled()
    dialog.close()


def test_closing_cancels_and_the_project_is_as_it_was(
    open_window: MainWindow,
    services: Services,
    file: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dialog = open_dialog(open_window, file)
    begin = ImportTable.begin

    def cancel_first(self: ImportTable, name: str) -> int:
        while not dialog.close_button.text().startswith("Cancelling"):
            pass
        return begin(self, name)

    monkeypatch.setattr(ImportTable, "begin", cancel_first)
    qtbot.mouseClick(dialog.go_button, LEFT)
    qtbot.mouseClick(dialog.close_button, LEFT)
    assert dialog.isVisible()
    qtbot.waitUntil(lambda: dialog.outcome.text.isVisible())
    assert dialog.outcome.text.text() == "Cancelled. The project is as it was."
    assert [each.name for each in services.session.categories] == ["object"]
    qtbot.mouseClick(dialog.close_button, LEFT)
    qtbot.waitUntil(lambda: open_window.findChild(ImportDialog) is None)


def test_closing_the_project_closes_the_dialog(
    open_window: MainWindow, services: Services, file: Path, qtbot: QtBot
) -> None:
    open_dialog(open_window, file)
    services.session.close_project()
    qtbot.waitUntil(lambda: open_window.findChild(ImportDialog) is None)
