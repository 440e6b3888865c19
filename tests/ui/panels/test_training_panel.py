import shutil
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.panels.training_panel import verdict_text
from mrcnn_gui.ui.panels.version_list import VersionList
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.verdict import FinetuneResult, Verdict
from tests.ui.conftest import Rehearsal

CTRL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


def active_rows(versions: VersionList) -> list[str]:
    rows = (versions.list.topLevelItem(row) for row in range(versions.list.topLevelItemCount()))
    return [row.text(0) for row in rows if row is not None and row.text(2) == "active"]


def test_button_says_what_is_missing(open_window: MainWindow, qtbot: QtBot) -> None:
    panel = open_window.training
    qtbot.waitUntil(lambda: "Mark 2 more images as done" in panel.situation.text())
    assert not panel.fine_tune.isEnabled()
    assert not panel.chart.isVisible()


def test_an_edit_makes_one_look_at_all_images(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    panel = open_window.training
    qtbot.waitUntil(lambda: all(entry.content_hash for entry in services.session.images))
    qtbot.waitUntil(lambda: "Mark 2 more" in panel.situation.text())
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
    qtbot.keyClick(trainable.canvas, Qt.Key.Key_T, CTRL)
    qtbot.waitUntil(lambda: panel.chart.scores == [(1, 0.25)])
    assert panel.chart.losses == [(1, 2.5)]
    assert panel.progress.value() == 1
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
    at = {"epoch": 1, "epochs": 1, "steps": 2, "losses": {}, "seconds_left": None}
    for phase, step, score in (("validate", 1, 0.9), ("validate", 2, 0.4), ("done", 2, 0.9)):
        told = SimpleNamespace(phase=phase, step=step, metrics={"mask_ap": score}, **at)
        services.trainer.progressed.emit(told)
    assert trainable.training.chart.scores == [(1, 0.9), (2, 0.4)]


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
    monkeypatch.setattr("mrcnn_gui.ui.model_commands.ask", lambda *_: answers.pop(0))
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
        (Verdict.PROMOTED, "v2 is in use from the next image on"),
        (Verdict.KEPT, "v1 stays in use"),
        (Verdict.UNDECIDED, "v2 is ready. Too few."),
    ],
)
def test_verdict_names_both_scores(verdict: Verdict, words: str) -> None:
    before, after = (SimpleNamespace(mask_ap=score) for score in (0.31, 0.42))
    metrics: Any = after
    parent_metrics: Any = before
    text = verdict_text(FinetuneResult("v2", "v1", metrics, parent_metrics, verdict, "Too few."))
    assert words in text
    assert "0.31" in text
    assert "0.42" in text


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
