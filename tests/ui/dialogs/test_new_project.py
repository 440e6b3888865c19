from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.ui.dialogs.new_project import NewProjectDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


@pytest.fixture
def dialog(window: MainWindow, services: Services) -> NewProjectDialog:
    made = NewProjectDialog(services.settings, window)
    made.show()
    return made


def test_it_says_nothing_before_anything_was_typed(dialog: NewProjectDialog) -> None:
    assert dialog.problem.text() == ""
    assert not dialog.create_button.isEnabled()


@pytest.mark.parametrize(
    ("categories", "problem"),
    [("", "at least one"), (" , ", "at least one"), ("leaf, Leaf", "name of its own")],
)
def test_categories_that_do_not_do(
    dialog: NewProjectDialog, photos: Path, categories: str, problem: str
) -> None:
    dialog.images.line.setText(str(photos))
    dialog.categories.setText(categories)
    assert problem in dialog.problem.text()
    assert not dialog.create_button.isEnabled()


def test_folder_that_is_none(dialog: NewProjectDialog, tmp_path: Path) -> None:
    dialog.images.line.setText(str(tmp_path / "nowhere"))
    assert "not a folder" in dialog.problem.text()


def test_answers_come_as_they_are_needed(
    dialog: NewProjectDialog, photos: Path, qtbot: QtBot
) -> None:
    dialog.images.line.setText(f" {photos} ")
    dialog.categories.setText("leaf, red fruit ,")
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.create_button.click()
    assert chosen.args == [photos / ".mrcnn", photos, ["leaf", "red fruit"]]


def test_project_that_is_there_already(
    open_window: MainWindow, services: Services, photos: Path
) -> None:
    dialog = NewProjectDialog(services.settings, open_window)
    dialog.images.line.setText(str(photos))
    assert "use Open" in dialog.problem.text()
    dialog.close()
