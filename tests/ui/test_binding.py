"""The Qt binding itself: one version of it took down CPython 3.11 (docs/adr/0006)."""

import sys

from PySide6.QtGui import QImage

CALLS = 1000


def test_calls_that_return_nothing_keep_the_references_to_none() -> None:
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        image.fill(0)
    assert sys.getrefcount(None) > before - CALLS // 10
