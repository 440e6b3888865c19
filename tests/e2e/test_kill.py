"""A killed process loses nothing that it had told was saved."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from pytestqt.qtbot import QtBot

from mrcnn_gui.services.session import Session
from mrcnn_gui.ui.services import Services
from tests.helpers.data import REPOSITORY

SAVED_EDITS = 12

Areas = dict[str, int]


def edit_until_killed(folder: Path) -> list[Areas]:
    """What another process told after each of its edits, until it was killed."""
    command = [sys.executable, "-m", "tests.e2e.editing_process", str(folder)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(SAVED_EDITS)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [json.loads(line) for line in told if line.endswith("\n")]


def areas(session: Session) -> Areas:
    document = session.document
    assert document is not None
    return {str(key): instance.mask.area for key, instance in document.instances.items()}


def test_every_acknowledged_edit_and_its_undo_survive_a_kill(
    services: Services, balloons: Path, qtbot: QtBot
) -> None:
    told = edit_until_killed(balloons)
    assert len(told) >= SAVED_EDITS

    session = services.session
    session.open_path(balloons)
    if areas(session) != told[-1]:
        session.undo()  # one more edit was saved, and nobody was left to tell of it
    for expected in reversed(told):
        assert areas(session) == expected
        session.undo()
    assert areas(session) == {}
    assert session.history is not None
    assert not session.history.can_undo
    for expected in told:
        session.redo()
        assert areas(session) == expected
