"""Finding moved images again, as work that has the project to itself."""

from pathlib import Path

from mrcnn_gui.project.store import Store
from mrcnn_gui.services.exclusive import Course
from mrcnn_gui.workflows.relink import RelinkReport, relink


def find_moved(store: Store, folder: Path, course: Course) -> RelinkReport:
    """Look in a folder for the files of images that are missing.

    Raises:
        ProjectError: There is no such folder, or the project cannot be written.
    """
    return relink(store, folder, on_progress=course.report, should_stop=course.should_stop)
