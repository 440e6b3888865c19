"""Kills a process at a random moment of its work, and judges what it leaves."""

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mrcnn_gui.project.opening import open_database
from tests.crash.bulk import Exporting, Importing, Migrating, Relinking
from tests.crash.editing import Editing, NetworkEditing, WindowEditing
from tests.crash.repairing import Repairing
from tests.crash.scene import Scene
from tests.crash.wide import WideEditing

BEGIN = "begin"
SCENES: dict[str, Scene] = {
    "editing": Editing(),
    "window editing": WindowEditing(),
    "network editing": NetworkEditing(),
    "wide editing": WideEditing(),
    "import": Importing(),
    "export": Exporting(),
    "migration": Migrating(),
    "relink": Relinking(),
    "repair": Repairing(),
}

_REPOSITORY = Path(__file__).parents[2]
_ENDLESS_SECONDS = 0.5
_KILLED = 1 if sys.platform == "win32" else -9
_TRIES = 20


@dataclass(frozen=True)
class Kill:
    """One kill: when, what the process had told by then, and what is wrong afterwards."""

    scene: str
    seed: int
    delay: float
    told: int
    problems: tuple[str, ...]


class Killer:
    """Prepares each scene once, then kills as often as asked."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._durations: dict[str, float] = {}

    def kill(self, name: str, seed: int) -> Kill:
        """Let the scene begin, kill it in the middle, and look at what is left.

        Raises:
            RuntimeError: The process failed by itself, or was always done before the kill.
        """
        duration = self._duration(name)
        chance = random.Random(seed)
        for _ in range(_TRIES):
            delay = chance.uniform(0, duration)
            folder = self._copy(name)
            told = _run(name, folder, seed, delay)
            if told is not None:
                problems = tuple(self._problems(name, folder, seed, told))
                return Kill(name, seed, delay, len(told), problems)
        raise RuntimeError(f"{name} was done before each of {_TRIES} kills: took {duration} s once")

    def _problems(self, name: str, folder: Path, seed: int, told: list[str]) -> Iterator[str]:
        template = self._copy(name, "calm")
        try:
            yield from SCENES[name].problems(folder, template, seed, told)
        except Exception as error:  # noqa: BLE001 - whatever happens is a problem to count
            yield f"{type(error).__name__}: {error}"
        database = open_database(folder, read_only=True)
        if database.execute("PRAGMA integrity_check") != [("ok",)]:
            yield "integrity_check found damage"
        if database.execute("PRAGMA foreign_key_check"):
            yield "foreign_key_check found dangling references"
        database.close()

    def _copy(self, name: str, suffix: str = "killed") -> Path:
        template, copy = self._work / name, self._work / f"{name} {suffix}"
        if not template.exists():
            SCENES[name].prepare(template)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(template, copy)
        return copy

    def _duration(self, name: str) -> float:
        """How long the scene takes when nobody kills it, in s; measured once."""
        if SCENES[name].endless:
            return _ENDLESS_SECONDS
        if name not in self._durations:
            folder = self._copy(name)
            with _process(name, folder, 0) as child:
                assert child.stdout is not None
                child.stdout.readline()
                start = time.perf_counter()
                child.stdout.readline()
                self._durations[name] = time.perf_counter() - start
                child.communicate()
            if child.returncode != 0:
                raise RuntimeError(f"{name} fails when nobody kills it")
        return self._durations[name]


def _run(name: str, folder: Path, seed: int, delay: float) -> list[str] | None:
    """What the process told until it was killed; None when it was done before."""
    with _process(name, folder, seed) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        try:
            child.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            child.kill()
        told = child.stdout.read()
        reason = child.stderr.read() if child.stderr else ""
    if first.strip() != BEGIN or child.returncode not in (0, _KILLED):
        raise RuntimeError(f"{name} failed by itself: {reason}")
    lines = [line for line in told.split("\n")[:-1] if line]
    return None if child.returncode == 0 else lines


def _process(name: str, folder: Path, seed: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash.child", name, str(folder), str(seed)],
        cwd=_REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kills(work: Path, count: int) -> Iterator[Kill]:
    """So many kills, half of them while images are edited one by one."""
    killer = Killer(work)
    others = [name for name in SCENES if name != "editing"]
    for seed in range(count):
        name = "editing" if seed % 2 == 0 else others[seed // 2 % len(others)]
        yield killer.kill(name, seed)
