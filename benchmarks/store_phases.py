"""The parts of the benchmark of the store; each runs in a process of its own."""

import os
import random
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.coco_generator import CATEGORIES, Generated
from core.masks import Mask
from mrcnn_gui.project.annotation import ReviewStatus, Side, Source
from mrcnn_gui.project.edits import PaintMask
from mrcnn_gui.project.history import History
from mrcnn_gui.project.image_query import ImageQuery
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.coco_import import import_coco
from mrcnn_gui.workflows.export_options import ExportOptions

_DOCUMENTS = 500
_FILTER_RUNS = 5
_BRUSH_RADIUS = 15
_WATCHED_SECONDS = 15.0
_MB = 1e6

Times = list[tuple[float, float]]  # seconds on the wall, and of CPU


@dataclass(frozen=True)
class NewProject:
    """Seconds until its list is shown, and the event loop's delays in ms while files are read."""

    seconds: float
    delay_p99: float


@dataclass(frozen=True)
class Bulk:
    """What an import or an export took."""

    seconds: float
    cpu_seconds: float
    peak_megabytes: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds on the wall, and of CPU on the thread that waited; of many, the p99 of each."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Opened:
    """What opening a project in the window took."""

    time: Latency
    megabytes: float


@dataclass(frozen=True)
class Edited:
    """Loading a document, saving a stroke, and undoing it."""

    load: Latency
    commit: Latency
    undo: Latency


def new_project(images: Path) -> NewProject:
    """Open a folder of images in the window."""
    from benchmarks.window import Delays, empty_window, run_until

    with empty_window(images.parent / "settings.ini") as (window, _):
        start = time.perf_counter()
        window.project.open(images)
        run_until(lambda: window.images.model.rowCount() > 0)
        run_until(lambda: window.canvas.shows_image)
        seconds = time.perf_counter() - start
        end = time.perf_counter() + _WATCHED_SECONDS
        with Delays() as delays:
            run_until(lambda: time.perf_counter() > end)
    return NewProject(seconds, float(np.percentile(delays.milliseconds, 99)))


def import_all(project: Path, data: Generated) -> Bulk:
    """Import the COCO file into a new project."""
    with Store.create(project) as store:
        took: list[Bulk] = []
        with _bulk(took):
            report = import_coco(store, data.instances_json, data.images)
        found = report.images, report.instances
        _expect("imported", found, (data.image_count, data.instance_count))
    return took[0]


def open_list(project: Path) -> Opened:
    """Open the project in the window, until the list and the first image are painted."""
    from benchmarks.window import empty_window, run_until

    with empty_window(project / "settings.ini") as (window, services):
        before = _resident_megabytes()
        times: Times = []
        with _timed(times):
            window.project.open(project)
            run_until(lambda: window.canvas.shows_image)
        megabytes = _resident_megabytes() - before
        _expect("listed", window.images.model.rowCount(), len(services.session.images))
    return Opened(_p99(times), megabytes)


def edit_documents(project: Path) -> Edited:
    """Load documents spread over the project, paint a stroke in each, and undo it."""
    loads: Times = []
    commits: Times = []
    undos: Times = []
    with Store.open(project) as store:
        entries = store.images()
        for entry in random.Random(0).sample(entries, min(_DOCUMENTS, len(entries))):
            with _timed(loads):
                document = store.load_document(entry.id)
            if not document.instances:
                continue
            instance = next(iter(document.instances.values()))
            stroke = PaintMask(instance.id, _disc(*instance.mask.box_xyxy[:2]))
            history = History(store, document)
            with _timed(commits):
                history.push(stroke)
            with _timed(undos):
                history.undo()
            _expect("undone", document, store.load_document(entry.id))
    return Edited(_p99(loads), _p99(commits), _p99(undos))


def filter_images(project: Path) -> Latency:
    """All kinds of questions, asked as the window's job asks them."""
    queries = [
        ImageQuery("0123"),
        ImageQuery("part_0 png"),
        ImageQuery(status=ReviewStatus.IN_PROGRESS),
        ImageQuery(side=Side.TRAIN),
        *(ImageQuery(category_id=each) for each in range(1, CATEGORIES + 1, 20)),
        ImageQuery(source=Source.IMPORTED),
        ImageQuery(source=Source.MODEL),
        ImageQuery(has_problem=True),
        ImageQuery("7", ReviewStatus.IN_PROGRESS, None, 1, Source.IMPORTED, False),
    ]
    times: Times = []
    for query in queries * _FILTER_RUNS:
        with _timed(times), Store.open(project, read_only=True) as store:
            store.find_images(query)
    return _p99(times)


def export_all(project: Path, out: Path) -> Bulk:
    """Export all images, verification included."""
    took: list[Bulk] = []
    with _bulk(took):
        report = export_coco(project, out, ExportOptions(all_images=True))
    _expect("told", report.problems, ())
    return took[0]


@contextmanager
def _bulk(took: list[Bulk]) -> Iterator[None]:
    start, before = time.perf_counter(), os.times()
    yield
    seconds, after = time.perf_counter() - start, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB
    took.append(Bulk(seconds, cpu, peak))


@contextmanager
def _timed(times: Times) -> Iterator[None]:
    start, cpu = time.perf_counter(), time.thread_time()
    yield
    times.append((time.perf_counter() - start, time.thread_time() - cpu))


def _disc(x: int, y: int) -> Mask:
    rows, columns = np.ogrid[: 2 * _BRUSH_RADIUS + 1, : 2 * _BRUSH_RADIUS + 1]
    inside = (rows - _BRUSH_RADIUS) ** 2 + (columns - _BRUSH_RADIUS) ** 2 <= _BRUSH_RADIUS**2
    return Mask.from_bitmap(inside, x, y)


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MB


def _p99(times: Times) -> Latency:
    wall, cpu = (float(each) * 1000 for each in np.percentile(times, 99, axis=0))
    return Latency(wall, cpu)


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"{what}: {str(found)[:200]}, expected {str(expected)[:200]}")
