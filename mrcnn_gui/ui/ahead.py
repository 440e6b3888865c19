"""What the window needs later and takes long to import: brought in beside it, once it is shown."""

import importlib
import pkgutil

from mrcnn_gui.services.jobs import Job, JobRunner, Lane

_LAST = -20  # priority: after everything that shows something


def load_ahead(jobs: JobRunner) -> None:
    """Have the dialogs, and what draws curves, imported in the background."""
    jobs.start(Lane.IO, _load, priority=_LAST)


def _load(*, job: Job) -> None:
    from mrcnn_gui.ui import dialogs

    names = [it.name for it in pkgutil.iter_modules(dialogs.__path__, f"{dialogs.__name__}.")]
    for name in (*names, "pyqtgraph"):
        if not job.should_stop():
            importlib.import_module(name)
