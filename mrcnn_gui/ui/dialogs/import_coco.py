"""Import a COCO file into the open project, and tell the fate of its records."""

from pathlib import Path

from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.images_folder import images_folder_of
from mrcnn_gui.services.importing import import_file
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.dialogs.path_field import PathField
from mrcnn_gui.ui.dialogs.reported_import import ReportedImport
from mrcnn_gui.ui.theme import quiet_label
from mrcnn_gui.ui.wording import plural
from mrcnn_gui.workflows.coco_import import ImportOptions
from mrcnn_gui.workflows.import_report import ImportReport

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


class ImportDialog(ReportedImport):
    """Which file, where its images are, and how to take it; then what became of each record."""

    def __init__(
        self, session: Session, settings: Settings, file: Path | None, parent: QWidget
    ) -> None:
        super().__init__(session, settings, "Import COCO JSON", file, parent)
        self.images = PathField("Images folder", self._choose_folder)
        self.images.line.setText(str(images_folder_of(session.store) or ""))
        self.images.line.textChanged.connect(self.refresh)
        self.status, self.orientation = QComboBox(), QComboBox()
        self.status.addItems(list(_STATUSES))
        self.orientation.addItems(list(_ORIENTATIONS))
        self.form.addRow("&Images", self.images)
        where = "The names of images in the file start here. Nothing else is read."
        self.form.addRow("", quiet_label(where))
        self.form.addRow("&Review status", self.status)
        self.form.addRow("Masks of &turned photos", self.orientation)
        self.form.addRow("", quiet_label(_ABOUT))
        self.watch(self.file, self.images, self.status, self.orientation)

    def is_ready(self) -> bool:
        """A file and a folder are named."""
        return bool(self.file.text and self.images.text)

    def start(self) -> None:
        """Import the file."""
        file, images = self.chosen_file(), self.images.path
        options = ImportOptions(
            _STATUSES[self.status.currentText()], _ORIENTATIONS[self.orientation.currentText()]
        )
        title = f"Import of {file.name}"
        self.run(title, import_file, file, images, options, report=self._show_report)

    def _choose_folder(self) -> str:
        return QFileDialog.getExistingDirectory(self, "Images folder", self.images.text)

    def _show_report(self, report: ImportReport) -> None:
        if report.cancelled:
            self.outcome.tell("Cancelled. The project is as it was.", ())
            return
        new = report.categories
        categories = "1 new category" if new == 1 else f"{new} new categories"
        instances, images = plural(report.instances, "instance"), plural(report.images, "image")
        sentence = f"Imported {instances} on {images} and {categories}."
        self.tell_fates(sentence, report.lines, report.totals)
