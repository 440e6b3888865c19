"""What holds the event loop of the real window through a person's work, and which code does it.

Real photos are opened, pre-segmented, accepted, painted on, undone, marked done, exported,
imported and learned from, and every tool is used. The import of torch is waited for before: it
holds the loop once, by design.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.canvas_driver import Hand
from benchmarks.data import shared_data
from benchmarks.responsiveness_flows import FLOWS, Person
from benchmarks.row import Row
from benchmarks.window import open_window, run_until
from mrcnn_gui.workflows.projects import create_project
from tests.helpers.loop_watch import LoopWatch

_PHOTOS = 5
_BAR_MS = 16.0


def rows(only: str = "") -> Iterator[Row]:
    """A row for each flow and `gui_worst_delay`; the culprits go to the error output.

    Args:
        only: The names of flows, separated by commas, to try those alone.
    """
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        images = work / "images"
        images.mkdir()
        for photo in sorted((shared_data("balloon") / "images").iterdir())[:_PHOTOS]:
            shutil.copy(photo, images)
        project = create_project(work / "project", images, ("balloon",)).folder
        for name, watch in _watched(project, work, [it for it in only.split(",") if it]):
            sys.stderr.write(f"{name}\n{watch.report()}\n")
            worst = max(worst, watch.worst.ms)
            yield Row(f"gui_delay_{name}", watch.worst.ms, "ms", bar=_BAR_MS)
    yield Row("gui_worst_delay", worst, "ms", bar=_BAR_MS)


def _watched(project: Path, work: Path, only: list[str]) -> Iterator[tuple[str, LoopWatch]]:
    with open_window(project) as (window, services):
        run_until(lambda: "on " in services.segmenter.model_label)
        hand = Hand(window, services, (1600, 1000))
        hand.wait()
        person = Person(hand, work)
        for name in only or FLOWS:
            with LoopWatch() as watch:
                FLOWS[name](person)
            yield name, watch
