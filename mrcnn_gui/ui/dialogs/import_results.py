"""Import what another model found, as suggestions to accept or reject."""

from pathlib import Path

from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from mrcnn_gui.services.importing import import_results_file
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.dialogs.reported_import import ReportedImport
from mrcnn_gui.ui.theme import quiet_label
from mrcnn_gui.ui.wording import plural
from mrcnn_gui.workflows.results_import import ResultsImport, ResultsOptions

_ABOUT = (
    "COCO results with the ids of an export of this project. They take the place of the pending"
    " suggestions of their images; annotations and decisions stay as they are."
)


class ImportResultsDialog(ReportedImport):
    """Which file, and what its model is called; then what became of each result."""

    def __init__(
        self, session: Session, settings: Settings, file: Path | None, parent: QWidget
    ) -> None:
        super().__init__(session, settings, "Import COCO results", file, parent)
        self.model = QLineEdit()
        self.model.setAccessibleName("Name of the model")
        self.model.setPlaceholderText("the name of the file")
        self.boxes = QCheckBox("Take the whole &box where there is no mask")
        self.form.addRow("&Model", self.model)
        self.form.addRow("", self.boxes)
        self.form.addRow("", quiet_label(_ABOUT))
        self.watch(self.file, self.model, self.boxes)

    def is_ready(self) -> bool:
        """A file is named."""
        return bool(self.file.text)

    def start(self) -> None:
        """Import the file."""
        file = self.chosen_file()
        options = ResultsOptions(self.model.text(), self.boxes.isChecked())
        title = f"Import of {file.name}"
        self.run(title, import_results_file, file, options, report=self._show_report)

    def _show_report(self, report: ResultsImport) -> None:
        if report.cancelled:
            self.outcome.tell("Cancelled. The suggestions are as they were.", ())
            return
        found, images = plural(report.results, "suggestion"), plural(report.images, "image")
        self.tell_fates(f"Imported {found} on {images}.", report.lines, report.totals)
