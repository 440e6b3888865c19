from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from core.learning.evaluate import Metrics
from mrcnn_gui.ui.dialogs.evaluation import EvaluationDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.evaluation import (
    Annotated,
    EvaluatedImage,
    Evaluation,
    Found,
    ImageSet,
)

LEFT = Qt.MouseButton.LeftButton
RIGHT_ONE, MISSED = (
    Annotated(2, 2, "object", (10, 10, 30, 30)),
    Annotated(3, 3, "object", (0, 0, 9, 9)),
)
FOUND, INVENTED = (
    Found(2, "object", 0.9, (10, 10, 30, 30)),
    Found(2, "object", 0.6, (50, 50, 60, 60)),
)
METRICS = Metrics(0.4, 0.5, 0.45, 0.55, 0.5, 0.6, 0.7, {"object": 0.45}, 2, 2)
EVALUATION = Evaluation(
    "starter",
    ImageSet.VALIDATION,
    ("object",),
    (
        EvaluatedImage((RIGHT_ONE,), (FOUND, INVENTED), ((0.95,), (0.0,))),
        EvaluatedImage((MISSED,), (), ()),
    ),
    METRICS,
    ("lost.png is gone",),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ImageSet]]:
    """Which evaluations were asked for."""
    calls: list[tuple[str, ImageSet]] = []

    def evaluate(_: Path, version: str, image_set: ImageSet, **__: Any) -> Evaluation:
        calls.append((version, image_set))
        return EVALUATION

    monkeypatch.setattr("mrcnn_gui.workflows.evaluation.evaluate_project", evaluate)
    return calls


@pytest.fixture
def dialog(
    trainable: MainWindow, asked: list[tuple[str, ImageSet]], qtbot: QtBot
) -> EvaluationDialog:
    """With its evaluation done."""
    trainable.actions_by_id["evaluate"].trigger()
    made = trainable.findChild(EvaluationDialog)
    assert made is not None
    assert not made.body.isVisible()
    qtbot.mouseClick(made.run, LEFT)
    qtbot.waitUntil(made.body.isVisible)
    return made


def listed(dialog: EvaluationDialog) -> list[str]:
    return [dialog.list.item(row).text() for row in range(dialog.list.count())]


def cells(dialog: EvaluationDialog) -> list[list[str]]:
    items = [[dialog.confusion.item(row, column) for column in (0, 1)] for row in (0, 1)]
    return [[item.text() if item else "-" for item in row] for row in items]


def test_an_evaluation_tells_the_metrics_and_what_could_not_be_read(
    dialog: EvaluationDialog, asked: list[tuple[str, ImageSet]]
) -> None:
    assert asked == [("starter", ImageSet.VALIDATION)]
    words = dialog.summary.text()
    assert "starter on 2 images with 2 instances: mask AP 0.450 (AP50 0.550" in words
    assert "1 image could not be read." in words


def test_a_cell_leads_to_its_instances_on_the_canvas(
    dialog: EvaluationDialog, services: Services, qtbot: QtBot
) -> None:
    table = dialog.confusion
    assert cells(dialog) == [["1", "1"], ["1", ""]]
    table.cellClicked.emit(0, 0)
    assert listed(dialog) == ["object (annotated): photo_1.png"]
    with qtbot.waitSignal(services.images.image_ready):
        dialog.list.itemClicked.emit(dialog.list.item(0))
    assert services.session.entry is not None
    assert services.session.entry.id == 2
    whole = dialog.parentWidget()
    assert isinstance(whole, MainWindow)
    assert whole.canvas.viewport is not None
    assert whole.canvas.viewport.shows_well((10, 10, 30, 30))
    assert whole.canvas.scale > 1
    assert services.view_state.selected_instance == RIGHT_ONE.instance_id
    table.cellClicked.emit(1, 0)
    assert listed(dialog) == ["object (0.60): photo_1.png"]
    dialog.list.itemClicked.emit(dialog.list.item(0))
    assert not services.view_state.selected_instances
    table.cellClicked.emit(1, 1)
    assert listed(dialog) == []
    assert dialog.hint.text() == "No instance."


def test_a_bar_and_a_point_lead_to_their_instances(dialog: EvaluationDialog) -> None:
    dialog.histogram.choose(0)
    assert listed(dialog) == ["object (annotated): photo_2.png"]
    dialog.histogram.choose(9)
    assert listed(dialog) == ["object (annotated): photo_1.png"]
    point = dialog.curves.curves["object"][1]
    assert (point.recall, point.precision) == (0.5, 0.5)
    view = dialog.curves._plot.getPlotItem().vb
    at = view.mapViewToScene(QPointF(point.recall, point.precision))
    assert dialog.curves.nearest(at) == point
    assert dialog.curves.nearest(at + QPointF(40, 0)) is None
    dialog.curves.point_chosen.emit(point)
    assert listed(dialog) == ["object (0.60): photo_1.png"]
    assert dialog.slider.value() == 60


def test_the_threshold_counts_anew_and_sets_the_suggestions(
    dialog: EvaluationDialog, services: Services, trainable: MainWindow, qtbot: QtBot
) -> None:
    dialog.slider.setValue(95)
    assert cells(dialog) == [["", "2"], ["", ""]]
    qtbot.mouseClick(dialog.best, LEFT)
    assert dialog.slider.value() == 90
    qtbot.mouseClick(dialog.take, LEFT)
    assert services.view_state.score_threshold == 0.9
    assert trainable.suggestions.slider.value() == 90


def test_a_set_without_images_is_told(
    dialog: EvaluationDialog, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    from mrcnn_gui.project.errors import ProjectError

    def refuse(*_: Any, **__: Any) -> Evaluation:
        raise ProjectError("no done image is kept for test yet")

    monkeypatch.setattr("mrcnn_gui.workflows.evaluation.evaluate_project", refuse)
    dialog.image_set.setCurrentIndex(1)
    qtbot.mouseClick(dialog.run, LEFT)
    qtbot.waitUntil(lambda: "No done image" in dialog.summary.text())
