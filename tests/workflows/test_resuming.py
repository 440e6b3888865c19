"""A run that is paused, or whose program is killed, comes to the same end as one that is not."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.images import ImageReadError
from core.learning.progress import Progress, Stop, TrainingError
from core.model.checkpoint import load_model
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.run_table import RunRecord, RunState
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.finetune import (
    FinetuneOptions,
    FinetuneResult,
    Verdict,
    finetune,
    finetune_project,
)
from mrcnn_gui.workflows.run_folder import ProjectRun, logged
from mrcnn_gui.workflows.run_rows import unfinished_run
from tests.helpers.data import REPOSITORY

TWO_EPOCHS = FinetuneOptions(epochs=2, device="cpu", settings={"batch_size": 1})
PHASES = ("snapshot", "parent", "prepare", "train", "validate", "candidate")


class Asked:
    """Says SUSPEND from a moment of the run on."""

    def __init__(self, phase: str) -> None:
        self.phase, self.reached = phase, phase == "snapshot"
        self.reports: list[Progress] = []
        self.times = 0

    def note(self, progress: Progress) -> None:
        self.reports.append(progress)
        names = {"candidate": "done"}
        self.reached |= progress.phase == names.get(self.phase, self.phase)

    def answer(self) -> Stop:
        self.times += 1
        if self.phase == "parent" and self.times > 6:  # the three images are frozen by then
            self.reached = True
        return Stop.SUSPEND if self.reached else Stop.NO


def run(project: Path, run_id: str, asked: Asked | None = None) -> FinetuneResult:
    if asked is None:
        return finetune(project, TWO_EPOCHS, run_id=run_id)
    return finetune(
        project, TWO_EPOCHS, run_id=run_id, on_progress=asked.note, should_stop=asked.answer
    )


def report(phase: str, step: int, total: float = 2.0) -> Progress:
    return Progress(phase, 1, 1, step, 9, {"total": total}, 0.01, {"mask_ap": 0.5}, 1.0, None, 0)


def weights(project: Path, version: str) -> dict[str, torch.Tensor]:
    return dict(load_model(project / "models" / version)[0].state_dict())


@pytest.mark.parametrize("phase", PHASES)
def test_a_suspended_run_goes_on_to_the_same_version(
    reviewed: Path, starter: Path, phase: str
) -> None:
    whole = run(reviewed, "r1")
    asked = Asked(phase)
    suspended = run(reviewed, "r2", asked)
    assert (suspended.verdict, suspended.version) == (Verdict.SUSPENDED, None)
    assert ProjectRun(reviewed, "r2").is_resumable
    if phase in ("snapshot", "parent"):
        assert asked.reports == []
    result = run(reviewed, "r2")
    assert (result.version, result.verdict) == ("v2", Verdict.UNDECIDED)
    assert result.metrics == whole.metrics
    assert result.snapshot_hash == whole.snapshot_hash != ""
    first, second = weights(reviewed, "v1"), weights(reviewed, "v2")
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert {path.name for path in (reviewed / "runs" / "r2").iterdir()} == {
        *("train.json", "val.json", "log.jsonl")
    }


def test_keeping_the_best_of_a_suspended_run(reviewed: Path, starter: Path) -> None:
    assert run(reviewed, "r1", Asked("validate")).verdict is Verdict.SUSPENDED
    result = finetune(reviewed, TWO_EPOCHS, run_id="r1", should_stop=lambda: Stop.KEEP_BEST)
    assert result.version == "v1"


def test_the_course_of_a_run_goes_back_with_it_to_its_checkpoint(tmp_path: Path) -> None:
    run = ProjectRun(tmp_path, "r1")
    assert run.course() == []
    run.path.mkdir(parents=True)
    first = [report("prepare", 0), report("train", 1), report("train", 2), report("train", 3)]
    again = [report("prepare", 2), report("train", 3, total=0.5)]
    for each in (*first, *again):
        run.log(each)
    with (run.path / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"phase": "tra')  # the program ended here
    assert run.course() == [*first[:3], *again]


def test_of_quick_steps_the_log_has_some(tmp_path: Path) -> None:
    times = iter([0.0, 0.1, 0.2, 0.7, 0.8])
    run = ProjectRun(tmp_path, "r1")
    run.path.mkdir(parents=True)
    told: list[Progress] = []
    tell = logged(run, told.append, clock=lambda: next(times))
    reports = [report("train", step) for step in range(1, 5)] + [report("validate", 4)]
    for each in reports:
        tell(each)
    assert told == reports
    assert run.course() == [reports[0], reports[3], reports[4]]


def test_the_parent_of_a_run_stays_what_it_was(reviewed: Path, starter: Path) -> None:
    run(reviewed, "r1")
    run(reviewed, "r2", Asked("prepare"))
    with Store.open(reviewed) as store:
        store.set_setting("active_model", "v1")
    assert run(reviewed, "r2").parent == "starter"


def test_a_project_knows_its_unfinished_run(reviewed: Path, starter: Path) -> None:
    with Store.open(reviewed) as store:
        for number in (1, 2):
            store.runs.begin(RunRecord(f"r{number}", "starter", RunState.RUNNING, {"epochs": 2}))
        assert unfinished_run(store) is None  # there is no folder of either
        run(reviewed, "r1")
        assert unfinished_run(store) is None  # v1 came of it before the program ended
        run(reviewed, "r2", Asked("train"))
        store.runs.end("r2", RunState.PAUSED)
        assert unfinished_run(store) == RunRecord("r2", "starter", RunState.PAUSED, {"epochs": 2})
        store.runs.end("r2", RunState.CANCELLED)
        assert unfinished_run(store) is None


def test_a_killed_command_goes_on_when_asked_to(reviewed: Path, starter: Path) -> None:
    command = (
        "import sys, pathlib, os, signal\n"
        "from mrcnn_gui.workflows import models\n"
        "from mrcnn_gui.workflows.finetune import FinetuneOptions, finetune_project\n"
        "models.resource = lambda _: pathlib.Path(sys.argv[2])\n"
        "def die(progress):\n"
        "    if progress.phase == 'train' and progress.step == 3:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "settings = {'batch_size': 1}\n"
        "options = FinetuneOptions(epochs=2, device='cpu', settings=settings)\n"
        "finetune_project(pathlib.Path(sys.argv[1]), options, on_progress=die)\n"
    )
    arguments = [sys.executable, "-c", command, str(reviewed), str(starter)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    killed = subprocess.run(arguments, env=environment, cwd=REPOSITORY, check=False)
    assert killed.returncode == -signal.SIGKILL
    reports: list[Progress] = []
    result, _ = finetune_project(
        reviewed, FinetuneOptions(), resume=True, on_progress=reports.append
    )
    assert reports[0].step == 2  # the end of the first epoch
    assert result.version == "v1"
    with Store.open(reviewed) as store:
        assert unfinished_run(store) is None
    with pytest.raises(ProjectError, match="no training"):
        finetune_project(reviewed, FinetuneOptions(), resume=True)


def fail_at(step: int, error: BaseException) -> Callable[[Progress], None]:
    """What a step of a run comes to; the first epoch ends with the second one."""

    def watch(progress: Progress) -> None:
        if progress.phase == "train" and progress.step == step:
            raise error

    return watch


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("CUDA error: unspecified launch failure"),
        TrainingError("the losses are not finite"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_run_that_fails_after_its_checkpoint_waits_to_be_gone_on_with(
    reviewed: Path, starter: Path, error: BaseException
) -> None:
    with pytest.raises(type(error)) as raised:
        finetune_project(reviewed, TWO_EPOCHS, on_progress=fail_at(3, error))
    assert "--resume" in " ".join(raised.value.__notes__)
    with Store.open(reviewed) as store:
        waiting = unfinished_run(store)
    assert waiting is not None
    assert (waiting.id, waiting.state) == ("r1", RunState.PAUSED)
    assert waiting.reason == str(error)
    reports: list[Progress] = []
    result, _ = finetune_project(
        reviewed, FinetuneOptions(), resume=True, on_progress=reports.append
    )
    assert (reports[0].step, result.version) == (2, "v1")


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), TrainingError("not finite")]
)
def test_a_run_that_fails_before_it_has_learned_is_removed(
    reviewed: Path, starter: Path, error: Exception
) -> None:
    with pytest.raises(type(error)) as raised:
        finetune_project(reviewed, TWO_EPOCHS, on_progress=fail_at(1, error))
    assert not hasattr(raised.value, "__notes__")
    assert not (reviewed / "runs" / "r1").exists()
    with Store.open(reviewed) as store:
        assert store.runs.unfinished() == []


def test_a_run_whose_photos_are_away_goes_on_when_they_are_back(
    reviewed: Path, photos: Path, starter: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        finetune_project(reviewed, TWO_EPOCHS, on_progress=fail_at(3, KeyboardInterrupt()))
    away = [photo.rename(photo.with_suffix(".away")) for photo in photos.glob("*.png")]
    with pytest.raises(ImageReadError):
        finetune_project(reviewed, FinetuneOptions(), resume=True)
    for photo in away:
        photo.rename(photo.with_suffix(".png"))
    assert finetune_project(reviewed, FinetuneOptions(), resume=True)[0].version == "v1"
