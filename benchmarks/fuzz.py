"""Ten thousand damaged COCO files, each imported into a small project of its own.

A file may be taken or refused with a reason. Everything else is a failure: another exception, a
dead or hanging process, more than 5 s, a file opened or made outside the project and the images
folder, a part of a refused file in the project, a project that no longer exports. The seeds of
failures go to stderr; `tests.helpers.coco_mutations.mutated(seed)` is the file.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.row import Row
from tests.helpers.coco_fuzzing import Playground

_FILES = 10_000
_HANGS = 60.0  # seconds without a word, starting the process included
_CHUNK = 500  # files of one process


def rows() -> Iterator[Row]:
    """How many files did harm, and which share was taken."""
    failures: dict[int, str] = {}
    imported = 0
    waiting = [range(start, min(start + _CHUNK, _FILES)) for start in range(0, _FILES, _CHUNK)]
    running: list[_Worker] = []
    with tempfile.TemporaryDirectory() as folder:
        while waiting or running:
            while waiting and len(running) < min(4, os.cpu_count() or 1):
                running.append(_start(waiting.pop(0), Path(folder)))
            wait([worker.connection for worker in running], timeout=1)
            for worker in list(running):
                imported += worker.listen(failures)
                if worker.ended:
                    running.remove(worker)
                    waiting[:0] = worker.rest()
    for seed, why in sorted(failures.items()):
        print(f"seed {seed}: {why}", file=sys.stderr)
    yield Row("fuzz_failures", len(failures), "files", bar=0)
    yield Row("fuzz_imported", imported / _FILES, "0-1")


@dataclass
class _Worker:
    """A process that imports one file after the other, and says what came of each."""

    process: BaseProcess
    connection: Connection
    seeds: range
    heard: float
    ended: bool = False

    def listen(self, failures: dict[int, str]) -> int:
        """Note what it says; a process that dies or is silent for long failed at its file."""
        imported = 0
        try:
            while self.seeds and self.connection.poll():
                why, taken = self.connection.recv()
                self._done(why, failures)
                imported += taken
        except EOFError:
            self.process.join()
            self._done(f"the process died with {self.process.exitcode}", failures)
            self.ended = True
        if time.monotonic() - self.heard > _HANGS:
            self.process.kill()
            self._done("it hangs", failures)
            self.ended = True
        self.ended |= not self.seeds
        if self.ended:
            self.process.join()
            self.connection.close()
        return imported

    def rest(self) -> list[range]:
        """The files that it did not come to."""
        return [self.seeds] if self.seeds else []

    def _done(self, why: str, failures: dict[int, str]) -> None:
        if why:
            failures[self.seeds[0]] = why
        self.seeds, self.heard = self.seeds[1:], time.monotonic()


def _start(seeds: range, folder: Path) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    root = Path(tempfile.mkdtemp(dir=folder))
    process = context.Process(target=_import, args=(seeds, root, theirs))
    process.start()
    theirs.close()
    return _Worker(process, ours, seeds, time.monotonic())


def _import(seeds: range, root: Path, connection: Connection) -> None:
    playground = Playground(root / "fuzz")
    for seed in seeds:
        before = playground.imported
        why = playground.failure(seed)
        connection.send((why, playground.imported - before))
