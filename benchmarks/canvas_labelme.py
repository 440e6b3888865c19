"""labelme's canvas on the same images and outlines, measured by its own Python.

Run as a program it belongs to an environment with labelme and PyQt5 and without this project;
imported, it writes the outlines for that program and reads its figures.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_EVENTS = 10  # each may take a second


def peer_times(
    python: str, image: Path, size: tuple[int, int], outlines: Sequence[Any]
) -> dict[str, float]:
    """The median ms of labelme for "open", "zoom", "hover" and "pan"; empty without it."""
    if not python:
        return {}
    annotation = image.with_suffix(".json")
    shape: dict[str, Any] = {
        "label": "kind",
        "group_id": None,
        "shape_type": "polygon",
        "flags": {},
    }
    shapes = [{**shape, "points": outline.tolist()} for outline in outlines]
    record: dict[str, Any] = {
        "version": "5.0.1",
        "flags": {},
        "imagePath": image.name,
        "imageData": None,
    }
    record |= {"shapes": shapes, "imageWidth": size[0], "imageHeight": size[1]}
    annotation.write_text(json.dumps(record), encoding="utf-8")
    done = subprocess.run(
        [python, __file__, str(annotation)], capture_output=True, text=True, check=False
    )
    annotation.unlink()
    if done.returncode:
        sys.stderr.write(f"labelme was not measured: {done.stderr.strip()[-300:]}\n")
        return {}
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return times


def _measure(annotation: str) -> dict[str, float]:
    from labelme.app import MainWindow  # type: ignore[import-not-found]
    from PyQt5 import QtCore, QtGui, QtTest, QtWidgets  # type: ignore[import-not-found]

    application = QtWidgets.QApplication([])
    window = MainWindow()
    window.show()
    canvas_area = window.centralWidget()
    for _ in range(2):
        window.resize(
            window.width() + 1600 - canvas_area.width(),
            window.height() + 1000 - canvas_area.height(),
        )
        application.processEvents()
    start = time.perf_counter()
    window._load_file(annotation)  # noqa: SLF001
    application.processEvents()
    times = {"open": [1000 * (time.perf_counter() - start)]}
    canvas = window._canvas_widgets.canvas  # noqa: SLF001

    def wheel(keys: Any, delta: int) -> None:
        at = QtCore.QPointF(canvas.visibleRegion().boundingRect().center())
        none, scrolls = QtCore.QPoint(), QtCore.Qt.NoScrollPhase
        angle, button = QtCore.QPoint(0, delta), QtCore.Qt.NoButton
        at_global = QtCore.QPointF(canvas.mapToGlobal(at.toPoint()))
        event = QtGui.QWheelEvent(at, at_global, none, angle, button, keys, scrolls, False)
        application.sendEvent(canvas, event)

    def act(name: str, step: int) -> None:
        if name == "zoom":
            wheel(QtCore.Qt.ControlModifier, 120 if step % 10 < 5 else -120)
        elif name == "pan":
            wheel(QtCore.Qt.NoModifier, -120 if step % 10 < 5 else 120)
        else:
            seen = canvas.visibleRegion().boundingRect()
            at = QtCore.QPoint(seen.left() + 37 * step % seen.width(), seen.center().y())
            QtTest.QTest.mouseMove(canvas, at)

    for name in ("zoom", "hover", "pan"):
        if name == "pan":  # scrolling needs an image that is larger than its window
            for _ in range(5):
                wheel(QtCore.Qt.ControlModifier, 120)
            application.processEvents()
        for step in range(_EVENTS):
            start = time.perf_counter()
            act(name, step)
            application.processEvents()
            times.setdefault(name, []).append(1000 * (time.perf_counter() - start))
    return {name: sorted(values)[len(values) // 2] for name, values in times.items()}


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1])))
