"""A line for a path, with a button that lets one choose it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from mrcnn_gui.ui.theme import SPACE


class PathField(QWidget):
    """Line edit and "Choose…" button; `choose` returns the chosen path, "" when none."""

    def __init__(self, name: str, choose: Callable[[], str]) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setAccessibleName(name)
        self.line.setMinimumWidth(320)
        self.button = QPushButton("Choose…")
        self.button.setAccessibleName(f"Choose {name.lower()}")
        self.button.setAutoDefault(False)
        self.button.clicked.connect(lambda: self._take(choose()))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * SPACE)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        self.setFocusProxy(self.line)

    @property
    def text(self) -> str:
        """What stands in the line, without blanks around it."""
        return self.line.text().strip()

    @property
    def path(self) -> Path:
        """The path that stands in the line; ~ is the home folder, ~name that of such a user."""
        path = Path(self.text)
        try:
            return path.expanduser()
        except RuntimeError:  # there is no such user: whoever opens it tells that it is not there
            return path

    def _take(self, path: str) -> None:
        if path:
            self.line.setText(path)
