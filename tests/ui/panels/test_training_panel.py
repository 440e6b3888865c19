import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from core.learning.progress import Progress
from mrcnn_gui.services.training_pictures import TrainingPicture
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.panels.training_panel import verdict_text
from mrcnn_gui.ui.panels.version_list import VersionList
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.run_folder import ProjectRun
from mrcnn_gui.workflows.verdict import FinetuneResult, Verdict
from tests.ui.conftest import Rehearsal

CTRL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


def active_rows(versions: VersionList) -> list[str]:
    rows = (versions.list.topLevelItem(row) for row in range(versions.list.topLevelItemCount()))
    return [row.text(0) for row in rows if row is not None and row.text(2) == "active"]


def test_button_says_what_is_missing(open_window: MainWindow, qtbot: QtBot) -> None:
    panel = open_window.training
    qtbot.waitUntil(lambda: "Mark 1 more image as done" in panel.situation.text())
    assert not panel.fine_tune.isEnabled()
    assert not panel.live.isVisible()


def test_the_end_of_a_run_says_what_goes_on_and_promises_no_seconds(
    open_window: MainWindow, services: Services
) -> None:
    panel = open_window.training
    services.trainer.progressed.emit(Progress("done", 1, 1, 2, 2, {}, 0.0, None, 1.0, 0.0, 0))
    assert panel.situation.text() == "Comparing it with the version that it began with…"
    assert panel.progress.maximum() == 0  # it moves to and fro


def test_an_edit_makes_one_look_at_all_images(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    panel = open_window.training
    qtbot.waitUntil(lambda: all(entry.content_hash for entry in services.session.images))
    qtbot.waitUntil(lambda: "Mark 1 more" in panel.situation.text())
    looks: list[object] = []

    def look(store: object) -> str:
        looks.append(store)
        return f"Look {len(looks)}."

    monkeypatch.setattr("mrcnn_gui.workflows.finetune.missing_for_finetune", look)
    add_instance()
    qtbot.waitUntil(lambda: panel.situation.text() == "Look 1.")
    panel.refresh()
    assert len(looks) == 1
    add_instance()
    qtbot.waitUntil(lambda: panel.situation.text() == "Look 2.")


def test_run_is_shown_while_it_goes_on(
    trainable: MainWindow, services: Services, rehearsal: Rehearsal, qtbot: QtBot
) -> None:
    panel = trainable.training
    services.settings.shows_plan = False
    qtbot.keyClick(trainable.canvas, Qt.Key.Key_T, CTRL)
    course = panel.live.course
    qtbot.waitUntil(lambda: course.scores == [(1, 0.25)])
    assert course.losses == [(1, 2.5)]
    assert panel.progress.value() == 125  # of 1000
    assert panel.situation.text() == "Validating · step 1 of 8 · 1 min left"
    assert panel.stop.isVisible()
    assert not panel.fine_tune.isVisible()
    with qtbot.waitSignal(services.trainer.finished):
        rehearsal.end.set()
    assert panel.fine_tune.isVisible()
    assert not panel.stop.isVisible()


def test_the_best_score_told_at_the_end_is_no_point_of_the_curve(
    trainable: MainWindow, services: Services
) -> None:
    services.trainer.started.emit()
    for phase, step, score in (("validate", 1, 0.9), ("validate", 2, 0.4), ("done", 2, 0.9)):
        told = Progress(phase, 1, 1, step, 2, {}, 0.01, {"mask_ap": score}, 1.0, None, 0)
        services.trainer.progressed.emit(told)
    live = trainable.training.live
    assert live.course.scores == [(1, 0.9), (2, 0.4)]
    assert live.figures["Mask AP"].text() == "0.40 (best 0.90)"


def test_every_figure_and_curve_is_fed_by_the_reports(
    trainable: MainWindow, services: Services, qtbot: QtBot
) -> None:
    panel = trainable.training
    services.trainer.started.emit()
    losses = {"total": 1.5, "mask": 1.0, "rpn_box": 0.5}
    step = Progress("train", 1, 2, 1, 8, losses, 0.002, None, 3.25, 90.0, 0)
    services.trainer.progressed.emit(replace(step, memory_bytes=2_100_000_000))
    metrics = {"mask_ap": 0.25, "mask_ap50": 0.5}
    validation = Progress("validate", 1, 2, 1, 8, {}, 0.002, metrics, 3.25, 80.0, 0)
    services.trainer.progressed.emit(replace(validation, per_category={"cat": 0.3, "ant": 0.2}))
    texts = {name: figure.text() for name, figure in panel.live.figures.items()}
    assert texts == {
        "Loss": "1.500",
        "Mask AP": "0.25",
        "Learning rate": "0.002",
        "Mask AP50": "0.50",
        "Images/s": "3.2",
        "Memory": "2.1 GB",
    }
    rows = [panel.live.categories.topLevelItem(row) for row in range(2)]
    assert [(row.text(0), row.text(1)) for row in rows if row] == [("ant", "0.20"), ("cat", "0.30")]
    panel.live.parts.setChecked(True)
    panel.live.losses.draw()
    for words in ("total", "1.50", "mask", "1.00", "RPN&nbsp;box", "0.50"):
        assert words in panel.live.losses.legend.text()


def test_pictures_of_validations_are_kept_to_look_back_and_open_their_image(
    trainable: MainWindow, services: Services, qtbot: QtBot
) -> None:
    session, panel = services.session, trainable.training
    paths = [session.image_path(entry.id) for entry in session.images]
    image = QImage(40, 30, QImage.Format.Format_RGB888)
    services.trainer.started.emit()
    pictures = panel.live.pictures
    assert not pictures.empty.isHidden()
    for found in (1, 2):
        services.trainer.pictured.emit([TrainingPicture(path, image, found) for path in paths])
    assert pictures.empty.isHidden()
    assert (pictures.slider.value(), pictures.which.text()) == (1, "Validation 2 of 2")
    assert "2 instances found" in pictures.tiles[3].accessibleName()
    pictures.slider.setValue(0)
    assert "1 instance found" in pictures.tiles[3].accessibleName()
    services.trainer.pictured.emit([])
    assert pictures.slider.value() == 0  # who looks back is not disturbed
    panel.live.tabs.setCurrentWidget(pictures)
    with qtbot.waitSignal(session.image_opened):
        qtbot.mouseClick(pictures.tiles[1], LEFT)
    assert session.entry == session.images[1]
    qtbot.keyClick(pictures.tiles[0], Qt.Key.Key_Return)
    assert session.entry == session.images[0]


def test_a_paused_run_is_resumed_kept_or_discarded_by_its_buttons(
    trainable: MainWindow,
    services: Services,
    rehearsal: Rehearsal,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    panel, trainer = trainable.training, services.trainer
    unfinished = (panel.resume, panel.keep, panel.discard)
    trainer.start()
    qtbot.waitUntil(panel.pause.isEnabled)
    for _ in range(2):
        with qtbot.waitSignal(trainer.finished):
            qtbot.mouseClick(panel.pause, LEFT)
        expected = "A fine-tune of starter was paused in epoch 1 of 2, best mask AP so far 0.25."
        assert panel.situation.text() == expected
        assert all(button.isVisible() for button in unfinished)
        assert not panel.fine_tune.isVisible()
        assert not trainable.unfinished_bar.isVisible()
        qtbot.waitUntil(panel.resume.isEnabled)
        with qtbot.waitSignal(trainer.course_read):
            qtbot.mouseClick(panel.resume, LEFT)
        qtbot.waitUntil(panel.pause.isEnabled)
    assert panel.live.course.scores[0] == (1, 0.25)
    with qtbot.waitSignal(trainer.finished):
        qtbot.mouseClick(panel.pause, LEFT)
    qtbot.waitUntil(panel.keep.isEnabled)
    with qtbot.waitSignal(trainer.finished):
        qtbot.mouseClick(panel.keep, LEFT)
    assert "v1 is ready" in panel.verdict.text()
    assert not panel.resume.isVisible()

    trainer.start()
    qtbot.waitUntil(panel.pause.isEnabled)
    with qtbot.waitSignal(trainer.finished):
        qtbot.mouseClick(panel.pause, LEFT)
    answers = [-1, 0]
    monkeypatch.setattr("mrcnn_gui.ui.training_commands.ask", lambda *_: answers.pop(0))
    qtbot.waitUntil(panel.discard.isEnabled)
    qtbot.mouseClick(panel.discard, LEFT)
    assert panel.resume.isVisible()
    qtbot.mouseClick(panel.discard, LEFT)
    qtbot.waitUntil(panel.fine_tune.isVisible)
    assert trainer.unfinished is None
    qtbot.waitUntil(lambda: not list((services.session.store.folder / "runs").iterdir()))


def test_the_next_start_offers_the_run_that_was_interrupted(
    trainable: MainWindow, services: Services, photos: Path, qtbot: QtBot
) -> None:
    bar, trainer = trainable.unfinished_bar, services.trainer
    assert not bar.isVisible()
    with qtbot.waitSignal(trainer.progressed):
        trainer.start()
    services.session.close_project()
    trainable.project.open(photos)
    qtbot.waitUntil(bar.isVisible)
    assert "was interrupted in epoch 1 of 2" in bar.text.text()
    assert [button.text() for button in bar.buttons.values()] == [
        *("Resume", "Keep best so far", "Discard")
    ]
    qtbot.waitUntil(bar.buttons["resume_training"].isEnabled)
    with qtbot.waitSignal(trainer.course_read):
        qtbot.mouseClick(bar.buttons["resume_training"], LEFT)
    assert not bar.isVisible()
    assert trainable.training.pause.isVisible()
    with qtbot.waitSignal(trainer.finished):
        trainer.cancel()


def test_a_run_that_failed_and_can_go_on_says_why_once(
    trainable: MainWindow,
    services: Services,
    expected_logs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    def fill_the_disk(*arguments: Any) -> FinetuneResult:
        folder, order = arguments[:2]
        run = ProjectRun(folder, order.run_id)
        (run.output / "model").mkdir(parents=True)
        run.note(parent="starter")
        raise OSError("the disk is full")

    expected_logs.append("A background job failed")
    monkeypatch.setattr(services.trainer, "_finetune", fill_the_disk)
    with qtbot.waitSignal(services.trainer.failed):
        services.trainer.start()
    panel = trainable.training
    said = (
        "A fine-tune of starter was paused before its first step, because it failed:"
        " the disk is full"
    )
    assert panel.situation.text() == said
    assert not panel.verdict.isVisible()
    assert panel.resume.isVisible()


def test_undecided_version_is_used_when_the_person_says_so(
    trainable: MainWindow, services: Services, qtbot: QtBot
) -> None:
    panel = trainable.training
    services.trainer.start()
    qtbot.waitUntil(panel.stop.isEnabled)
    with qtbot.waitSignal(services.trainer.finished):
        qtbot.mouseClick(panel.stop, LEFT)
    assert "Too few to tell." in panel.verdict.text()
    assert active_rows(panel.versions) == ["starter"]
    qtbot.mouseClick(panel.use_candidate, LEFT)
    assert services.trainer.active_version == "v1"
    assert active_rows(panel.versions) == ["v1"]
    assert not panel.use_candidate.isVisible()

    starter = panel.versions.list.topLevelItem(0)
    assert starter is not None
    panel.versions.list.setCurrentItem(starter)
    qtbot.mouseClick(panel.versions.use, LEFT)
    assert active_rows(panel.versions) == ["starter"]


def test_no_version_is_put_into_use_where_the_project_cannot_be_changed(
    open_window: MainWindow, services: Services
) -> None:
    version = services.session.store.folder / "models" / "v1"
    version.mkdir(parents=True)
    (version / "model.safetensors").write_bytes(b"weights that nobody reads")
    versions = open_window.training.versions
    versions.refresh()
    versions.list.setCurrentIndex(versions.list.model().index(1, 0))
    assert versions.use.isEnabled()
    services.session.refuse_writing("Somebody else writes.")
    assert not versions.use.isEnabled()


def test_version_that_cannot_be_used_is_not_said_to_be(
    trainable: MainWindow, services: Services, qtbot: QtBot
) -> None:
    panel = trainable.training
    services.trainer.start()
    qtbot.waitUntil(panel.stop.isEnabled)
    with qtbot.waitSignal(services.trainer.finished):
        qtbot.mouseClick(panel.stop, LEFT)
    assert services.session.folder is not None
    shutil.rmtree(services.session.folder / "models" / "v1")
    qtbot.mouseClick(panel.use_candidate, LEFT)
    assert "v1" in trainable.messages.text
    assert "in use" not in panel.verdict.text()
    assert panel.use_candidate.isVisible()


def test_cancel_asks_and_keeps_nothing(
    trainable: MainWindow,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    answers = [-1, 0]
    monkeypatch.setattr("mrcnn_gui.ui.training_commands.ask", lambda *_: answers.pop(0))
    panel = trainable.training
    services.trainer.start()
    qtbot.waitUntil(panel.cancel.isEnabled)
    qtbot.mouseClick(panel.cancel, LEFT)
    assert not services.trainer.is_stopping
    with qtbot.waitSignal(services.trainer.finished):
        qtbot.mouseClick(panel.cancel, LEFT)
    assert panel.verdict.text() == "Cancelled; nothing was kept."
    assert [version.id for version in services.trainer.versions()] == ["starter"]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.PROMOTED, "v2 is in use from the next image on. Why."),
        (Verdict.KEPT, "v2 is kept aside: v1 stays in use. Why."),
        (
            Verdict.UNDECIDED,
            "v2 is ready. Why. Mask AP on the validation images: 0.31 before, 0.42",
        ),
    ],
)
def test_the_verdict_says_why(verdict: Verdict, words: str) -> None:
    before, after = (SimpleNamespace(mask_ap=score) for score in (0.31, 0.42))
    metrics: Any = after
    parent_metrics: Any = before
    text = verdict_text(FinetuneResult("v2", "v1", metrics, parent_metrics, verdict, "Why."))
    assert text.startswith(words)


def test_images_that_were_left_out_are_counted_and_named_in_the_tooltip(
    open_window: MainWindow, services: Services
) -> None:
    panel = open_window.training
    problems = tuple(f"cannot read image <{number}>.png" for number in range(12))
    result = FinetuneResult("v2", "v1", None, None, Verdict.UNDECIDED, "Too few.", problems)
    services.trainer.finished.emit(result)
    assert panel.verdict.text() == "v2 is ready. Too few. 12 images were left out."
    lines = panel.verdict.toolTip().split("<br>")
    assert (lines[0], len(lines)) == ("cannot read image &lt;0&gt;.png", 11)
    assert lines[-1] == "and 2 more"
    services.trainer.finished.emit(replace(result, problems=problems[:1]))
    assert panel.verdict.text().endswith(" 1 image was left out.")
    services.trainer.finished.emit(replace(result, problems=()))
    assert panel.verdict.text() == "v2 is ready. Too few."
    assert panel.verdict.toolTip() == ""
