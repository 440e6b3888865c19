"""The brush and undo on one mask of 4000x4000 pixels of noise, in the real window.

An event's time ends when everything that it made stale is painted. Strokes flip what lies under
the brush; each is pressed, moved, let go and undone, at radius 50 and 500.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from benchmarks.row import Row
from benchmarks.window import open_window, run_until
from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.store import Store
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.projects import create_project

_SIDE = 4000
_OTHERS = 1000
_STROKES = 25  # for each radius
_MOVES = 4  # of each stroke
_BARS = {"dab_50": 8.0, "dab_500": 8.0, "release": 25.0, "undo": 16.0}

Times = dict[str, list[float]]


def rows() -> Iterator[Row]:
    """p99 in ms of a dab, of letting the brush go, and of undo."""
    with tempfile.TemporaryDirectory() as folder:
        times = _measure(_project(Path(folder)))
    for name, bar in _BARS.items():
        yield Row(f"large_mask_{name}", float(np.percentile(times[name], 99)), "ms", bar=bar)


def _project(work: Path) -> Path:
    """A project with one photo of noise: the large mask and a thousand small ones."""
    generator = np.random.default_rng(0)
    images = work / "images"
    images.mkdir()
    pixels = generator.integers(0, 255, (_SIDE, _SIDE, 3), np.uint8)
    cv2.imwrite(str(images / "noise.jpg"), pixels)
    project = create_project(work / "project", images, ("object",)).folder
    noise = Mask.from_bitmap(generator.random((_SIDE, _SIDE)) < 0.5)
    small = Mask.from_bitmap(np.ones((40, 40), np.bool_))
    places = generator.integers(0, _SIDE - 40, (_OTHERS, 2)).tolist()
    masks = [noise, *(small.shift(x, y) for x, y in places)]
    with Store.open(project) as store:
        [entry] = store.images()
        [category] = store.categories()
        human = Provenance(Source.HUMAN)
        store.insert_instances(
            entry.id,
            [Instance(number, category.id, mask, human) for number, mask in enumerate(masks, 1)],
        )
    return project


def _measure(project: Path) -> Times:
    times: Times = {"dab_50": [], "dab_500": [], "release": [], "undo": []}
    with open_window(project) as (window, services):
        window.resize(1600, 1000)
        run_until(lambda: "on " in services.segmenter.model_label)  # torch is imported only once
        run_until(lambda: window.canvas.is_sharp)
        services.view_state.selected_instance = 1
        QTest.keyClick(window.canvas, Qt.Key.Key_B)
        for radius in (50, 500):
            services.view_state.brush_radius = radius
            run_until(lambda: True)
            for number in range(_STROKES):
                _stroke(window, services, number, times[f"dab_{radius}"], times["release"])
                _time(times["undo"], services.session.undo)
                _time(times["undo"], services.session.redo)
    return times


def _stroke(
    window: MainWindow,
    services: Services,
    number: int,
    dabs: list[float],
    releases: list[float],
) -> None:
    canvas, button = window.canvas, Qt.MouseButton.LeftButton
    at = canvas.rect().center() + QPoint(4 * number - 50, 3 * number - 40)
    _time(dabs, lambda: QTest.mousePress(canvas, button, pos=at))
    for move in range(1, _MOVES + 1):
        end = at + QPoint(7 * move, 5 * move)
        _time(dabs, partial(QTest.mouseMove, canvas, end))
    _time(releases, lambda: _release_to_disk(window, services, end))


def _release_to_disk(window: MainWindow, services: Services, at: QPoint) -> None:
    QTest.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=at)
    QApplication.processEvents()
    run_until(lambda: services.session.saving.is_saved)


def _time(times: list[float], act: Callable[[], object]) -> None:
    start = time.perf_counter()
    act()
    QApplication.processEvents()
    times.append((time.perf_counter() - start) * 1000)
