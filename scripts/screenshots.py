"""Takes the pictures of the README and the guide from the real window on the sample project.

`python -m scripts.screenshots FOLDER` writes empty.jpg, suggestions.jpg, brush.jpg, plan.png,
settings.png, training.jpg, versions.png and evaluation.png.
"""

import argparse
import tempfile
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from benchmarks.window import open_window, run_until
from core.learning.progress import Progress
from mrcnn_gui.ui.dialogs.evaluation import EvaluationDialog
from mrcnn_gui.ui.dialogs.training_plan import TrainingPlanDialog
from mrcnn_gui.ui.dialogs.versions import VersionsDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.sample import write_sample
from scripts.picture import shoot

_SCENE = 8  # one that is still to do, in which what the starter shows is right
_SIZE = (1440, 900)
_EPOCHS = 10  # of the training that is shown
_TRAINED_STEPS = 14
_RADIUS = 16.0  # of the brush, in image pixels
_STROKE_STEPS = 12


def main() -> None:
    """Write all pictures into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        project = write_sample(Path(work) / "sample")
        with open_window(project) as (window, services):
            window.resize(*_SIZE)
            _take_all(window, services, folder)


def _take_all(window: MainWindow, services: Services, folder: Path) -> None:
    image_id = services.session.images[_SCENE].id
    services.session.open_image(image_id)
    run_until(lambda: " on " in services.segmenter.model_label)
    run_until(lambda: _all_thumbnails(services))
    shoot(window, folder / "empty.jpg")

    QTest.keyClick(window.canvas, Qt.Key.Key_Space)
    run_until(lambda: bool(services.segmenter.visible_suggestions()))
    run_until(lambda: not services.segmenter.is_running)
    shoot(window, folder / "suggestions.jpg")

    services.segmenter.accept_all_visible()
    _paint(window, services)
    shoot(window, folder / "brush.jpg")
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)

    _train(window, services, folder)


def _paint(window: MainWindow, services: Services) -> None:
    """Select the largest instance and begin a stroke from its middle down over its edge."""
    document, viewport = services.session.document, window.canvas.viewport
    assert document is not None
    assert viewport is not None
    largest = max(document.instances.values(), key=lambda instance: instance.mask.area)
    services.view_state.selected_instance = largest.id
    services.view_state.brush_radius = _RADIUS
    QTest.keySequence(window.canvas, QKeySequence("B"))
    left, top, right, bottom = largest.mask.box_xyxy
    start = QPoint(*map(round, viewport.to_view((left + right) / 2, (top + bottom) / 2)))
    end = QPoint(*map(round, viewport.to_view((left + right) / 2, bottom + _RADIUS)))
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, _STROKE_STEPS + 1):
        QTest.mouseMove(window.canvas, start + (end - start) * (step / _STROKE_STEPS))


def _train(window: MainWindow, services: Services, folder: Path) -> None:
    """Begin a fine-tune from its plan, and take pictures once the panel says something."""
    seen: list[Progress] = []
    ended: list[object] = []
    services.trainer.progressed.connect(seen.append)
    services.trainer.failed.connect(ended.append)
    services.trainer.finished.connect(ended.append)
    run_until(window.actions_by_id["fine_tune"].isEnabled)
    window.actions_by_id["fine_tune"].trigger()
    plan = window.findChild(TrainingPlanDialog)
    assert plan is not None
    run_until(plan.start_button.isEnabled)
    shoot(plan, folder / "plan.png")
    plan.advanced.click()
    shoot(plan, folder / "settings.png")
    plan.form.rows["epochs"].set_text(str(_EPOCHS))
    plan.start_button.click()
    run_until(lambda: bool(ended) or (bool(seen) and seen[-1].step >= _TRAINED_STEPS))
    if ended:
        raise SystemExit(f"the run ended early: {ended[0]}")
    window.training.live.parts.setChecked(True)
    shoot(window, folder / "training.jpg")
    run_until(lambda: bool(ended))
    _show_versions(window, folder / "versions.png")
    _evaluate(window, folder / "evaluation.png")


def _show_versions(window: MainWindow, path: Path) -> None:
    """Choose the newest version and compare it with its parent."""
    window.actions_by_id["versions"].trigger()
    dialog = window.findChild(VersionsDialog)
    assert dialog is not None
    newest = dialog.list.topLevelItem(0)
    assert newest is not None
    dialog.list.setCurrentItem(newest)
    dialog.compare.click()
    run_until(dialog.comparison.isVisible)
    shoot(dialog, path)
    dialog.close()


def _evaluate(window: MainWindow, path: Path) -> None:
    """Evaluate the newest version on the validation images."""
    window.actions_by_id["evaluate"].trigger()
    dialog = window.findChild(EvaluationDialog)
    assert dialog is not None
    dialog.version.setCurrentIndex(0)
    dialog.run.click()
    run_until(dialog.body.isVisible)
    dialog.histogram.choose(0)
    shoot(dialog, path)


def _all_thumbnails(services: Services) -> bool:
    """Whether every thumbnail is there; asks for those that are not."""
    entries = services.session.images
    return not [entry for entry in entries if services.images.thumbnail(entry.id) is None]


if __name__ == "__main__":
    main()
