import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.model_versions import ModelVersion
from mrcnn_gui.services.version_work import VersionWork
from mrcnn_gui.ui.dialogs.version_card import facts_of, metric_rows
from mrcnn_gui.ui.dialogs.versions import VersionsDialog
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.compare_versions import Comparison, ImageComparison
from mrcnn_gui.workflows.published_models import AddedModel

LEFT = Qt.MouseButton.LeftButton
CARD: dict[str, Any] = {
    "minutes": 3.52,
    "versions": {"python": "3.11", "torch": "2.9"},
    "parent": "starter",
    "created": "2026-11-26T14:00:00+00:00",
    "snapshot": "0123456789abcdef",
    "training_image_ids": [1, 2, 3],
    "training": {"epochs": 4, "seed": 0},
    "model": {"categories": ["ant", "bee"]},
    "reason": "Not worse.",
    "metrics": {"mask_ap": 0.5, "mask_ap50": 0.75, "per_category": {"ant": 0.4, "bee": 0.6}},
    "parent_metrics": {"mask_ap": 0.375, "per_category": {"bee": 0.5}},
}


def make_version(folder: Path, name: str, parent: str) -> None:
    version = folder / "models" / name
    version.mkdir(parents=True)
    (version / "model.safetensors").write_bytes(b"weights that nobody reads")
    (version / "card.json").write_text(json.dumps(CARD | {"parent": parent}))


@pytest.fixture
def dialog(open_window: MainWindow, services: Services) -> VersionsDialog:
    """On a project with v1, which came from the starter, and v2, which came from v1 and is used."""
    folder = services.session.store.folder
    make_version(folder, "v1", "starter")
    make_version(folder, "v2", "v1")
    services.trainer.promote("v2")
    open_window.actions_by_id["versions"].trigger()
    found = open_window.findChild(VersionsDialog)
    assert found is not None
    return found


def rows(dialog: VersionsDialog) -> list[list[str]]:
    items = (dialog.list.topLevelItem(row) for row in range(dialog.list.topLevelItemCount()))
    return [[item.text(column) for column in range(4)] for item in items if item is not None]


def choose(dialog: VersionsDialog, version: str) -> None:
    (item,) = dialog.list.findItems(version, Qt.MatchFlag.MatchExactly)
    dialog.list.setCurrentItem(item)


def test_versions_are_listed_newest_first_with_the_one_in_use_chosen(
    dialog: VersionsDialog,
) -> None:
    assert rows(dialog) == [
        ["v2", "v1", "0.50", "in use"],
        ["v1", "starter", "0.50", ""],
        ["starter", "", "", ""],
    ]
    assert dialog.card.facts["From"].text() == "v1"
    assert not dialog.use.isEnabled()
    assert not dialog.delete.isEnabled()
    choose(dialog, "starter")
    assert not dialog.compare.isEnabled()
    assert not dialog.delete.isEnabled()
    assert not dialog.card.metrics.isVisible()


def test_a_card_tells_its_facts_and_the_change_of_each_metric() -> None:
    facts = facts_of(ModelVersion("v1", Path(), CARD))
    assert facts == {
        "Made": "2026-11-26 14:00:00 UTC, in 3.5 min",
        "From": "starter",
        "Knows": "ant and bee",
        "Trained on": "3 images, snapshot 0123456789ab",
        "Settings": "epochs 4, seed 0",
        "With": "python 3.11, torch 2.9",
        "Verdict": "Not worse.",
    }
    assert facts_of(ModelVersion("v1", Path(), {})) == {}
    assert metric_rows(CARD) == [
        ["Mask AP", "0.500", "0.375", "+0.125"],
        ["Mask AP50", "0.750", "", ""],
        ["Mask AP of ant", "0.400", "", ""],
        ["Mask AP of bee", "0.600", "0.500", "+0.100"],
    ]


def test_using_and_rolling_back(dialog: VersionsDialog, services: Services, qtbot: QtBot) -> None:
    assert dialog.back.text() == "&Roll back to v1"
    qtbot.mouseClick(dialog.back, LEFT)
    assert services.trainer.active_version == "v1"
    qtbot.mouseClick(dialog.back, LEFT)
    assert services.trainer.active_version == "starter"
    assert not dialog.back.isEnabled()
    choose(dialog, "v2")
    qtbot.mouseClick(dialog.use, LEFT)
    assert services.trainer.active_version == "v2"
    assert rows(dialog)[0][3] == "in use"


def test_deleting_asks_and_keeps_the_card(
    dialog: VersionsDialog, services: Services, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    answers = [-1, 0]
    monkeypatch.setattr("mrcnn_gui.ui.dialogs.versions.ask", lambda *_: answers.pop(0))
    choose(dialog, "v1")
    qtbot.mouseClick(dialog.delete, LEFT)
    assert len(rows(dialog)) == 3
    qtbot.mouseClick(dialog.delete, LEFT)
    assert [row[0] for row in rows(dialog)] == ["v2", "starter"]
    assert (services.session.store.folder / "models" / "v1" / "card.json").is_file()
    assert not dialog.back.isEnabled()  # where v2 came from is gone


def test_what_is_needed_is_not_deleted(
    dialog: VersionsDialog, services: Services, open_window: MainWindow
) -> None:
    assert not services.trainer.delete_version("v2")
    assert "v2 is in use" in open_window.messages.text
    assert not services.trainer.delete_version("v9")
    assert "v9" in open_window.messages.text


def test_gains_and_regressions_open_their_image(
    dialog: VersionsDialog,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    comparison = Comparison(
        "v1",
        "v2",
        (
            ImageComparison(3, "photos/c.png", 0.9, 0.2),
            ImageComparison(2, "photos/b.png", 0.2, 0.5),
            ImageComparison(1, "photos/a.png", 0.5, 0.5),
        ),
    )
    asked: list[tuple[str, str]] = []

    def compare(_: Path, before: str, after: str, **__: Any) -> Comparison:
        asked.append((before, after))
        return comparison

    monkeypatch.setattr("mrcnn_gui.workflows.compare_versions.compare_versions", compare)
    assert dialog.compare.text() == "&Compare with v1"
    qtbot.mouseClick(dialog.compare, LEFT)
    qtbot.waitUntil(dialog.comparison.isVisible)
    assert asked == [("v1", "v2")]
    words = dialog.comparison.text.text()
    assert "on 3 validation images: better on 1, worse on 1, the same on 1." in words
    first = dialog.comparison.list.topLevelItem(0)
    assert first is not None
    assert [first.text(column) for column in range(4)] == ["c.png", "0.90", "0.20", "-0.70"]
    with qtbot.waitSignal(services.session.image_opened) as opened:
        dialog.comparison.list.itemClicked.emit(first, 0)
    assert opened.args == [3]


def test_a_version_is_exported_and_imported(
    dialog: VersionsDialog,
    services: Services,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    out = tmp_path / "away.safetensors"
    dialog.export_to(out)
    qtbot.waitUntil(lambda: "Exported v2" in dialog.outcome.text())
    assert out.read_bytes() == b"weights that nobody reads"
    dialog.import_from(out)
    qtbot.waitUntil(lambda: "damaged" in dialog.outcome.text())

    def take(folder: Path, file: Path, **_: object) -> AddedModel:
        make_version(folder, "v3", "")
        return AddedModel("v3", f"From {file.name}.")

    monkeypatch.setattr("mrcnn_gui.workflows.version_files.import_version", take)
    dialog.import_from(out)
    qtbot.waitUntil(lambda: dialog.outcome.text() == "Added as version v3. From away.safetensors.")
    assert rows(dialog)[0][0] == "v3"


@pytest.mark.parametrize("missing", ["", "the package onnx is not installed"])
def test_the_entry_for_onnx_says_what_is_missing(
    open_window: MainWindow, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr("mrcnn_gui.ui.dialogs.versions.missing_for_onnx", lambda: missing)
    open_window.actions_by_id["versions"].trigger()
    dialog = open_window.findChild(VersionsDialog)
    assert dialog is not None
    menu = dialog.export.menu()
    assert menu is not None
    entry = menu.actions()[1]
    assert missing in entry.text()
    assert entry.isEnabled() == (not missing)


def test_closing_ends_the_work(
    dialog: VersionsDialog, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    stopped: list[bool] = []

    def compare(*_: Any, should_stop: Callable[[], bool], **__: Any) -> None:
        while not should_stop():
            pass
        stopped.append(True)

    monkeypatch.setattr("mrcnn_gui.workflows.compare_versions.compare_versions", compare)
    qtbot.mouseClick(dialog.compare, LEFT)
    assert dialog.stop.isVisible()
    dialog.close()
    qtbot.waitUntil(lambda: stopped == [True])


def test_stop_reaches_an_import(
    dialog: VersionsDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    stopped: list[bool] = []

    def take(*_: Any, should_stop: Callable[[], bool]) -> None:
        while not should_stop():
            pass
        stopped.append(True)

    monkeypatch.setattr("mrcnn_gui.workflows.version_files.import_version", take)
    dialog.import_from(tmp_path / "away.safetensors")
    qtbot.mouseClick(dialog.stop, LEFT)
    qtbot.waitUntil(lambda: stopped == [True])


def test_nothing_is_worked_on_without_a_project(services: Services, qtbot: QtBot) -> None:
    work = VersionWork(services.session, services.jobs)
    work.compare("v1", "v2")
    assert not work.is_running
