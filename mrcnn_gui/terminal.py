"""How the command line talks: results on stdout, progress and reasons on stderr."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from core.images import ImageReadError
from core.learning.progress import Progress as TrainingProgress
from core.learning.progress import Stop, TrainingError
from mrcnn_gui.project.document import EditError
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.workflows.progress import Count

# CocoError is a ValueError. Anything else is a mistake of this program and keeps its traceback.
EXPECTED = (ProjectError, ImageReadError, TrainingError, EditError, ValueError, OSError)

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

_PAUSING = (
    b"\nPausing after the step at hand. Ctrl-C again ends at once, with the last checkpoint.\n"
)


@contextmanager
def reasons() -> Iterator[None]:
    """Turn an expected failure into one line on stderr and exit code 1."""
    try:
        yield
    except EXPECTED as error:
        warn_each((_reason(error), *getattr(error, "__notes__", ())))
        raise typer.Exit(1) from None


@contextmanager
def suspending() -> Iterator[Callable[[], Stop]]:
    """What a training polls: Ctrl-C asks it to pause after its step; a second one ends it."""
    stop, usual = Stop.NO, signal.default_int_handler

    def ask(*_: object) -> None:
        nonlocal stop
        stop = Stop.SUSPEND
        signal.signal(signal.SIGINT, usual)
        os.write(2, _PAUSING)  # a print may be what was interrupted

    listens = signal.getsignal(signal.SIGINT) is usual  # a shell may have it ignored
    if listens:
        signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: stop
    finally:
        if listens:
            signal.signal(signal.SIGINT, usual)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def warn(text: str) -> None:
    """One line on stderr."""
    typer.echo("mrcnn-gui: " + " ".join(text.split()), err=True)


def warn_each(problems: Iterable[str]) -> None:
    """A line on stderr for each problem."""
    for problem in problems:
        warn(problem)


def tell(result: dict[str, Any], text: str, *, as_json: bool) -> None:
    """A result on stdout: one line of JSON, or a sentence."""
    if as_json:
        tell_json(result)
    else:
        typer.echo(_printable(text))


def tell_json(result: dict[str, Any]) -> None:
    """A result as one line of JSON on stdout, in ASCII: a file name need not be UTF-8."""
    typer.echo(json.dumps(result))


def training_remark(progress: TrainingProgress) -> str:
    """The last loss or validation result of a training run."""
    if progress.metrics:
        return f"mask AP {progress.metrics['mask_ap']:.3f}"
    return f"loss {progress.losses['total']:.3f}" if "total" in progress.losses else progress.phase


def _printable(text: str) -> str:
    """With escapes for what the terminal's encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar on stderr while a terminal is there; call it with done, total and a remark."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(title, total=None, remark="")

        def update(done: int, total: int, remark: str = "") -> None:
            bar.update(task, completed=done, total=total, remark=remark)

        yield update


@contextmanager
def counting(title: str) -> Iterator[Count]:
    """The bar for flows that count images."""
    with progress_bar(title) as update:
        yield lambda done, total: update(done, total, "")
