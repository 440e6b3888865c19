"""Imports as work that has the project to itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mrcnn_gui.project.store import Store
from mrcnn_gui.services.exclusive import Course
from mrcnn_gui.workflows.coco_import import ImportOptions, import_coco
from mrcnn_gui.workflows.import_report import ImportReport, OnLine, written_lines
from mrcnn_gui.workflows.results_import import ResultsImport, ResultsOptions, import_results

CACHE_FOLDER = "cache"


def import_file(
    store: Store, file: Path, images_folder: Path, options: ImportOptions, course: Course
) -> ImportReport:
    """Bring a COCO file into the project; every line of the report goes to `report_file`.

    Raises:
        CocoError, ProjectError, OSError: Nothing was taken.
    """
    with _reported(store) as on_line:
        return import_coco(
            store,
            file,
            images_folder,
            options,
            on_progress=course.report,
            should_stop=course.should_stop,
            on_line=on_line,
        )


def import_results_file(
    store: Store, file: Path, options: ResultsOptions, course: Course
) -> ResultsImport:
    """Make the results of another model pending suggestions, reported in the same way.

    Raises:
        CocoError, ProjectError, OSError: Nothing was taken.
    """
    with _reported(store) as on_line:
        return import_results(
            store,
            file,
            options,
            on_progress=course.report,
            should_stop=course.should_stop,
            on_line=on_line,
        )


@contextmanager
def _reported(store: Store) -> Iterator[OnLine | None]:
    """Where the report cannot be written the import is taken back, and told as failed."""
    lines = report_file(store.folder)
    lines.parent.mkdir(exist_ok=True)
    with store.transaction(), written_lines(lines) as on_line:
        yield on_line


def report_file(folder: Path) -> Path:
    """Where the report of a project's last import is: CSV, a line for each record with a fate."""
    return folder / CACHE_FOLDER / "import-report.csv"
