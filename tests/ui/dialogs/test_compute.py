from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.dialogs.compute import ComputeDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


def test_what_is_chosen_is_remembered_and_used(
    window: MainWindow, services: Services, qtbot: QtBot
) -> None:
    services.segmenter.warm_up()
    qtbot.waitUntil(lambda: services.segmenter.model_label == "starter on cpu, fp32")
    window.model.ask_compute()
    [dialog] = window.findChildren(ComputeDialog)
    assert (dialog.device.currentData(), dialog.precision.currentData()) == ("auto", "auto")
    assert "starter on cpu, fp32" in dialog.now.text()
    assert "tests have no other" in dialog.now.text()
    dialog.precision.setCurrentIndex(dialog.precision.findData("bf16"))
    dialog.buttons.button(dialog.buttons.StandardButton.Ok).click()
    assert services.settings.compute("precision") == "bf16"
    assert services.settings.compute("device") == "auto"
    assert services.segmenter.model_label.endswith("loading…")
    qtbot.waitUntil(lambda: services.segmenter.model_label == "starter on cpu, fp32")


def test_the_status_bar_says_why(window: MainWindow, services: Services, qtbot: QtBot) -> None:
    services.segmenter.warm_up()
    label = window.status.model
    qtbot.waitUntil(lambda: label.text() == "Model: starter on cpu, fp32")
    assert label.toolTip() == "tests have no other"
