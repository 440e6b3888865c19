"""What a person does in the window, one flow after the other, at the pace of a quick hand."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QWidget

from benchmarks.canvas_driver import Hand
from benchmarks.window import run_until
from mrcnn_gui.services.look import InstanceFilter
from mrcnn_gui.ui.dialogs.evaluation import EvaluationDialog
from mrcnn_gui.ui.dialogs.export import ExportDialog
from mrcnn_gui.ui.dialogs.import_coco import ImportDialog
from mrcnn_gui.ui.dialogs.training_plan import TrainingPlanDialog
from mrcnn_gui.ui.dialogs.versions import VersionsDialog

_KEY = Qt.Key
_PLAIN = Qt.KeyboardModifier.NoModifier
_CONTROL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_CONTROL_ALT = _CONTROL | Qt.KeyboardModifier.AltModifier
_LEFT = Qt.MouseButton.LeftButton
_PACE_MS = 40  # between two keys


class Person:
    """Somebody at the window: every act is a key or a gesture, and the loop runs in between."""

    def __init__(self, hand: Hand, work: Path) -> None:
        self.hand, self.work = hand, work
        self.window, self.services, self.canvas = hand.window, hand.services, hand.canvas

    def rest(self, milliseconds: int = _PACE_MS) -> None:
        """Let the loop run."""
        QTest.qWait(milliseconds)

    def press(
        self, key: Qt.Key, keys: Qt.KeyboardModifier = _PLAIN, on: QWidget | None = None
    ) -> None:
        """A key, on the canvas if nothing else is given."""
        QTest.keyClick(on or self.canvas, key, keys)
        self.rest()

    def drag(self, *points: QPoint, keys: Qt.KeyboardModifier = _PLAIN) -> None:
        """A gesture of the tool in hand, relative to the middle of the canvas."""
        middle = self.canvas.rect().center()
        QTest.mousePress(self.canvas, _LEFT, keys, middle + points[0])
        for point in points[1:]:
            self.rest(8)
            QTest.mouseMove(self.canvas, middle + point)
        self.rest(8)
        QTest.mouseRelease(self.canvas, _LEFT, keys, middle + points[-1])
        self.rest()

    def dialog(self, kind: type[QDialog], key: Qt.Key, keys: Qt.KeyboardModifier) -> QDialog:
        """The dialog that a shortcut opens."""
        self.press(key, keys)
        found = self.window.findChild(kind)
        assert isinstance(found, QDialog)
        self.rest(200)
        return found

    def leave(self, dialog: QDialog) -> None:
        """Close a dialog, and go back to the canvas."""
        QTest.keyClick(dialog, _KEY.Key_Escape)
        self.window.activateWindow()
        self.canvas.setFocus()
        self.rest()


def annotate(person: Person) -> None:
    """Suggestions, an accepted and a rejected one, a stroke and its undoing; on four photos."""
    for _ in range(4):
        _presegment(person)
        person.press(_KEY.Key_Tab)
        person.press(_KEY.Key_Return)
        person.press(_KEY.Key_Backspace)
        person.press(_KEY.Key_B)
        person.hand.stroke(20)
        person.rest()
        for key in (_KEY.Key_Z, _KEY.Key_Y):
            person.press(key, _CONTROL)
        person.press(_KEY.Key_V)
        person.press(_KEY.Key_D)
        _next_image(person)


def accept_all(person: Person) -> None:
    """All of many suggestions at once, taken back, made again, selected and deleted."""
    _presegment(person)
    person.press(_KEY.Key_Return, _SHIFT)
    for key in (_KEY.Key_Z, _KEY.Key_Y):
        person.press(key, _CONTROL)
    person.press(_KEY.Key_A, _CONTROL)
    person.press(_KEY.Key_Delete)
    person.press(_KEY.Key_Z, _CONTROL)
    person.press(_KEY.Key_D, _CONTROL)


def look(person: Person) -> None:
    """Pan, zoom and hover, filters, the threshold, hiding, and one instance after the other."""
    hand, state = person.hand, person.services.view_state
    hand.pan(100)
    hand.zoom(100)
    hand.hover(100)
    slider = person.window.suggestions.slider
    for score in range(5, 100, 5):
        slider.setValue(score)
        person.rest(16)
    slider.setValue(5)
    for lowest in (0.3, 0.6, 0.9, 0.0):
        state.instance_filter = InstanceFilter(min_score=lowest)
        person.rest()
    box = person.window.images.status_box
    for row in (*range(1, box.count()), 0):
        box.setCurrentIndex(row)
        person.rest(100)
    for key in (_KEY.Key_Period, _KEY.Key_Period, _KEY.Key_S, _KEY.Key_U, _KEY.Key_H, _KEY.Key_U):
        person.press(key)


def use_tools(person: Person) -> None:
    """Each tool once, and commands on what it made."""
    person.canvas.fit()
    corners = [QPoint(-60, -50), QPoint(70, -40), QPoint(60, 60), QPoint(-50, 50)]
    person.press(_KEY.Key_D, _CONTROL)
    for key in (_KEY.Key_R, _KEY.Key_L, _KEY.Key_W, _KEY.Key_B, _KEY.Key_E, _KEY.Key_G):
        person.press(key)
        person.drag(*corners)
        person.rest(100)
    person.press(_KEY.Key_P)
    for corner in corners:
        person.drag(corner)
    person.press(_KEY.Key_Return)
    person.press(_KEY.Key_A)
    person.drag(corners[0], QPoint(-90, -80))
    person.press(_KEY.Key_K)
    person.drag(QPoint(-200, 5), QPoint(0, 0), QPoint(200, -5))
    person.press(_KEY.Key_V)
    person.drag(QPoint(20, 20), QPoint(60, 40), QPoint(80, 60))
    for key, keys in (
        *((_KEY.Key_BracketRight, _CONTROL), (_KEY.Key_O, _SHIFT), (_KEY.Key_H, _SHIFT)),
        *((_KEY.Key_J, _CONTROL), (_KEY.Key_A, _CONTROL), (_KEY.Key_M, _PLAIN)),
        *((_KEY.Key_Z, _CONTROL), (_KEY.Key_Z, _CONTROL), (_KEY.Key_C, _CONTROL)),
        (_KEY.Key_V, _CONTROL),
    ):
        person.press(key, keys)


def prompt(person: Person) -> None:
    """Both prompts of the model."""
    person.press(_KEY.Key_X)
    person.drag(QPoint(-80, -80), QPoint(0, 0), QPoint(90, 90))
    run_until(lambda: not person.canvas.preview.drawings)
    person.press(_KEY.Key_C)
    person.drag(QPoint(10, 10))
    person.rest(500)
    person.press(_KEY.Key_Escape)
    person.press(_KEY.Key_V)


def export(person: Person) -> None:
    """All images, into a file."""
    dialog = person.dialog(ExportDialog, _KEY.Key_E, _CONTROL)
    assert isinstance(dialog, ExportDialog)
    dialog.path.line.setText(str(person.work / "out.json"))
    QTest.mouseClick(dialog.export_button, _LEFT)
    run_until(lambda: dialog.outcome.toPlainText() != "")
    person.rest(100)
    person.leave(dialog)


def bring_in(person: Person) -> None:
    """The file that was exported, into the same project: its records are there already."""
    dialog = person.dialog(ImportDialog, _KEY.Key_I, _CONTROL)
    assert isinstance(dialog, ImportDialog)
    dialog.file.line.setText(str(person.work / "out.json"))
    QTest.mouseClick(dialog.go_button, _LEFT)
    run_until(lambda: not person.services.session.exclusive.title)
    person.rest(300)
    person.leave(dialog)
    run_until(lambda: person.canvas.is_sharp)


def fine_tune(person: Person) -> None:
    """A short training with its plan, while somebody paints; then its versions."""
    run_until(person.window.actions_by_id["fine_tune"].isEnabled)
    dialog = person.dialog(TrainingPlanDialog, _KEY.Key_T, _CONTROL)
    assert isinstance(dialog, TrainingPlanDialog)
    run_until(dialog.start_button.isEnabled)
    dialog.form.rows["epochs"].set_text("1")
    ended: list[object] = []
    person.services.trainer.finished.connect(ended.append)
    person.services.trainer.failed.connect(ended.append)
    QTest.keyClick(dialog, _KEY.Key_Return)
    person.window.activateWindow()
    person.press(_KEY.Key_B)
    while not ended:
        person.hand.stroke(20)
        person.rest(500)
    person.rest(300)
    person.press(_KEY.Key_V)


def consult(person: Person) -> None:
    """The dialogs about the model."""
    for kind, key in ((VersionsDialog, _KEY.Key_V), (EvaluationDialog, _KEY.Key_E)):
        dialog = person.dialog(kind, key, _CONTROL_ALT)
        person.rest(500)
        person.leave(dialog)


def _next_image(person: Person) -> None:
    canvas, before = person.canvas, person.canvas.image_id
    person.press(_KEY.Key_Right)
    run_until(lambda: canvas.image_id != before and canvas.is_sharp)


def _presegment(person: Person) -> None:
    finished: list[object] = []
    person.services.segmenter.finished.connect(finished.append)
    person.press(_KEY.Key_Space)
    run_until(lambda: bool(finished))
    person.services.segmenter.finished.disconnect(finished.append)
    person.window.suggestions.slider.setValue(5)
    person.rest(100)


FLOWS: dict[str, Callable[[Person], None]] = {
    "annotate": annotate,
    "accept_all": accept_all,
    "look": look,
    "tools": use_tools,
    "prompt": prompt,
    "export": export,
    "import": bring_in,
    "finetune": fine_tune,
    "consult": consult,
}
