"""How work that has the project to itself goes, and what it came to."""

from collections.abc import Iterable, Sequence

from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.ui.progress_bar import ThinProgressBar
from mrcnn_gui.ui.theme import SPACE


class WorkOutcome(QWidget):
    """A progress bar while it runs, then a sentence and a table; nothing before."""

    def __init__(self, headers: Sequence[str], parent: QWidget | None = None) -> None:
        """Show a table with these columns; the last one takes the room that is left."""
        super().__init__(parent)
        self.progress = ThinProgressBar("Progress")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.lines = QTreeWidget()
        self.lines.setAccessibleName("What is to be said about each")
        self.lines.setRootIsDecorated(False)
        self.lines.setHeaderLabels(list(headers))
        self.lines.setWordWrap(True)
        for section in range(len(headers) - 1):
            self.lines.header().setSectionResizeMode(
                section, QHeaderView.ResizeMode.ResizeToContents
            )
        self.lines.setMinimumSize(720, 200)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        for widget in (self.progress, self.text, self.lines):
            column.addWidget(widget)
            widget.hide()

    def show_running(self, running: bool) -> None:
        """Show the progress bar, or put it away."""
        self.progress.setVisible(running)
        self.progress.wait()
        if running:
            self.text.hide()
            self.lines.hide()

    def show_progress(self, counts: tuple[int, int]) -> None:
        """How much is done."""
        self.progress.show_counts(*counts)

    def tell(self, text: str, rows: Iterable[Sequence[str]] = ()) -> None:
        """Say what it came to, with a row for each thing that is worth one."""
        self.text.setText(text)
        self.text.setAccessibleName(text)
        self.text.show()
        items = [QTreeWidgetItem(list(row)) for row in rows]
        for item in items:
            item.setToolTip(item.columnCount() - 1, item.text(item.columnCount() - 1))
        self.lines.clear()
        self.lines.addTopLevelItems(items)
        self.lines.setVisible(bool(items))
