"""What both kinds of import have in common: a table of fates that can be saved."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QPushButton, QWidget

from core.files import atomic_path
from mrcnn_gui.services.importing import report_file
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.dialogs.exclusive_dialog import ExclusiveDialog
from mrcnn_gui.ui.dialogs.path_field import PathField
from mrcnn_gui.workflows.import_report import Fate, ReportLine

_FATES = {
    Fate.NOTED: "kept as contradictory",
    Fate.MENDED: "mended",
    Fate.DUPLICATE: "in the project already",
    Fate.REFUSED: "refused",
}


class ReportedImport(ExclusiveDialog):
    """Asks for a JSON file; afterwards the records that were not simply taken are listed."""

    def __init__(
        self, session: Session, settings: Settings, title: str, file: Path | None, parent: QWidget
    ) -> None:
        super().__init__(session, title, "Import", ("Record", "Fate", "Why"), parent)
        self._settings = settings
        self._report_path = report_file(session.store.folder)
        self.file = PathField("File to import", self._choose_file)
        self.file.line.setText(str(file or ""))
        self.save_button = QPushButton("&Save report…")
        self.save_button.hide()
        self.buttons.addButton(self.save_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.form.addRow("&File", self.file)
        self.file.line.textChanged.connect(self.refresh)
        self.save_button.clicked.connect(self._ask_where_to_save)

    def chosen_file(self) -> Path:
        """The file that was named; its folder is offered the next time."""
        file = self.file.path
        self._settings.set_last_folder("import", str(file.parent))
        self.save_button.hide()
        return file

    def tell_fates(
        self, sentence: str, lines: Iterable[ReportLine], totals: Mapping[Fate, int]
    ) -> None:
        """Say what came in, and list the records that were not simply taken."""
        rows = [(line.record, _FATES[line.fate], line.why) for line in lines]
        told = [f"{totals[fate]:,} {_FATES[fate]}" for fate in Fate if fate in totals]
        more = f" The first {len(rows):,} are listed." if sum(totals.values()) > len(rows) else ""
        fates = f"Records: {', '.join(told)}.{more}" if told else "All taken as they are."
        self.outcome.tell(f"{sentence} {fates}", rows)
        self.save_button.setVisible(bool(rows))

    def save_report(self, path: str) -> None:
        """Write the fates of all records that were not simply taken to a CSV file."""
        try:
            with atomic_path(Path(path)) as temporary:
                shutil.copyfile(self._report_path, temporary)
        except OSError as error:
            self._session.report_failure("The report was not saved", f"{path}: {error.strerror}")

    def _choose_file(self) -> str:
        start = self.file.text or self._settings.last_folder("import")
        return QFileDialog.getOpenFileName(self, "File to import", start, "JSON (*.json)")[0]

    def _ask_where_to_save(self) -> None:
        dialog = QFileDialog(self, "Save the report", str(Path(self.file.text).parent))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("CSV (*.csv)")
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(self._report_path.name)
        dialog.fileSelected.connect(self.save_report)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
