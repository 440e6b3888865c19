"""Import a COCO file into the open project, and tell the fate of its records."""

import shutil
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QDialogButtonBox, QFileDialog, QPushButton, QWidget

from core.files import atomic_path
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.images_folder import images_folder_of
from mrcnn_gui.services.importing import import_file, report_file
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.dialogs.exclusive_dialog import ExclusiveDialog
from mrcnn_gui.ui.dialogs.path_field import PathField
from mrcnn_gui.ui.theme import quiet_label
from mrcnn_gui.ui.wording import plural
from mrcnn_gui.workflows.coco_import import ImportOptions
from mrcnn_gui.workflows.import_report import Fate, ImportReport

_STATUSES: dict[str, ReviewStatus | None] = {
    "In progress where they get instances": None,
    "Done": ReviewStatus.DONE,
    "In progress": ReviewStatus.IN_PROGRESS,
    "To do": ReviewStatus.TODO,
}
_ORIENTATIONS = {"As the photos are shown (usual)": False, "As the pixels are stored": True}
_ABOUT = (
    "All of the file comes in, or nothing. Ids, unknown fields, crowds, holes and parts are kept; a"
    " record that is in the project already is not added again."
)
_FATES = {
    Fate.NOTED: "kept as contradictory",
    Fate.MENDED: "mended",
    Fate.DUPLICATE: "in the project already",
    Fate.REFUSED: "refused",
}


class ImportDialog(ExclusiveDialog):
    """Which file, where its images are, and how to take it; then what became of each record."""

    def __init__(self, session: Session, settings: Settings, parent: QWidget) -> None:
        headers = ("Record", "Fate", "Why")
        super().__init__(session, "Import COCO JSON", "Import", headers, parent)
        self._settings = settings
        self._report_path = report_file(session.store.folder)
        self.file = PathField("COCO file", self._choose_file)
        self.images = PathField("Images folder", self._choose_folder)
        self.images.line.setText(str(images_folder_of(session.store) or ""))
        self.status, self.orientation = QComboBox(), QComboBox()
        self.status.addItems(list(_STATUSES))
        self.orientation.addItems(list(_ORIENTATIONS))
        self.save_button = QPushButton("&Save report…")
        self.save_button.hide()
        self.buttons.addButton(self.save_button, QDialogButtonBox.ButtonRole.ActionRole)
        self._fill_form()
        self.file.line.textChanged.connect(self.refresh)
        self.images.line.textChanged.connect(self.refresh)
        self.save_button.clicked.connect(self._ask_where_to_save)
        self.watch(self.file, self.images, self.status, self.orientation)

    def is_ready(self) -> bool:
        """A file and a folder are named."""
        return bool(self.file.text and self.images.text)

    def start(self) -> None:
        """Import the file."""
        file = Path(self.file.text).expanduser()
        self._settings.set_last_folder("import", str(file.parent))
        options = ImportOptions(
            _STATUSES[self.status.currentText()], _ORIENTATIONS[self.orientation.currentText()]
        )
        images = Path(self.images.text).expanduser()
        self.save_button.hide()
        title = f"Import of {file.name}"
        self.run(title, import_file, file, images, options, report=self._show_report)

    def save_report(self, path: str) -> None:
        """Write the fates of all records that were not simply taken to a CSV file."""
        try:
            with atomic_path(Path(path)) as temporary:
                shutil.copyfile(self._report_path, temporary)
        except OSError as error:
            self._session.report_failure("The report was not saved", f"{path}: {error.strerror}")

    def _fill_form(self) -> None:
        self.form.addRow("&File", self.file)
        self.form.addRow("&Images", self.images)
        where = "The names of images in the file start here. Nothing else is read."
        self.form.addRow("", quiet_label(where))
        self.form.addRow("&Review status", self.status)
        self.form.addRow("Masks of &turned photos", self.orientation)
        self.form.addRow("", quiet_label(_ABOUT))

    def _choose_file(self) -> str:
        start = self.file.text or self._settings.last_folder("import")
        return QFileDialog.getOpenFileName(self, "COCO file", start, "COCO JSON (*.json)")[0]

    def _choose_folder(self) -> str:
        return QFileDialog.getExistingDirectory(self, "Images folder", self.images.text)

    def _show_report(self, report: ImportReport) -> None:
        rows = [(line.record, _FATES[line.fate], line.why) for line in report.lines]
        self.outcome.tell(_sentence(report), rows)
        self.save_button.setVisible(bool(rows))

    def _ask_where_to_save(self) -> None:
        dialog = QFileDialog(self, "Save the report", str(Path(self.file.text).parent))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("CSV (*.csv)")
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(self._report_path.name)
        dialog.fileSelected.connect(self.save_report)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _sentence(report: ImportReport) -> str:
    if report.cancelled:
        return "Cancelled. The project is as it was."
    categories = (
        "1 new category" if report.categories == 1 else f"{report.categories} new categories"
    )
    came = (
        f"Imported {plural(report.instances, 'instance')} on {plural(report.images, 'image')}"
        f" and {categories}."
    )
    told = [f"{report.totals[fate]:,} {_FATES[fate]}" for fate in Fate if fate in report.totals]
    untold = sum(report.totals.values()) - len(report.lines)
    more = f" The first {len(report.lines):,} are listed." if untold > 0 else ""
    return f"{came} Records: {', '.join(told)}.{more}" if told else f"{came} All taken as they are."
