"""Every button of a training, at every phase, in the real window with a real (tiny) model."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from core.formats.coco import segmentation_mask
from core.masks import encode_rle
from mrcnn_gui.app import close_services
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.run_table import RunState
from mrcnn_gui.project.store import Store
from mrcnn_gui.ui.dialogs.training_plan import TrainingPlanDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows import finetune
from mrcnn_gui.workflows.snapshot import Snapshot
from tests.e2e.training import SET_UP, Gate, make_project, make_starter, services_with
from tests.helpers.data import REPOSITORY
from tests.helpers.photos import HEIGHT, WIDTH
from tests.services.conftest import square

LEFT, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
RUN_MS = 60_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "photos")


@pytest.fixture
def tiny_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_starter(tmp_path / "starter")
    monkeypatch.setattr("mrcnn_gui.workflows.models.resource", lambda _: folder)
    return folder


class Program:
    """The window on the project, from its start to its end."""

    def __init__(self, project: Path, gate: Gate, qtbot: QtBot) -> None:
        self.project, self.gate, self.qtbot = project, gate, qtbot
        self.services: Services = services_with(gate, project / "settings.ini")
        self.window = MainWindow(self.services)
        qtbot.addWidget(self.window)
        self.window.show()
        self.window.project.open(project)
        self.panel = self.window.training

    def start(self) -> None:
        """Ctrl+T, and Enter on the plan; returns when the run is at the gate."""
        self.qtbot.waitUntil(self.window.actions_by_id["fine_tune"].isEnabled)
        self.window.activateWindow()
        self.qtbot.keyClick(self.window.canvas, Qt.Key.Key_T, CTRL)
        dialog = self.window.findChild(TrainingPlanDialog)
        assert dialog is not None
        self.qtbot.waitUntil(dialog.start_button.isEnabled, timeout=RUN_MS)
        self.qtbot.keyClick(dialog, Qt.Key.Key_Return)
        if self.gate.phase:
            self.qtbot.waitUntil(self.gate.reached.is_set, timeout=RUN_MS)

    def press(self, button: QToolButton) -> None:
        self.qtbot.waitUntil(button.isEnabled)
        assert button.isVisible()
        self.qtbot.mouseClick(button, LEFT)

    def until_it_ends(self) -> None:
        with self.qtbot.waitSignal(self.services.trainer.finished, timeout=RUN_MS):
            self.gate.opened.set()

    def versions(self) -> list[str]:
        return [version.id for version in self.services.trainer.versions()]

    def end(self) -> None:
        close_services(self.services)
        self.window.hide()


@pytest.fixture
def programs(project: Path, tiny_starter: Path, qtbot: QtBot) -> Iterator[list[Program]]:
    """Those that a test started; ended at the end."""
    started: list[Program] = []
    yield started
    for program in started:
        program.gate.opened.set()
        program.end()


@pytest.fixture(autouse=True)
def no_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked, agrees."""
    monkeypatch.setattr("mrcnn_gui.ui.training_commands.ask", lambda *_: 0)
    monkeypatch.setattr("mrcnn_gui.ui.closing.ask", lambda *_: 0)


def begin(
    programs: list[Program], project: Path, qtbot: QtBot, phase: str, *, start: bool = True
) -> Program:
    program = Program(project, Gate(phase), qtbot)
    programs.append(program)
    if start:
        program.start()
    return program


def remains(project: Path) -> set[str]:
    """The files of runs and models."""
    paths = (path for name in ("runs", "models") for path in (project / name).rglob("*"))
    return {path.relative_to(project).as_posix() for path in paths if path.is_file()}


PUBLISHED = {
    *("models/v1/card.json", "models/v1/model.safetensors"),
    *("runs/r1/train.json", "runs/r1/val.json", "runs/r1/log.jsonl"),
}
PHASES = (SET_UP, "prepare", "train", "validate")


@pytest.mark.parametrize("phase", PHASES)
def test_cancelling_leaves_no_file(
    programs: list[Program], project: Path, qtbot: QtBot, phase: str
) -> None:
    program = begin(programs, project, qtbot, phase)
    program.press(program.panel.cancel)
    program.until_it_ends()
    assert program.panel.verdict.text() == "Cancelled; nothing was kept."
    assert remains(project) == set()
    assert program.versions() == ["starter"]
    qtbot.waitUntil(program.panel.fine_tune.isEnabled)


@pytest.mark.parametrize("phase", PHASES)
def test_stopping_keeps_what_there_is(
    programs: list[Program], project: Path, qtbot: QtBot, phase: str
) -> None:
    program = begin(programs, project, qtbot, phase)
    program.press(program.panel.stop)
    program.until_it_ends()
    learned = phase in ("train", "validate")
    assert program.versions() == (["starter", "v1"] if learned else ["starter"])
    assert remains(project) == (PUBLISHED if learned else set())


@pytest.mark.parametrize("phase", PHASES)
def test_a_paused_run_is_resumed_to_its_end(
    programs: list[Program], project: Path, qtbot: QtBot, phase: str
) -> None:
    program = begin(programs, project, qtbot, phase)
    program.press(program.panel.pause)
    program.until_it_ends()
    assert program.versions() == ["starter"]
    assert "was paused" in program.panel.situation.text()
    with qtbot.waitSignal(program.services.trainer.finished, timeout=RUN_MS):
        program.press(program.panel.resume)
    assert program.versions() == ["starter", "v1"]
    assert remains(project) == PUBLISHED
    assert program.panel.live.course.losses[-1][0] == 6


def test_a_discarded_run_leaves_no_file(
    programs: list[Program], project: Path, qtbot: QtBot
) -> None:
    program = begin(programs, project, qtbot, "validate")
    program.press(program.panel.pause)
    program.until_it_ends()
    program.press(program.panel.discard)
    qtbot.waitUntil(lambda: remains(project) == set())
    qtbot.waitUntil(program.panel.fine_tune.isEnabled)


@pytest.mark.parametrize("phase", PHASES)
def test_a_run_survives_the_end_of_the_program(
    programs: list[Program],
    project: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
) -> None:
    exits: list[int] = []
    monkeypatch.setattr("mrcnn_gui.ui.closing.QCoreApplication.exit", exits.append)
    first = begin(programs, project, qtbot, phase)
    assert not first.window.close()  # the question is answered: go on at the next start
    first.until_it_ends()
    assert exits == [0]
    first.end()

    second = begin(programs, project, qtbot, "", start=False)
    bar = second.window.unfinished_bar
    qtbot.waitUntil(bar.isVisible)
    assert "was paused" in bar.text.text()
    with qtbot.waitSignal(second.services.trainer.finished, timeout=RUN_MS):
        second.press(bar.buttons["resume_training"])
    assert second.versions() == ["starter", "v1"]
    assert remains(project) == PUBLISHED
    assert not bar.isVisible()


def killed_after_the_first_epoch(project: Path, starter: Path) -> None:
    command = [sys.executable, "-m", "tests.e2e.training_process", str(project), str(starter)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "train 3\n":  # in the second epoch
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("choice", ["resume_training", "keep_unfinished", "discard_unfinished"])
def test_a_run_survives_a_kill(
    programs: list[Program], project: Path, tiny_starter: Path, qtbot: QtBot, choice: str
) -> None:
    killed_after_the_first_epoch(project, tiny_starter)
    program = begin(programs, project, qtbot, "", start=False)
    bar = program.window.unfinished_bar
    qtbot.waitUntil(bar.isVisible)
    words = bar.text.text()
    assert "was interrupted in epoch" in words
    assert "of 3, best mask AP so far" in words
    if choice == "discard_unfinished":
        program.press(bar.buttons[choice])
        qtbot.waitUntil(lambda: remains(project) == set())
        return
    with qtbot.waitSignal(program.services.trainer.finished, timeout=RUN_MS):
        program.press(bar.buttons[choice])
    assert program.versions() == ["starter", "v1"]
    assert remains(project) == PUBLISHED
    assert program.services.session.store.runs.unfinished() == []
    steps = [step for step, _ in program.panel.live.course.losses]
    assert steps == sorted(set(steps))
    # The log keeps two steps a second: of a quick run before the kill there may be none.
    assert (steps[-1:] == [6]) == (choice == "resume_training")


def test_a_run_of_a_project_that_was_left_is_interrupted(
    programs: list[Program], project: Path, qtbot: QtBot
) -> None:
    program = begin(programs, project, qtbot, "train")
    program.window.project.close()
    program.gate.opened.set()
    program.window.project.open(project)
    qtbot.waitUntil(program.window.unfinished_bar.isVisible)
    unfinished = program.services.trainer.unfinished
    assert unfinished is not None
    assert unfinished.record.state is RunState.RUNNING
    with qtbot.waitSignal(program.services.trainer.finished, timeout=RUN_MS):
        program.press(program.panel.resume)
    assert program.versions() == ["starter", "v1"]


def as_found(annotation: dict[str, Any]) -> dict[str, Any]:
    """An annotation as a model finds it that is sure."""
    mask = segmentation_mask(annotation["segmentation"], HEIGHT, WIDTH, "the test")
    exact = {"segmentation": dict(encode_rle(mask, HEIGHT, WIDTH)), "bbox": list(mask.bbox_xywh)}
    return annotation | exact | {"score": 1.0}


@pytest.fixture
def perfect_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter finds all that is annotated; what it finds is measured last."""
    results: list[list[dict[str, Any]]] = []

    def measure(snapshot: Snapshot, found: list[dict[str, Any]], **options: bool) -> object:
        results.append(found)
        if len(results) == 2:
            truth = json.loads(snapshot.val_json.read_text())["annotations"]
            found = [as_found(it) for it in truth]
        return measured(snapshot, found, **options)

    measured = finetune._measured
    monkeypatch.setattr(finetune, "_measured", measure)


@pytest.mark.usefixtures("perfect_parent")
def test_a_worse_version_is_kept_aside_until_a_person_wants_it(
    programs: list[Program], project: Path, qtbot: QtBot
) -> None:
    with Store.open(project) as store:  # enough to tell the two apart
        for place in range(10):
            square_ = square(4 + 11 * (place % 5), 30 + 9 * (place // 5), 7)
            human = Provenance(Source.HUMAN)
            store.insert_instances(3, [Instance(store.new_instance_id(), 1, square_, human)])
    program = begin(programs, project, qtbot, "")
    trainer, panel = program.services.trainer, program.panel
    with qtbot.waitSignal(trainer.finished, timeout=RUN_MS):
        pass
    words = panel.verdict.text()
    assert words.startswith("v1 is kept aside: starter stays in use. Worse: mask AP 0."), words
    assert "against 1.000 of the parent" in words
    assert "95 %" not in words  # one image tells nothing of others
    assert (program.versions(), trainer.active_version) == (["starter", "v1"], "starter")
    assert remains(project) == PUBLISHED
    rows = panel.versions.list
    for version in ("v1", "starter"):  # there and back
        (row,) = rows.findItems(version, Qt.MatchFlag.MatchExactly)
        rows.setCurrentItem(row)
        qtbot.mouseClick(panel.versions.use, LEFT)
        assert trainer.active_version == version
