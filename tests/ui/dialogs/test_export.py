import json
from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.ui.dialogs.export import ExportDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


def make_dialog(window: MainWindow, services: Services) -> ExportDialog:
    dialog = ExportDialog(services.session, services.jobs, services.settings, window)
    dialog.show()
    return dialog


def test_without_done_images_all_are_offered(open_window: MainWindow, services: Services) -> None:
    dialog = make_dialog(open_window, services)
    assert dialog.all_images.isChecked()
    assert not dialog.done_only.isEnabled()
    dialog.close()


def test_done_images_are_written_and_the_result_is_told(
    open_window: MainWindow,
    services: Services,
    add_instance: Callable[..., int],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    add_instance()
    services.session.set_review_status(ReviewStatus.DONE)
    dialog = make_dialog(open_window, services)
    assert dialog.done_only.isChecked()
    dialog.path.line.setText(str(tmp_path / "out.json"))
    dialog.export_button.click()
    assert not dialog.export_button.isEnabled()
    qtbot.waitUntil(lambda: dialog.outcome.toPlainText() != "")
    assert dialog.outcome.toPlainText().startswith("Exported 1 instance on 1 image to")
    written = json.loads((tmp_path / "out.json").read_text())
    assert [annotation["area"] for annotation in written["annotations"]] == [400]
    dialog.close()


def test_failure_is_told_and_can_be_mended(
    open_window: MainWindow, services: Services, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = make_dialog(open_window, services)
    (tmp_path / "file").write_text("no folder")
    dialog.path.line.setText(str(tmp_path / "file" / "out.json"))
    dialog.export_button.click()
    qtbot.waitUntil(lambda: dialog.outcome.toPlainText().startswith("Not exported:"))
    assert dialog.export_button.isEnabled()
    dialog.close()
