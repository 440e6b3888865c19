from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.dialogs.training_plan import TrainingPlanDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.recipe import Facts
from mrcnn_gui.workflows.training_plan import TrainingPlan
from mrcnn_gui.workflows.training_settings import setting_fields
from tests.ui.conftest import Rehearsal

CTRL, LEFT = Qt.KeyboardModifier.ControlModifier, Qt.MouseButton.LeftButton
SETTINGS = {"epochs": 12, "batch_size": 2, "image_size": 512, "seed": 0, "device": "cpu"}
PLAN = TrainingPlan("starter", 2, 1, 3, ("ant", "bee"), "the processor (CPU)", SETTINGS, 60.0)


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> list[TrainingPlan]:
    """The plan that is made; a test may put another one in its place."""
    plans = [PLAN]
    monkeypatch.setattr("mrcnn_gui.workflows.training_plan.plan_training", lambda *_: plans[0])
    return plans


@pytest.fixture
def show(
    trainable: MainWindow, plan: list[TrainingPlan], qtbot: QtBot
) -> Callable[[], TrainingPlanDialog]:
    def press() -> TrainingPlanDialog:
        qtbot.keyClick(trainable.canvas, Qt.Key.Key_T, CTRL)
        dialogs = trainable.findChildren(TrainingPlanDialog)
        qtbot.waitUntil(dialogs[-1].advanced.isEnabled)
        return dialogs[-1]

    return press


def edit(dialog: TrainingPlanDialog, name: str, text: str, qtbot: QtBot) -> None:
    editor = dialog.form.rows[name].editor
    assert isinstance(editor, QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, text)


def test_the_plan_says_what_will_happen_and_enter_starts(
    show: Callable[[], TrainingPlanDialog],
    services: Services,
    rehearsal: Rehearsal,
    qtbot: QtBot,
) -> None:
    dialog = show()
    words = {name: fact.text() for name, fact in dialog.facts.items()}
    assert words["Learns from"] == "2 done images with 3 instances"
    assert words["Will know"] == "ant and bee"
    assert words["Judged on"] == "1 other done image, never trained on"
    assert words["Begins with"] == "starter"
    assert words["Runs on"] == "the processor (CPU), while you keep annotating"
    assert words["Takes"].startswith("about ")
    assert words["Takes"].endswith("(12 epochs)")
    assert "not worse than that of starter" in words["Afterwards"]
    assert dialog.form.isHidden()
    rehearsal.end.set()
    with qtbot.waitSignal(services.trainer.finished):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert rehearsal.orders[0].options.settings == {}


def test_without_validation_images_the_plan_says_so(
    show: Callable[[], TrainingPlanDialog], plan: list[TrainingPlan]
) -> None:
    plan[0] = TrainingPlan("v1", 2, 0, 3, ("ant",), "a GPU", SETTINGS, 60.0)
    words = show().facts
    assert "you are asked" in words["Judged on"].text()
    assert words["Afterwards"].text().startswith("You are asked")


@pytest.mark.parametrize("validation_images", [0, 1])
def test_where_the_images_for_training_judge_the_plan_says_so(
    show: Callable[[], TrainingPlanDialog], plan: list[TrainingPlan], validation_images: int
) -> None:
    facts = Facts(2, validation_images, is_cross_judged=True)
    plan[0] = replace(PLAN, validation_images=validation_images, facts=facts)
    words = {name: fact.text() for name, fact in show().facts.items()}
    assert words["Judged on"].startswith("The images that it learns from")
    assert "nobody can tell" not in words["Judged on"]
    assert words["Afterwards"].startswith("The new version is put into use when")
    assert "for you to choose" in words["Afterwards"]


def test_a_plan_that_cannot_be_made_says_why_and_cannot_start(
    show: Callable[[], TrainingPlanDialog],
    trainable: MainWindow,
    monkeypatch: pytest.MonkeyPatch,
    expected_logs: list[str],
    qtbot: QtBot,
) -> None:
    def fail(*_: object) -> TrainingPlan:
        raise OSError("the disk is gone")

    expected_logs.append("A background job failed")
    monkeypatch.setattr("mrcnn_gui.workflows.training_plan.plan_training", fail)
    qtbot.keyClick(trainable.canvas, Qt.Key.Key_T, CTRL)
    dialog = trainable.findChild(TrainingPlanDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: "the disk is gone" in dialog.facts["Learns from"].text())
    assert not dialog.start_button.isEnabled()


def test_every_setting_is_in_the_form_with_its_help(
    show: Callable[[], TrainingPlanDialog],
) -> None:
    dialog = show()
    dialog.advanced.click()
    assert dialog.form.isVisible()
    assert list(dialog.form.rows) == [field.name for field in setting_fields()]
    for field in setting_fields():
        assert dialog.form.rows[field.name].editor.toolTip() == field.help


def test_a_chosen_setting_reaches_the_run_and_the_estimate(
    show: Callable[[], TrainingPlanDialog],
    services: Services,
    rehearsal: Rehearsal,
    qtbot: QtBot,
) -> None:
    dialog = show()
    before = dialog.facts["Takes"].text()
    dialog.advanced.click()
    assert not dialog.reset.isEnabled()
    edit(dialog, "epochs", "900", qtbot)
    edit(dialog, "crop", "0.5", qtbot)
    assert dialog.facts["Takes"].text() != before
    assert "(900 epochs)" in dialog.facts["Takes"].text()
    assert dialog.form.chosen() == {"epochs": 900, "crop": 0.5}
    qtbot.mouseClick(dialog.reset, LEFT)
    assert dialog.form.chosen() == {}
    assert dialog.facts["Takes"].text() == before
    edit(dialog, "epochs", "3", qtbot)
    rehearsal.end.set()
    with qtbot.waitSignal(services.trainer.finished):
        qtbot.mouseClick(dialog.start_button, LEFT)
    assert rehearsal.orders[0].options.settings == {"epochs": 3}


def test_what_is_wrong_is_said_below_the_field_and_nothing_starts(
    show: Callable[[], TrainingPlanDialog], services: Services, qtbot: QtBot
) -> None:
    dialog = show()
    dialog.advanced.click()
    edit(dialog, "epochs", "0", qtbot)
    assert dialog.form.rows["epochs"].problem == "Expected more than 0, got 0"
    assert not dialog.start_button.isEnabled()
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert not services.trainer.is_running
    edit(dialog, "epochs", "1", qtbot)
    assert dialog.form.rows["epochs"].problem == ""
    assert dialog.start_button.isEnabled()


def test_the_plan_is_left_out_when_the_person_wants_that_and_brought_back_in_the_menu(
    show: Callable[[], TrainingPlanDialog],
    trainable: MainWindow,
    services: Services,
    rehearsal: Rehearsal,
    qtbot: QtBot,
) -> None:
    action = trainable.actions_by_id["show_plan"]
    assert action.isChecked()
    dialog = show()
    dialog.skip.setChecked(True)
    rehearsal.end.set()
    with qtbot.waitSignal(services.trainer.finished):
        qtbot.mouseClick(dialog.start_button, LEFT)
    assert not services.settings.shows_plan
    assert not action.isChecked()
    qtbot.waitUntil(trainable.actions_by_id["fine_tune"].isEnabled)
    with qtbot.waitSignal(services.trainer.finished):
        trainable.actions_by_id["fine_tune"].trigger()
    assert len(rehearsal.orders) == 2
    action.trigger()
    assert action.isChecked()
    assert services.settings.shows_plan


def test_cancelling_starts_nothing_and_changes_no_setting(
    show: Callable[[], TrainingPlanDialog], services: Services, qtbot: QtBot
) -> None:
    dialog = show()
    dialog.skip.setChecked(True)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not services.trainer.is_running
    assert services.settings.shows_plan
