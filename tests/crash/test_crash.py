"""Killed at any moment: what was acknowledged is there, what was not is there wholly or not."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mrcnn_gui.project.aside import Aside
from mrcnn_gui.project.mending import mend_database
from mrcnn_gui.workflows.doctor import examine
from tests.crash.killing import SCENES, kills
from tests.crash.scene import END

KILLS = 20


def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    made = list(kills(tmp_path, KILLS))
    assert [each for each in made if each.problems] == []
    assert {each.scene for each in made} == SCENES.keys()


@pytest.mark.parametrize(
    "name", ["editing", "window editing", "wide editing", "import", "export", "relink", "repair"]
)
def test_a_loss_would_be_seen(name: str, tmp_path: Path) -> None:
    scene = SCENES[name]
    scene.prepare(tmp_path / "killed")
    shutil.copytree(tmp_path / "killed", tmp_path / "calm")
    told = ["1", "2", "3"] if scene.endless else [END]
    assert list(scene.problems(tmp_path / "killed", tmp_path / "calm", 2, told))


def test_a_repair_that_ended_before_it_filled_the_gaps_is_gone_on_with(tmp_path: Path) -> None:
    folder, now = tmp_path / "project", datetime(2026, 3, 1, tzinfo=UTC)
    scene = SCENES["repair"]
    scene.prepare(folder)
    assert mend_database(folder, Aside(folder, now)).gaps
    assert "a repair was interrupted" in "".join(each.problem for each in examine(folder))
    assert list(scene.problems(folder, folder, 0, [])) == []
