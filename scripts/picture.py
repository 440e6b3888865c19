"""A picture of a widget, as the documentation shows it."""

from pathlib import Path

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

_QUALITY = 75  # of a JPEG: small, and words on it stay sharp


def shoot(widget: QWidget, path: Path) -> None:
    """Save what a widget shows; a JPEG where a photo is seen, a PNG where there are words alone.

    Raises:
        SystemExit: It cannot be written.
    """
    QTest.qWait(400)  # what is composed in the background is drawn by then
    path.parent.mkdir(parents=True, exist_ok=True)
    if not widget.grab().save(str(path), quality=_QUALITY if path.suffix == ".jpg" else -1):
        raise SystemExit(f"cannot write {path}")
