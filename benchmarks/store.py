"""A project of 100,000 images and 1,000,000 instances, outlined by 20 vertices on average.

The data set is generated and deleted again. Each part runs in a fresh process, so that one part's
memory is not another's. Times are wall times; beside them stands the CPU time that they took, which
other work on the machine changes less. `MRCNN_STORE_IMAGES` sets another number of images, for
trying.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from benchmarks import store_phases
from benchmarks.coco_generator import generate
from benchmarks.row import Row

_IMAGES = 100_000

P = ParamSpec("P")
T = TypeVar("T")


def rows() -> Iterator[Row]:
    """Opening, import, reading, editing, filtering and export."""
    count = int(os.environ.get("MRCNN_STORE_IMAGES", _IMAGES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = _apart(generate, folder, count)
        yield from _new_project(_apart(store_phases.new_project, data.images))
        project = folder / "project"
        took = _apart(store_phases.import_all, project, data)
        yield from _bulk_rows("import", took, bar_s=90)
        opened = _apart(store_phases.open_list, project)
        yield from _latency_rows("open_list", opened.time, bar_ms=1000)
        yield Row("store_list_memory", opened.megabytes, "MB", bar=150)
        times = _apart(store_phases.edit_documents, project)
        yield from _latency_rows("load_document", times.load, bar_ms=20)
        yield from _latency_rows("commit_stroke", times.commit, bar_ms=25)
        yield from _latency_rows("undo", times.undo, bar_ms=25)
        filtered = _apart(store_phases.filter_images, project)
        yield from _latency_rows("filter", filtered, bar_ms=150)
        exported = _apart(store_phases.export_all, project, folder / "out.json")
        yield from _bulk_rows("export", exported, bar_s=60)


def _new_project(made: store_phases.NewProject) -> Iterator[Row]:
    yield Row("store_new_project", made.seconds, "s")
    yield Row("store_new_project_delay", made.delay_p99, "ms")


def _bulk_rows(name: str, took: store_phases.Bulk, bar_s: float) -> Iterator[Row]:
    yield Row(f"store_coco_{name}", took.seconds, "s", bar=bar_s)
    yield Row(f"store_coco_{name}_cpu", took.cpu_seconds, "s")
    yield Row(f"store_{name}_peak", took.peak_megabytes, "MB", bar=1000)


def _latency_rows(name: str, took: store_phases.Latency, bar_ms: float) -> Iterator[Row]:
    yield Row(f"store_{name}", took.wall, "ms", bar=bar_ms)
    yield Row(f"store_{name}_cpu", took.cpu, "ms")


def _apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()
