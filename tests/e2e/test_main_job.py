"""The job that the program is for, done with mouse and keys in the real window."""

from pathlib import Path

import pytest
from pycocotools.coco import COCO
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.ui.dialogs.export import ExportDialog
from mrcnn_gui.ui.dialogs.new_project import NewProjectDialog
from mrcnn_gui.ui.dialogs.training_plan import TrainingPlanDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services

KEY, CTRL, SHIFT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton
DONE_IMAGES = 3
MODEL_MS, TRAINING_MS = 120_000, 240_000  # a machine may have other work, too


class Person:
    """Somebody at the window: every act is a key or a click."""

    def __init__(self, window: MainWindow, services: Services, qtbot: QtBot) -> None:
        self.window, self.services, self.qtbot = window, services, qtbot

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
        self.qtbot.keyClick(self.window.canvas, key, modifier or Qt.KeyboardModifier.NoModifier)

    def make_project(self, folder: Path, categories: str) -> None:
        self.press(KEY.Key_N, CTRL)
        dialog = self.window.findChild(NewProjectDialog)
        assert dialog is not None
        self.qtbot.keyClicks(dialog.images.line, str(folder))
        dialog.categories.clear()
        self.qtbot.keyClicks(dialog.categories, categories)
        with self.qtbot.waitSignals(
            [self.services.session.project_opened, self.services.images.image_ready]
        ):
            self.qtbot.mouseClick(dialog.create_button, LEFT)
        self.back_to_window()

    def back_to_window(self) -> None:
        """What a window manager does when a dialog closes."""
        self.window.activateWindow()
        self.window.canvas.setFocus()
        self.qtbot.waitUntil(self.window.isActiveWindow)

    def presegment(self) -> None:
        """Space, until there are suggestions that may be accepted."""
        segmenter = self.services.segmenter
        with self.qtbot.waitSignal(segmenter.finished, timeout=MODEL_MS):
            self.press(KEY.Key_Space)
        self.window.suggestions.slider.setValue(5)
        self.qtbot.waitUntil(lambda: len(segmenter.visible_suggestions()) > 0)
        self.qtbot.waitUntil(self.window.actions_by_id["accept"].isEnabled)

    def accept_best(self) -> Mask:
        """Select the best suggestion and accept it; returns the new instance's mask."""
        best = self.services.segmenter.visible_suggestions()[0]
        self.press(KEY.Key_Tab)
        self.press(KEY.Key_Return)
        assert best.mask in masks(self.services)
        return best.mask

    def paint(self) -> None:
        """A stroke from the middle of the canvas to the right."""
        canvas = self.window.canvas
        middle = canvas.rect().center()
        self.press(KEY.Key_B)
        self.qtbot.mousePress(canvas, LEFT, pos=middle)
        for step in range(1, 9):
            self.qtbot.mouseMove(canvas, middle + QPoint(10 * step, 2 * step))
        self.qtbot.mouseRelease(canvas, LEFT, pos=middle + QPoint(80, 16))

    def next_image(self) -> None:
        with self.qtbot.waitSignal(self.services.images.image_ready):
            self.press(KEY.Key_Right)

    def mark_done(self) -> None:
        self.press(KEY.Key_D)
        entry = self.services.session.entry
        assert entry is not None
        assert entry.status is ReviewStatus.DONE

    def export(self, path: Path) -> None:
        self.press(KEY.Key_E, CTRL)
        dialog = self.window.findChild(ExportDialog)
        assert dialog is not None
        dialog.path.line.clear()
        self.qtbot.keyClicks(dialog.path.line, str(path))
        self.qtbot.mouseClick(dialog.export_button, LEFT)
        self.qtbot.waitUntil(lambda: dialog.outcome.toPlainText() != "", timeout=20_000)
        assert dialog.outcome.toPlainText().startswith("Exported"), dialog.outcome.toPlainText()
        self.qtbot.keyClick(dialog, KEY.Key_Escape)
        self.back_to_window()

    def fine_tune(self) -> None:
        """Train, and take the new version into use."""
        panel = self.window.training
        self.qtbot.waitUntil(self.window.actions_by_id["fine_tune"].isEnabled)
        self.press(KEY.Key_T, CTRL)
        dialog = self.window.findChild(TrainingPlanDialog)
        assert dialog is not None
        self.qtbot.waitUntil(dialog.start_button.isEnabled, timeout=MODEL_MS)
        with self.qtbot.waitSignal(self.services.trainer.finished, timeout=TRAINING_MS):
            self.qtbot.keyClick(dialog, KEY.Key_Return)
        self.back_to_window()
        assert panel.live.course.losses, "the curve drew nothing"
        self.click(panel.use_candidate)

    def click(self, button: QPushButton) -> None:
        assert button.isVisible()
        self.qtbot.mouseClick(button, LEFT)


def masks(services: Services) -> list[Mask]:
    document = services.session.document
    assert document is not None
    return [instance.mask for instance in document.instances.values()]


# pycocotools' own decode: numpy 2 warns about it.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_from_a_folder_of_photos_to_suggestions_of_a_model_that_learned(
    window: MainWindow, services: Services, balloons: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    person = Person(window, services, qtbot)
    person.make_project(balloons, "balloon")
    assert [category.name for category in services.session.categories] == ["balloon"]

    person.presegment()
    accepted = person.accept_best()
    person.press(KEY.Key_D, CTRL)  # nothing selected: the brush begins a new instance
    person.paint()
    painted = masks(services)
    assert len(painted) == 2
    assert painted[0] == accepted

    person.press(KEY.Key_Z, CTRL)
    assert masks(services) == [accepted]
    person.press(KEY.Key_Z, CTRL)
    assert masks(services) == []
    person.press(KEY.Key_Z, CTRL | SHIFT)
    person.press(KEY.Key_Z, CTRL | SHIFT)
    assert masks(services) == painted
    person.mark_done()
    for _ in range(DONE_IMAGES - 1):
        person.next_image()
        person.presegment()
        person.accept_best()
        person.mark_done()

    person.export(tmp_path / "balloons.json")
    coco = COCO(str(tmp_path / "balloons.json"))
    assert len(coco.imgs) == DONE_IMAGES
    assert len(coco.anns) == DONE_IMAGES + 1
    first = coco.loadAnns(coco.getAnnIds(imgIds=[min(coco.imgs)]))
    assert [annotation["area"] for annotation in first] == [mask.area for mask in painted]
    for annotation in coco.anns.values():
        assert coco.annToMask(annotation).sum() == annotation["area"]

    person.fine_tune()
    assert services.trainer.active_version == "v1"
    assert window.status.model.text().startswith("Model: v1")

    person.next_image()
    person.presegment()
    assert {it.model_version for it in services.segmenter.visible_suggestions()} == {"v1"}
