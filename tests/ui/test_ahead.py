"""What dialogs need is imported beside the window, and makes no widget there."""

import os
import subprocess
import sys

from tests.helpers.data import REPOSITORY

_SCRIPT = """
import gc, sys
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.ui.ahead import load_ahead
application = QApplication([])
jobs = JobRunner()
load_ahead(jobs)
while "pyqtgraph" not in sys.modules or "mrcnn_gui.ui.dialogs.versions" not in sys.modules:
    application.processEvents()
assert jobs.shutdown()
there = [it for it in gc.get_objects() if isinstance(it, QObject)]
strangers = [it for it in there if it.thread() is not application.thread()]
assert not strangers, strangers
"""


def test_dialogs_and_curves_are_imported_in_the_background() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        cwd=REPOSITORY,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
