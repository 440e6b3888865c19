import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.dialogs.import_results import ImportResultsDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A result with a mask, one with a box alone, one on an image that is not there."""
    box = {"image_id": 1, "category_id": 1, "score": 0.8, "bbox": [5, 5, 10, 10]}
    square = [[20, 20, 40, 20, 40, 40, 20, 40]]
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{**box, "segmentation": square}, box, {**box, "image_id": 99}]))
    return path


def imported(window: MainWindow, file: Path, qtbot: QtBot, *, boxes: bool) -> ImportResultsDialog:
    window.project.open(file)  # as when it is dropped on the window
    dialog = window.findChild(ImportResultsDialog)
    assert dialog is not None
    dialog.boxes.setChecked(boxes)
    dialog.model.setText("other net")
    qtbot.mouseClick(dialog.go_button, LEFT)
    qtbot.waitUntil(lambda: dialog.outcome.text.isVisible())
    return dialog


@pytest.mark.parametrize(("boxes", "areas"), [(False, [400]), (True, [400, 100])])
def test_results_become_suggestions_at_once(
    open_window: MainWindow,
    services: Services,
    file: Path,
    boxes: bool,
    areas: list[int],
    qtbot: QtBot,
) -> None:
    qtbot.waitUntil(lambda: all(entry.content_hash for entry in services.session.images))
    assert services.segmenter.visible_suggestions() == []  # that there is none is known
    dialog = imported(open_window, file, qtbot, boxes=boxes)
    found = "2 suggestions" if boxes else "1 suggestion"
    assert dialog.outcome.text.text().startswith(f"Imported {found} on 1 image. Records: ")
    dialog.close()
    visible = services.segmenter.visible_suggestions
    qtbot.waitUntil(lambda: len(visible()) == len(areas))
    assert sorted(it.mask.area for it in visible()) == sorted(areas)
    assert {it.model_version for it in visible()} == {"other net"}
