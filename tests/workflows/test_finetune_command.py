"""How the command line pauses a fine-tune, and what it says where one is unfinished."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.learning.progress import Progress
from mrcnn_gui.cli import run
from mrcnn_gui.project.run_table import RunRecord
from mrcnn_gui.project.store import Store

REMARK = "mrcnn_gui.cli.model.training_remark"
OPTIONS = ["--epochs", "3", "--device", "cpu", "--json"]


def unfinished(project: Path) -> list[RunRecord]:
    with Store.open(project) as store:
        return store.runs.unfinished()


def versions(capfd: pytest.CaptureFixture[str]) -> list[str | None]:
    """Those that the lines on stdout tell of."""
    return [json.loads(line)["version"] for line in capfd.readouterr().out.splitlines()]


@pytest.fixture
def listening() -> Iterator[None]:
    """Ctrl-C means what it usually does, though what runs the tests may have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_pauses_after_the_step_and_a_second_one_ends_at_once(
    reviewed: Path,
    starter: Path,
    presses: int,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def press(progress: Progress) -> str:
        if progress.phase == "train" and progress.step == 2:  # of the second epoch
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)
        return ""

    with monkeypatch.context() as pressing:
        pressing.setattr(REMARK, press)
        assert run(["finetune", str(reviewed), *OPTIONS]) == 130
    captured = capfd.readouterr()
    assert "Ctrl-C again" in captured.err
    if presses == 1:
        assert json.loads(captured.out)["verdict"] == "suspended"
        assert "--resume` goes on" in captured.err
    [waiting] = unfinished(reviewed)
    assert (waiting.state, waiting.reason) == ("paused", "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert run(["finetune", str(reviewed), "--resume", "--json"]) == 0
    assert versions(capfd) == ["v1"]


def test_a_ctrl_c_that_the_shell_ignores_stays_ignored(
    reviewed: Path, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(_: Progress) -> str:
        signal.raise_signal(signal.SIGINT)
        return ""

    monkeypatch.setattr(REMARK, press)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run(["finetune", str(reviewed), *OPTIONS]) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def paused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin a run, which fails in its second epoch."""

    def fail(progress: Progress) -> str:
        if progress.phase == "train" and progress.step == 2:
            raise OSError("the disk is full")
        return ""

    with monkeypatch.context() as failing:
        failing.setattr(REMARK, fail)
        assert run(["finetune", str(project), *OPTIONS]) == 1


def test_a_failure_says_how_the_run_goes_on(
    reviewed: Path,
    starter: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paused(reviewed, monkeypatch)
    why, how = capfd.readouterr().err.splitlines()
    assert why == "mrcnn-gui: the disk is full"
    assert "--resume` goes on" in how


def test_a_new_run_beside_an_unfinished_one_is_refused_and_takes_its_place_on_demand(
    reviewed: Path,
    starter: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paused(reviewed, monkeypatch)
    waiting = unfinished(reviewed)
    assert [it.id for it in waiting] == ["r1"]
    capfd.readouterr()
    assert run(["finetune", str(reviewed), *OPTIONS]) == 1
    said = capfd.readouterr().err
    assert "is not finished" in said
    assert "--resume` goes on" in said
    assert "--discard" in said
    assert unfinished(reviewed) == waiting
    assert (reviewed / "runs" / "r1" / "fit" / "checkpoint.pt").is_file()
    assert run(["finetune", str(reviewed), "--resume", "--discard"]) == 2
    capfd.readouterr()
    assert run(["finetune", str(reviewed), *OPTIONS, "--discard"]) == 0
    assert versions(capfd) == ["v1"]
    assert unfinished(reviewed) == []


def test_there_must_be_a_run_to_go_on_with(
    reviewed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["finetune", str(reviewed), "--resume"]) == 1
    assert "no training of this project is to be gone on with" in capfd.readouterr().err
