"""Opens the window on a folder and paints without end, telling each edit once it is saved.

`python -m tests.e2e.editing_process FOLDER` writes one JSON line when the disk has a stroke: the
areas of all instances by id. It ends only when it is killed.
"""

import json
import sys
from itertools import count
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from mrcnn_gui.app import make_services
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services


def main() -> None:
    folder = Path(sys.argv[1])
    QApplication([])
    services = make_services(Settings(folder / "settings.ini"))
    window = MainWindow(services)
    window.show()
    ready: list[int] = []
    services.images.image_ready.connect(lambda image_id, _: ready.append(image_id))
    window.project.open(folder)
    while not ready:
        QTest.qWait(10)
    edits: list[object] = []
    services.session.document_changed.connect(edits.append)
    QTest.keyClick(window.canvas, Qt.Key.Key_B)
    for number in count():
        stroke(window, number)
        while not services.session.saving.is_saved:
            QTest.qWait(1)
        if edits:
            edits.clear()
            tell(services)


def stroke(window: MainWindow, number: int) -> None:
    """Every third one begins a new instance; the others go on with it."""
    if number % 3 == 0:
        QTest.keyClick(window.canvas, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    start = QPoint(60 + 17 * (number % 30), 80 + 29 * (number % 13))
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(window.canvas, start + QPoint(6 * step, 4 * step))
    QTest.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(30, 20))


def tell(services: Services) -> None:
    document = services.session.document
    assert document is not None
    areas = {key: instance.mask.area for key, instance in document.instances.items()}
    sys.stdout.write(json.dumps(areas) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
