"""The folder of a run in a project: what it has settled so far, and how it went.

`runs/<id>/` holds the snapshot (train.json, val.json), `run.json` with what is settled, `log.jsonl`
with the course, and while the run goes on `fit/` with its checkpoint and its best model.
"""

import json
import math
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.files import write_atomically
from core.learning.progress import Progress
from mrcnn_gui.project.model_versions import ModelVersion

RUNS_FOLDER = "runs"
OUTPUT_FOLDER = "fit"
_NOTES, _LOG = "run.json", "log.jsonl"
_CHECKPOINT = "checkpoint.pt"
_LOG_SECONDS = 0.5  # between two steps of the log


class ProjectRun:
    """One run's folder."""

    def __init__(self, project: Path, run_id: str) -> None:
        self.id = run_id
        self.path = project / RUNS_FOLDER / run_id

    @property
    def output(self) -> Path:
        """Where the training writes."""
        return self.path / OUTPUT_FOLDER

    @property
    def parent_results(self) -> Path:
        """COCO results of the parent on the validation images."""
        return self.path / "parent_results.json"

    @property
    def is_resumable(self) -> bool:
        """Whether a beginning is there."""
        return (self.path / _NOTES).is_file()

    @property
    def has_learned(self) -> bool:
        """Whether there is a checkpoint or a model to keep."""
        return (self.output / _CHECKPOINT).is_file() or (self.output / "model").is_dir()

    def notes(self) -> dict[str, Any]:
        """What is settled so far; empty at the beginning."""
        try:
            notes = json.loads((self.path / _NOTES).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}

    def note(self, **settled: Any) -> None:
        """Settle something: a run that goes on does not do it again."""
        write_atomically(self.path / _NOTES, json.dumps(self.notes() | settled))

    def log(self, progress: Progress) -> None:
        """Add a report to the course of the run."""
        line = json.dumps(asdict(replace(progress, previews=())))
        with (self.path / _LOG).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def course(self) -> list[Progress]:
        """The reports so far; where the run went back to a checkpoint, those after it."""
        try:
            lines = (self.path / _LOG).read_text(encoding="utf-8").splitlines()
        except OSError:
            return []
        reports: list[Progress] = []
        for report in filter(None, map(_read_report, lines)):
            while reports and (report.phase == "prepare" and reports[-1].step > report.step):
                reports.pop()
            reports.append(report)
        return reports

    def tidy(self) -> None:
        """Leave, beside a published version, the snapshot and the course alone."""
        shutil.rmtree(self.output, ignore_errors=True)
        for path in (self.path / _NOTES, self.parent_results):
            path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove everything of the run."""
        shutil.rmtree(self.path, ignore_errors=True)


def logged(
    run: ProjectRun,
    on_progress: Callable[[Progress], None],
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[Progress], None]:
    """Tell a callback, and the run's log: of the steps, some each second."""
    last = -math.inf

    def tell(progress: Progress) -> None:
        nonlocal last
        now = clock()
        if progress.phase != "train" or now - last >= _LOG_SECONDS:
            last = now
            run.log(progress)
        on_progress(progress)

    return tell


def new_run_id(project: Path) -> str:
    """The name for a new run: "r1", "r2", and so on."""
    return f"r{max(_numbers(project), default=0) + 1}"


def discard_remains(project: Path) -> None:
    """Remove what runs that were killed left of their training; their snapshots stay."""
    for killed in (project / RUNS_FOLDER).glob("r*"):
        ProjectRun(project, killed.name).tidy()


def is_published(run_id: str, versions: list[ModelVersion]) -> bool:
    """Whether a version came of a run."""
    return any(version.card.get("run") == run_id for version in versions)


def _numbers(project: Path) -> list[int]:
    names = (path.name for path in (project / RUNS_FOLDER).glob("r*"))
    return [int(match[1]) for name in names if (match := re.fullmatch(r"r(\d+)", name))]


def _read_report(line: str) -> Progress | None:
    """A report of the log; None where the program ended while it was written."""
    try:
        values = json.loads(line)
        return Progress(**values | {"previews": (), "notes": tuple(values.get("notes", ()))})
    except (ValueError, TypeError, AttributeError):
        return None
