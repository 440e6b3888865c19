"""Fine-tune from the starter: in the window, by single steps, and on sets of photos beside a peer.

In the window, 20 balloon photos are done, and a brush stroke goes on without end while the
background thread trains; the event loop's delays are recorded. It is the real window, offscreen
unless QT_QPA_PLATFORM says otherwise. The other groups are described in `benchmarks.finetune_steps`
and `benchmarks.finetune_sets`.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks import finetune_sets, finetune_steps
from benchmarks.data import shared_data
from benchmarks.finetune_sets import split
from benchmarks.row import Row
from benchmarks.window import Delays, Stroke, open_window, run_until
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_import import ImportOptions, import_coco
from mrcnn_gui.workflows.finetune import FinetuneResult
from mrcnn_gui.workflows.projects import create_project

_DONE = 20
_BAR_DELAY_MS = 50.0


def rows(only: str = "", work: Path | None = None) -> Iterator[Row]:
    """The rows of all groups, or of some; those that are finished in `work` are not done again.

    Args:
        only: How the names of the groups begin, in `GROUPS`.
        work: Folder that keeps finished groups and unfinished runs; None: nothing is kept.
    """
    chosen = [name for name in GROUPS if name.startswith(only)]
    if not chosen:
        raise SystemExit(f"no group begins with {only!r}; there is: {', '.join(GROUPS)}")
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            yield from _kept(name, (work or Path(folder)).resolve() / name)


def _kept(name: str, work: Path) -> list[Row]:
    """The rows of a group, as they were measured before or are now."""
    path = work / "rows.json"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        found = [asdict(row) for row in GROUPS[name](work)]
        path.write_text(json.dumps(found), encoding="utf-8")
    return [Row(**values) for values in json.loads(path.read_text(encoding="utf-8"))]


def _window(work: Path) -> Iterator[Row]:
    """The run's seconds, and the window's delay meanwhile."""
    images = shared_data("balloon") / "images"
    done, _ = split(work, images, _DONE)
    project = create_project(work / "project", images, ("balloon",)).folder
    with Store.open(project) as store:
        import_coco(store, done, images, ImportOptions(ReviewStatus.DONE))
    seconds, delays = _train_in_window(project)
    yield Row("finetune_balloon20_seconds", seconds, "s")
    delay = float(np.percentile(delays, 99))
    yield Row("finetune_gui_delay_p99", delay, "ms", bar=_BAR_DELAY_MS)


def _train_in_window(project: Path) -> tuple[float, list[float]]:
    """Click Fine-tune and paint until it ends: seconds, and the window's delays in ms."""
    with open_window(project) as (window, services):
        run_until(lambda: "on " in services.segmenter.model_label)
        results: list[FinetuneResult] = []
        failures: list[str] = []
        services.trainer.finished.connect(results.append)
        services.trainer.failed.connect(failures.append)
        start = time.perf_counter()
        services.trainer.start()
        with Delays() as delays, Stroke(window.canvas):
            run_until(lambda: bool(results or failures))
        seconds = time.perf_counter() - start
    if failures or not results[0].version:
        raise SystemExit(f"the run failed: {failures[0] if failures else results[0].reason}")
    return seconds, delays.milliseconds


GROUPS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "window": _window,
    "step_cached": lambda _: finetune_steps.rows(("cached",)),
    "step_all": lambda _: finetune_steps.rows(("all",)),
    "memory": lambda _: finetune_steps.rows(("memory",)),
    "balloon20": lambda work: finetune_sets.rows("balloon", 20, "balloon20", work),
    "pennfudan20": lambda work: finetune_sets.rows("pennfudan", 20, "pennfudan20", work),
    "nuclei20": lambda work: finetune_sets.rows("nuclei", 20, "nuclei20", work),
    "balloon_all": lambda work: finetune_sets.rows("balloon", 48, "balloon_all", work),
}
"""What can be measured by itself."""
