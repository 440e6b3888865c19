"""How far work is, as a thin bar without words."""

from PySide6.QtWidgets import QProgressBar, QWidget

_HEIGHT = 12
_STEPS = 1000  # counts of bytes exceed what a bar can hold


class ThinProgressBar(QProgressBar):
    """A bar that moves to and fro until it is known how much there is."""

    def __init__(self, name: str, width: int | None = None, parent: QWidget | None = None) -> None:
        """Call it `name` for those who cannot see it; without a width it takes what there is."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setTextVisible(False)
        self.setFixedHeight(_HEIGHT)
        if width is not None:
            self.setFixedWidth(width)

    def wait(self) -> None:
        """It is not known yet how much there is."""
        self.setRange(0, 0)

    def show_counts(self, done: int, total: int) -> None:
        """So much of so much is done."""
        self.setRange(0, _STEPS)
        self.setValue(_STEPS * done // max(total, 1))
