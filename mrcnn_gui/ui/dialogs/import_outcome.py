"""What an import came to: a sentence, and the records that were not simply taken."""

from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QProgressBar,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.ui.theme import SPACE
from mrcnn_gui.ui.wording import plural
from mrcnn_gui.workflows.import_report import Fate, ImportReport, ReportLine

_STEPS = 1000
_FATES = {
    Fate.NOTED: "kept as contradictory",
    Fate.MENDED: "mended",
    Fate.DUPLICATE: "in the project already",
    Fate.REFUSED: "refused",
}


class ImportOutcome(QWidget):
    """Progress while an import runs, then its report; nothing before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(12)
        self.progress.setAccessibleName("Progress of the import")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.lines = QTreeWidget()
        self.lines.setAccessibleName("Records that were not simply taken")
        self.lines.setRootIsDecorated(False)
        self.lines.setHeaderLabels(["Record", "Fate", "Why"])
        self.lines.setWordWrap(True)
        for section in (0, 1):
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
        self.progress.setRange(0, 0)
        if running:
            self.text.hide()
            self.lines.hide()

    def show_progress(self, counts: tuple[int, int]) -> None:
        """How much of the file was read."""
        done, total = counts
        self.progress.setRange(0, _STEPS)
        self.progress.setValue(_STEPS * done // max(total, 1))

    def show_report(self, report: ImportReport) -> None:
        """Say what came in, and list what was mended or refused."""
        self._say(_sentence(report))
        self.lines.clear()
        self.lines.addTopLevelItems([_item(line) for line in report.lines])
        self.lines.setVisible(bool(report.lines))

    def show_failure(self, reason: str) -> None:
        """Say that nothing came in, and why."""
        self._say(f"Nothing was imported: {reason}")

    def _say(self, text: str) -> None:
        self.text.setText(text)
        self.text.setAccessibleName(text)
        self.text.show()


def _item(line: ReportLine) -> QTreeWidgetItem:
    item = QTreeWidgetItem([line.record, _FATES[line.fate], line.why])
    item.setToolTip(2, line.why)
    return item


def _sentence(report: ImportReport) -> str:
    if report.cancelled:
        return "Cancelled. The project is as it was."
    came = (
        f"Imported {plural(report.instances, 'instance')} on {plural(report.images, 'image')}"
        f" and {plural(report.categories, 'new category').replace('categorys', 'categories')}."
    )
    told = [f"{report.totals[fate]:,} {_FATES[fate]}" for fate in Fate if fate in report.totals]
    untold = sum(report.totals.values()) - len(report.lines)
    more = f" The first {len(report.lines):,} are listed." if untold > 0 else ""
    return f"{came} Records: {', '.join(told)}.{more}" if told else f"{came} All taken as they are."
