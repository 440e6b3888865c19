"""A picture of a widget, as the documentation shows it."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from benchmarks.window import run_until
from mrcnn_gui.ui.main_window import MainWindow

_WIDTH = 1152  # most pixels of a JPEG
_QUALITY = 78  # of a JPEG: small, and words on it stay sharp


def shoot(widget: QWidget, path: Path) -> None:
    """Save what a widget shows; a JPEG where photos are seen, a PNG where there are words alone.

    Raises:
        SystemExit: It cannot be written.
    """
    QTest.qWait(400)  # what works beside the window arrives by then
    if isinstance(widget, MainWindow) and widget.canvas.shows_image:
        run_until(lambda: widget.canvas.is_sharp)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture, quality = widget.grab(), -1
    if path.suffix == ".jpg":
        quality = _QUALITY
        if picture.width() > _WIDTH:
            smooth = Qt.TransformationMode.SmoothTransformation
            picture = picture.scaledToWidth(_WIDTH, smooth)
    if not picture.save(str(path), quality=quality):
        raise SystemExit(f"cannot write {path}")
