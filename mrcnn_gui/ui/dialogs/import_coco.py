"""Import a COCO file into the open project, and tell the fate of its records."""

import shutil
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.files import atomic_path
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.images_folder import images_folder_of
from mrcnn_gui.services.importing import import_file, report_file
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.dialogs.import_outcome import ImportOutcome
from mrcnn_gui.ui.dialogs.path_field import PathField
from mrcnn_gui.ui.theme import SPACE, drop_button_icons, quiet_label
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


class ImportDialog(QDialog):
    """Which file, where its images are, and how to take it; then what became of each record."""

    def __init__(self, session: Session, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Import COCO JSON")
        self._session, self._settings = session, settings
        self._report_path = report_file(session.store.folder)
        self._running = False
        self.file = PathField("COCO file", self._choose_file)
        self.images = PathField("Images folder", self._choose_folder)
        self.images.line.setText(str(images_folder_of(session.store) or ""))
        self.status, self.orientation = QComboBox(), QComboBox()
        self.status.addItems(list(_STATUSES))
        self.orientation.addItems(list(_ORIENTATIONS))
        self.orientation.setAccessibleName("How the masks of turned photos lie")
        self.outcome = ImportOutcome()
        self.save_button = QPushButton("&Save report…")
        self.save_button.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.close_button = self.buttons.button(QDialogButtonBox.StandardButton.Close)
        self.import_button = self.buttons.addButton(
            "Import", QDialogButtonBox.ButtonRole.AcceptRole
        )
        self.buttons.addButton(self.save_button, QDialogButtonBox.ButtonRole.ActionRole)
        drop_button_icons(self.buttons)
        self._lay_out()
        self._connect()
        self._refresh()

    def reject(self) -> None:
        """Cancel an import under way; the dialog stays to tell how it ended."""
        if self._running:
            self.close_button.setText("Cancelling…")
            self._session.exclusive.cancel()
        else:
            super().reject()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(2 * SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&File", self.file)
        form.addRow("&Images", self.images)
        form.addRow(
            "", quiet_label("The names of images in the file start here. Nothing else is read.")
        )
        form.addRow("&Review status", self.status)
        form.addRow("Masks of &turned photos", self.orientation)
        form.addRow("", quiet_label(_ABOUT))
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(3 * SPACE)
        column.addLayout(form)
        column.addWidget(self.outcome, 1)
        column.addWidget(self.buttons)

    def _connect(self) -> None:
        self.file.line.textChanged.connect(self._refresh)
        self.images.line.textChanged.connect(self._refresh)
        self.buttons.accepted.connect(self._start)
        self.buttons.rejected.connect(self.reject)
        self.save_button.clicked.connect(self._ask_where_to_save)
        self._session.exclusive.changed.connect(self._refresh)
        self._session.exclusive.progressed.connect(self.outcome.show_progress)
        self._session.project_closed.connect(self._forget)

    def _choose_file(self) -> str:
        start = self.file.text or self._settings.last_folder("import")
        return QFileDialog.getOpenFileName(self, "COCO file", start, "COCO JSON (*.json)")[0]

    def _choose_folder(self) -> str:
        return QFileDialog.getExistingDirectory(self, "Images folder", self.images.text)

    def _refresh(self) -> None:
        running = self._running
        self.import_button.setEnabled(
            not self._session.no_writing and bool(self.file.text and self.images.text)
        )
        self.close_button.setText("Cancel import" if running else "Close")
        for widget in (self.file, self.images, self.status, self.orientation):
            widget.setEnabled(not running)

    def _start(self) -> None:
        file = Path(self.file.text).expanduser()
        self._settings.set_last_folder("import", str(file.parent))
        options = ImportOptions(
            _STATUSES[self.status.currentText()], _ORIENTATIONS[self.orientation.currentText()]
        )
        self._running = True
        self.outcome.show_running(True)
        self.save_button.hide()
        self._session.exclusive.run(
            f"Import of {file.name}",
            import_file,
            file,
            Path(self.images.text).expanduser(),
            options,
            on_done=self._show_report,
            on_failed=self._show_failure,
        )

    def _show_report(self, report: ImportReport) -> None:
        self._end()
        self.outcome.show_report(report)
        self.adjustSize()
        self.save_button.setVisible(bool(report.lines))

    def _show_failure(self, reason: str) -> None:
        self._end()
        self.outcome.show_failure(reason)

    def _end(self) -> None:
        self._running = False
        self.outcome.show_running(False)
        self._refresh()

    def _forget(self) -> None:
        self._running = False
        self.reject()

    def _ask_where_to_save(self) -> None:
        dialog = QFileDialog(self, "Save the report", str(Path(self.file.text).parent))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("CSV (*.csv)")
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(self._report_path.name)
        dialog.fileSelected.connect(self.save_report)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_report(self, path: str) -> None:
        """Write the fates of all records that were not simply taken to a CSV file."""
        try:
            with atomic_path(Path(path)) as temporary:
                shutil.copyfile(self._report_path, temporary)
        except OSError as error:
            self._session.report_failure("The report was not saved", f"{path}: {error.strerror}")
