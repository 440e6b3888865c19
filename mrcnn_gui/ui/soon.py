"""Calls that many signals ask for and one call answers."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


class Soon(QTimer):
    """Calls a function once when the event loop is next idle, however often it is asked to."""

    def __init__(self, function: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self.setSingleShot(True)
        self.timeout.connect(function)

    def ask(self, *_: object) -> None:
        """Have the function called soon; takes, and ignores, what any signal carries."""
        if not self.isActive():
            self.start(0)
