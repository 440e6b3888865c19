"""A picture of a widget, as the documentation shows it."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

_WIDTH = 1152  # most pixels of a JPEG
_QUALITY = 78  # of a JPEG: small, and words on it stay sharp


def shoot(widget: QWidget, path: Path) -> None:
    """Save what a widget shows; a JPEG where photos are seen, a PNG where there are words alone.

    Raises:
        SystemExit: It cannot be written.
    """
    QTest.qWait(400)  # what is composed in the background is drawn by then
    path.parent.mkdir(parents=True, exist_ok=True)
    picture, quality = widget.grab(), -1
    if path.suffix == ".jpg":
        quality = _QUALITY
        if picture.width() > _WIDTH:
            smooth = Qt.TransformationMode.SmoothTransformation
            picture = picture.scaledToWidth(_WIDTH, smooth)
    if not picture.save(str(path), quality=quality):
        raise SystemExit(f"cannot write {path}")
