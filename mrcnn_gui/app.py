"""Wires services and window together; the only file that knows everyone."""

import logging
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mrcnn_gui.display import missing_display

if TYPE_CHECKING:
    from mrcnn_gui.services.settings import Settings
    from mrcnn_gui.ui.services import Services

log = logging.getLogger(__name__)

COMPUTE = ("device", "precision")
NOTHING: Mapping[str, str] = MappingProxyType({})
WARM_UP_MS = 300
"""The import of torch holds up the event loop: first the window is drawn."""


def run_window(path: Path | None, chosen: Mapping[str, str] = NOTHING) -> int:
    """Open the window, on a folder of images or a project when a path is given.

    Args:
        path: What to open, or None.
        chosen: "device" and "precision" to compute with this time, instead of the settings'.

    Returns:
        The exit code: 0, or 2 when there is no display or Qt cannot use it.
    """
    problem = missing_display()
    if problem:
        sys.stderr.write(f"{problem}\n")
        return 2

    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from mrcnn_gui.services.gc_timer import GarbageTimer
    from mrcnn_gui.services.settings import Settings
    from mrcnn_gui.services.write_access import tell_lost
    from mrcnn_gui.ui.errors import warn
    from mrcnn_gui.ui.main_window import MainWindow
    from mrcnn_gui.ui.theme import apply_theme

    application = QApplication(["mrcnn-gui"])
    apply_theme(application)
    collector = GarbageTimer()
    services = make_services(Settings())
    window = MainWindow(services)
    window.show()
    if path is not None:
        window.project.open(path.resolve())
    wanted = [chosen.get(what) or services.settings.compute(what) for what in COMPUTE]
    services.segmenter.compute_with(*wanted)
    QTimer.singleShot(WARM_UP_MS, lambda: warm_up(services))
    code = application.exec()
    tell_lost(partial(warn, None), close_services(services))
    collector.stop()
    return code


def warm_up(services: "Services") -> None:
    """Load the model, and what the window needs later, in the background."""
    from mrcnn_gui.ui.ahead import load_ahead

    services.segmenter.warm_up()
    load_ahead(services.jobs)


def make_services(settings: "Settings") -> "Services":
    """The services, knowing each other; without a project."""
    from mrcnn_gui.services.images import Images
    from mrcnn_gui.services.jobs import JobRunner
    from mrcnn_gui.services.project_edits import ProjectEdits
    from mrcnn_gui.services.segmenter import Segmenter
    from mrcnn_gui.services.session import Session
    from mrcnn_gui.services.trainer import Trainer
    from mrcnn_gui.services.training_planner import TrainingPlanner
    from mrcnn_gui.services.view_state import ViewState
    from mrcnn_gui.services.weights import Weights
    from mrcnn_gui.ui.services import Services

    jobs = JobRunner()
    session, view_state = Session(jobs), ViewState()
    segmenter = Segmenter(session, view_state, jobs)
    segmenter.use_tiles(settings.tiles)
    return Services(
        jobs=jobs,
        session=session,
        project_edits=ProjectEdits(session),
        view_state=view_state,
        images=Images(session, jobs),
        segmenter=segmenter,
        trainer=Trainer(session, segmenter, jobs),
        planner=TrainingPlanner(session, jobs),
        weights=Weights(session, jobs),
        settings=settings,
    )


def close_services(services: "Services") -> str:
    """End what runs and close the project; returns what the disk has refused, or ""."""
    services.segmenter.cancel()
    lost = services.session.close_project()
    if not services.jobs.shutdown():
        log.warning("A background job did not end in time; what it was writing is not whole.")
    return lost
