"""The sheet of shortcuts on small and large screens."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QScrollArea

from mrcnn_gui.ui.dialogs.shortcuts import ShortcutSheet
from mrcnn_gui.ui.main_window import MainWindow


class Screen:
    """As large as a test wants."""

    def __init__(self, width: int, height: int) -> None:
        self._size = QSize(width, height)

    def availableSize(self) -> QSize:
        return self._size


@pytest.mark.parametrize("size", [(2560, 1440), (1460, 900), (1024, 700)])
def test_the_sheet_never_scrolls_sideways(
    open_window: MainWindow, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShortcutSheet, "screen", lambda _: Screen(*size))
    sheet = ShortcutSheet(open_window.help.keymap, open_window)
    sheet.show()
    area = sheet.findChild(QScrollArea)
    assert isinstance(area, QScrollArea)
    assert area.horizontalScrollBar().maximum() == 0
    assert sheet.width() <= size[0]
    assert sheet.height() <= size[1]
    sheet.close()
