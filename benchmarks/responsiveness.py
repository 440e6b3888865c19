"""What holds the event loop of the real window through a person's work, and which code does it.

Real photos are opened, pre-segmented, accepted, painted on, undone, marked done and exported. The
import of torch is waited for before: it holds the loop once, by design.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from benchmarks.canvas_driver import Hand
from benchmarks.data import shared_data
from benchmarks.row import Row
from benchmarks.window import open_window, run_until
from mrcnn_gui.workflows.projects import create_project
from tests.helpers.loop_watch import LoopWatch

_PHOTOS = 5
_BAR_MS = 16.0
_KEY, _CONTROL = Qt.Key, Qt.KeyboardModifier.ControlModifier


def rows() -> Iterator[Row]:
    """`gui_worst_delay`; the five longest delays and their culprits go to the error output."""
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images"
        images.mkdir()
        for photo in sorted((shared_data("balloon") / "images").iterdir())[:_PHOTOS]:
            shutil.copy(photo, images)
        watch = _work(create_project(Path(folder) / "project", images, ("balloon",)).folder)
    sys.stderr.write(f"{watch.report()}\n")
    yield Row("gui_worst_delay", watch.worst.ms, "ms", bar=_BAR_MS)


def _work(project: Path) -> LoopWatch:
    with open_window(project) as (window, services):
        run_until(lambda: "on " in services.segmenter.model_label)
        hand = Hand(window, services, (1600, 1000))
        hand.wait()
        with LoopWatch() as watch:
            for _ in range(_PHOTOS - 1):
                _annotate(hand)
            hand.pan(100)
            hand.zoom(100)
            hand.hover(100)
    return watch


def _annotate(hand: Hand) -> None:
    """Suggestions, an accepted one, a stroke and its undoing; then on to the next photo."""
    services, canvas = hand.services, hand.canvas
    finished: list[object] = []
    services.segmenter.finished.connect(finished.append)
    QTest.keyClick(canvas, _KEY.Key_Space)
    run_until(lambda: bool(finished))
    hand.window.suggestions.slider.setValue(5)
    QApplication.processEvents()
    QTest.keyClick(canvas, _KEY.Key_Tab)
    QTest.keyClick(canvas, _KEY.Key_Return)
    QTest.keyClick(canvas, _KEY.Key_B)
    hand.stroke(20)
    for key in (_KEY.Key_Z, _KEY.Key_Y):
        QTest.keyClick(canvas, key, _CONTROL)
    QTest.keyClick(canvas, _KEY.Key_V)
    QTest.keyClick(canvas, _KEY.Key_D)
    before = canvas.image_id
    QTest.keyClick(canvas, _KEY.Key_Right)
    run_until(lambda: canvas.image_id != before and canvas.is_sharp)
