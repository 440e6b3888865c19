"""Python's cyclic garbage collector, kept on the GUI thread."""

import gc

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 500


def exempt_what_is_there() -> None:
    """Leave all objects of this moment out of future collections.

    Called when torch has been imported: its modules hold hundreds of thousands of objects that
    live as long as the program, and looking through them takes a fifth of a second and more.
    """
    gc.freeze()


class GarbageTimer(QObject):
    """Switches automatic collection off and collects by a timer on the GUI thread.

    A collection that happens to start on a worker can destroy a widget there, which crashes
    Qt. The timer applies the interpreter's own thresholds, so the cost is the usual one.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def stop(self) -> None:
        """Give collection back to the interpreter."""
        self._timer.stop()
        gc.enable()

    @Slot()
    def collect(self) -> None:
        """Collect the oldest generation whose threshold is passed; nothing when none is."""
        counts, thresholds = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > thresholds[generation] > 0:
                gc.collect(generation)
                return
