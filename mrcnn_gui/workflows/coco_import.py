"""A COCO file into a project: streamed, record by record, wholly or not at all."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.formats.coco_fields import CocoError, check_depth, shown
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.import_table import ImportedInstance
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_categories import match_categories
from mrcnn_gui.workflows.coco_header import CocoHeader, file_size, read_header
from mrcnn_gui.workflows.coco_images import TargetImage, take_images
from mrcnn_gui.workflows.coco_records import AnnotationReader
from mrcnn_gui.workflows.import_options import ImportOptions
from mrcnn_gui.workflows.import_report import ImportReport, OnLine, Reporter
from mrcnn_gui.workflows.progress import (
    Count,
    ShouldStop,
    StoppedError,
    ignore_count,
    never_stop,
    stoppable,
)

__all__ = ["ImportOptions", "import_coco"]

_ASKED = 1000  # annotations between two questions whether to stop
_ASKED_IMAGES = 20  # images, of which each may be a file to open
_KIB = 1024


def import_coco(
    store: Store,
    instances_json: Path,
    images_folder: Path,
    options: ImportOptions | None = None,
    *,
    on_progress: Count = ignore_count,
    should_stop: ShouldStop = never_stop,
    on_line: OnLine | None = None,
) -> ImportReport:
    """Bring the images, categories and annotations of a COCO file into a project.

    One transaction, whatever happens. Memory does not grow with the annotations. Categories match
    by name. Ids are kept where they are free. Every instance keeps its record, with the project's
    category id in it; one whose record is in the project already is not added again. What is
    mended or refused is told in the report.

    Args:
        store: Open for writing.
        instances_json: COCO file.
        images_folder: Where `file_name` starts from; nothing outside it is ever read.
        options: How to take it.
        on_progress: Called with the kibibytes that were read, and those of the file.
        should_stop: Asked now and then; then the project is as it was.
        on_line: Gets every line of the report as it is found, also those beyond its limit.

    Raises:
        CocoError: The file is wrong as a whole; the project is as it was.
        ProjectError: The project cannot be written, or none of the images can be used.
    """
    if not images_folder.is_dir():
        raise ProjectError(f"{images_folder} is not a folder")
    reporter = Reporter(on_line)
    run = _Import(store, options or ImportOptions(), reporter, should_stop)
    size = file_size(instances_json) // _KIB
    try:
        with store.transaction(), _uncollected():
            header, annotations = read_header(
                instances_json, lambda done: on_progress(min(done // _KIB, size), size)
            )
            run.take(instances_json.name, header, annotations, images_folder)
    except StoppedError:
        return ImportReport(0, 0, 0, cancelled=True)
    lines, totals = tuple(reporter.lines), dict(reporter.totals)
    return ImportReport(run.images, run.instances, run.categories, lines=lines, totals=totals)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No automatic search for cycles inside: the many records have none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Import:
    """One import, inside the transaction."""

    def __init__(
        self, store: Store, options: ImportOptions, reporter: Reporter, should_stop: ShouldStop
    ) -> None:
        self._store, self._options, self._reporter = store, options, reporter
        self._should_stop = should_stop
        self.images = self.instances = self.categories = 0
        self._touched: set[int] = set()

    def take(
        self, name: str, header: CocoHeader, annotations: Iterator[Any], images_folder: Path
    ) -> None:
        import_id = self._store.imports.begin(name)
        images = self._take_images(import_id, name, header, images_folder)
        before = len(self._store.categories())
        categories = match_categories(self._store, header.categories, self._reporter)
        self.categories = len(self._store.categories()) - before
        reader = AnnotationReader(images, categories, self._store.imports, self._reporter)
        for instances in reader.read(stoppable(annotations, self._should_stop, _ASKED)):
            self._add(instances)
        self._store.imports.name_all()
        self._store.imports.note_rest(import_id, _rest_as_json(header.rest))
        self._set_statuses(images)

    def _take_images(
        self, import_id: int, name: str, header: CocoHeader, images_folder: Path
    ) -> dict[int | str, TargetImage]:
        images = take_images(
            self._store,
            import_id,
            stoppable(header.images, self._should_stop, _ASKED_IMAGES),
            images_folder,
            options=self._options,
            reporter=self._reporter,
        )
        if not images:
            lines = self._reporter.lines
            first = f": {lines[0]}" if lines else ""
            raise ProjectError(f"no image of {name} can be used{first}")
        self.images = len(images)
        return images

    def _add(self, instances: list[ImportedInstance]) -> None:
        self._store.imports.add(instances)
        self.instances += len(instances)
        self._touched.update([each.image_id for each in instances])

    def _set_statuses(self, images: dict[int | str, TargetImage]) -> None:
        if self._options.status is None:
            self._store.imports.start(self._touched)
        ids = {image.id for image in images.values()}
        entries = [entry for entry in self._store.images() if entry.id in ids]
        for entry in entries:
            started = entry.status is ReviewStatus.TODO and entry.id in self._touched
            status = ReviewStatus.IN_PROGRESS if started else entry.status
            if (self._options.status or status) is not entry.status:
                self._store.set_status(entry.id, self._options.status or status)


def _rest_as_json(rest: dict[str, Any]) -> str:
    """The other top-level keys, in their order.

    Raises:
        CocoError: They hold what JSON has not.
    """
    check_depth(rest, "one of the other keys")
    try:
        text = json.dumps(rest, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except ValueError as error:
        raise CocoError(
            f"one of the keys {shown(list(rest))} holds what JSON has not: {error}"
        ) from error
    return text
