"""Opens the window on a project and fine-tunes, telling each report, until it is killed.

`python -m tests.e2e.training_process PROJECT STARTER` writes "phase step" a line.
"""

import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from core.learning.progress import Progress
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.workflows import models
from tests.e2e.training import Gate, services_with


def main() -> None:
    project, starter = map(Path, sys.argv[1:])
    setattr(models, "resource", lambda _: starter)  # noqa: B010 - nobody exports it
    application = QApplication([])
    services = services_with(Gate(), project / "settings.ini")
    services.settings.shows_plan = False
    window = MainWindow(services)
    window.show()
    window.project.open(project)
    services.trainer.progressed.connect(tell)
    action = window.actions_by_id["fine_tune"]
    action.changed.connect(lambda: action.trigger() if action.isEnabled() else None)
    application.exec()


def tell(progress: Progress) -> None:
    sys.stdout.write(f"{progress.phase} {progress.step}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
