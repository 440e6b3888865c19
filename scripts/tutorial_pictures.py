"""Does what docs/tutorial.md tells, in the real window: takes its pictures, measures its figures.

`python -m scripts.tutorial_pictures docs/tutorial.md` writes the pictures into images/tutorial
beside the file, and the figures between its two marks.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QDialog

from benchmarks.window import empty_window, run_until
from core.files import write_atomically
from mrcnn_gui.ui.dialogs.evaluation import EvaluationDialog
from mrcnn_gui.ui.dialogs.export import ExportDialog
from mrcnn_gui.ui.dialogs.training_plan import TrainingPlanDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.ui.wording import duration
from mrcnn_gui.workflows.evaluation import Evaluation, ImageSet
from mrcnn_gui.workflows.evaluation_figures import GOOD_IOU, best_ious, found_well
from mrcnn_gui.workflows.sample import write_sample
from mrcnn_gui.workflows.verdict import FinetuneResult
from scripts.newcomer import Newcomer, Work
from scripts.picture import shoot

_SIZE = (1440, 900)
_FIRST, _SECOND = 2, 5  # the first two scenes that are to do
_SHOWN_SCORES = 4  # validations after which the live panel is shown
_BEGIN, _END = "<!-- measured -->\n", "<!-- end of what was measured -->\n"
_TEST = list(ImageSet).index(ImageSet.TEST)

D = TypeVar("D", bound=QDialog)


class Tour:
    """Goes through the tutorial; `measured` fills line by line."""

    def __init__(self, window: MainWindow, services: Services, pictures: Path) -> None:
        self.window, self.services, self.pictures = window, services, pictures
        self.person = Newcomer(window, services)
        self.measured: list[str] = []
        self._result: FinetuneResult | None = None
        self._failures: list[str] = []
        services.trainer.finished.connect(self._note_result)
        services.trainer.failed.connect(self._failures.append)

    def first_image(self) -> None:
        """Suggestions, and what it takes to put them right."""
        self.person.open(_FIRST)
        run_until(lambda: self.services.segmenter.model_label.startswith("starter on"))
        self.person.ask()
        self._shoot("suggestions.jpg")
        work = self.person.annotate(_FIRST)
        self.measured.append(_told(work, self._name(_FIRST)))
        self._shoot("corrected.jpg")
        self._end_image()

    def fine_tune(self, epochs: int | None) -> None:
        """The plan, the run, the verdict; of so many epochs, or as many as the plan has."""
        run_until(self.window.actions_by_id["fine_tune"].isEnabled)
        self.person.press("Ctrl+T")
        plan = self._dialog(TrainingPlanDialog)
        run_until(plan.start_button.isEnabled)
        self._shoot("plan.png", plan)
        if epochs is not None:
            plan.form.rows["epochs"].set_text(str(epochs))
        foretold = plan.facts["Takes"].text()
        began = time.monotonic()
        plan.start_button.click()
        live = self.window.training.live
        run_until(lambda: self._has_ended() or len(live.course.scores) >= _SHOWN_SCORES)
        self._shoot("training.jpg")
        run_until(self._has_ended)
        if self._result is None or self._result.version is None:
            raise SystemExit(f"the training came to nothing: {self._failures}")
        took = duration(time.monotonic() - began)
        self.measured.append(
            f"The plan said {foretold}; the training took {took} on {os.cpu_count()} processor"
            " cores."
        )
        self.measured.append(f"The verdict: “{self.window.training.verdict.text()}”")
        live.hide()
        self._shoot("verdict.jpg")

    def evaluate(self) -> None:
        """Both versions on the scenes that are for test."""
        self.window.actions_by_id["evaluate"].trigger()
        dialog = self._dialog(EvaluationDialog)
        dialog.image_set.setCurrentIndex(_TEST)
        rows = reversed(range(dialog.version.count()))  # the starter first
        told = [self._evaluated(dialog, row) for row in rows]
        dialog.histogram.choose(9)
        self._shoot("evaluation.png", dialog)
        dialog.close()
        self.measured.append(_table(told))

    def next_image(self) -> None:
        """What the new version suggests."""
        self.person.open(_SECOND)
        self.person.ask()
        self._shoot("next.jpg")
        good, work = self.person.good_ones(_SECOND), self.person.annotate(_SECOND)
        told = _told(work, self._name(_SECOND))
        self.measured.append(f"{told} {good} suggestions had the right category, too.")
        self._end_image()

    def export(self, path: Path) -> None:
        """Everything that is done."""
        self.person.press("Ctrl+E")
        dialog = self._dialog(ExportDialog)
        dialog.path.line.setText(str(path))
        dialog.export_button.click()
        run_until(lambda: bool(dialog.outcome.toPlainText()))
        words = dialog.outcome.toPlainText().replace(str(path), path.name)
        self.measured.append(f"The export: “{words}”")
        dialog.close()

    def _end_image(self) -> None:
        for keys in ("Esc", "V", "D"):
            self.person.press(keys)

    def _evaluated(self, dialog: EvaluationDialog, row: int) -> Evaluation:
        before = dialog.evaluation
        dialog.version.setCurrentIndex(row)
        dialog.run.click()
        run_until(lambda: dialog.evaluation is not before)
        assert dialog.evaluation is not None
        return dialog.evaluation

    def _dialog(self, kind: type[D]) -> D:
        found = self.window.findChild(kind)
        assert found is not None
        return found

    def _shoot(self, name: str, widget: QDialog | None = None) -> None:
        shoot(widget or self.window, self.pictures / name)

    def _name(self, number: int) -> str:
        return Path(self.services.session.images[number].path).name

    def _note_result(self, result: FinetuneResult) -> None:
        self._result = result

    def _has_ended(self) -> bool:
        return self._result is not None or bool(self._failures)


def main() -> None:
    """Renew the tutorial that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tutorial", type=Path)
    parser.add_argument("--epochs", type=int, help="of the training; to try this script")
    options = parser.parse_args()
    tutorial: Path = options.tutorial
    pictures = tutorial.parent / "images" / "tutorial"
    with tempfile.TemporaryDirectory() as work:
        began = time.monotonic()
        project = write_sample(Path(work) / "sample-project")
        made = duration(time.monotonic() - began)
        with empty_window(Path(work) / "settings.ini") as (window, services):
            window.resize(*_SIZE)
            services.segmenter.warm_up()
            shoot(window, pictures / "start.png")
            window.project.open(project)
            tour = Tour(window, services, pictures)
            tour.measured.append(f"The sample was made in {made}.")
            tour.first_image()
            tour.fine_tune(options.epochs)
            tour.evaluate()
            tour.next_image()
            tour.export(Path(work) / "instances.json")
    _write(tutorial, tour.measured)


def _told(work: Work, name: str) -> str:
    return (
        f"{name} holds {work.objects} objects. Suggestions accepted as they came: {work.accepted},"
        f" rejected: {work.rejected}. Objects filled by a box: {work.boxed}, given their true mask"
        f" by the script: {work.painted}."
    )


def _table(told: list[Evaluation]) -> str:
    metrics = told[0].metrics
    head = f"{metrics.images} test scenes with {metrics.instances} objects"
    lines = [
        f"| {head} | mask AP | AP50 | AP75 | found with IoU above {GOOD_IOU} |",
        "|---|---|---|---|---|",
    ]
    for it in told:
        scores = (it.metrics.mask_ap, it.metrics.mask_ap50, it.metrics.mask_ap75)
        words = " | ".join(f"{score:.3f}" for score in scores)
        lines.append(f"| {it.version} | {words} | {found_well(best_ious(it, 0.5))} |")
    return "\n".join(lines)


def _write(tutorial: Path, measured: list[str]) -> None:
    """Put the figures between the marks of the tutorial."""
    before, _, rest = tutorial.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    if not after:
        raise SystemExit(f"{tutorial} lacks the marks around its figures")
    lines = "\n".join(f"\n{it}\n" if it.startswith("|") else f"* {it}" for it in measured)
    write_atomically(tutorial, f"{before}{_BEGIN}\n{lines}\n\n{_END}{after}")


if __name__ == "__main__":
    main()
