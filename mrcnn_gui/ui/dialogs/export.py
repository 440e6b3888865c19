"""Export the annotations as one COCO file; the writing goes on while the window is used."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QProgressBar,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.dialogs.path_field import PathField
from mrcnn_gui.ui.theme import SPACE, drop_button_icons, quiet_label
from mrcnn_gui.ui.wording import plural
from mrcnn_gui.workflows.exchange import ExportReport, export_coco


class ExportDialog(QDialog):
    """Which images, which file; then how it went."""

    def __init__(
        self, session: Session, jobs: JobRunner, settings: Settings, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export COCO JSON")
        self._session = session
        self._jobs = jobs
        self._settings = settings
        self._job: Job | None = None
        done = sum(1 for entry in session.images if entry.status is ReviewStatus.DONE)
        self.done_only = QRadioButton(f"&Done images ({done})")
        self.all_images = QRadioButton(f"&All images ({len(session.images)})")
        (self.done_only if done else self.all_images).setChecked(True)
        self.done_only.setEnabled(done > 0)
        self.path = PathField("File to write", self._choose_file)
        self.path.line.setText(str(self._first_path()))
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(12)
        self.progress.setAccessibleName("Progress of the export")
        self.outcome = QLabel()
        self.outcome.setWordWrap(True)
        self.outcome.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.export_button = self.buttons.addButton(
            "Export", QDialogButtonBox.ButtonRole.AcceptRole
        )
        drop_button_icons(self.buttons)
        self._lay_out()
        self.path.line.textChanged.connect(self._refresh)
        self.buttons.accepted.connect(self._start)
        self.buttons.rejected.connect(self.reject)
        self._refresh()

    def done(self, result: int) -> None:
        """Closing the dialog cancels an export under way; the old file stays."""
        if self._job is not None:
            self._job.cancel()
        super().done(result)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(2 * SPACE)
        column.addWidget(self.done_only)
        column.addWidget(self.all_images)
        column.addSpacing(2 * SPACE)
        column.addWidget(self.path)
        note = "Suggestions that nobody accepted are not exported. An existing file is replaced"
        column.addWidget(quiet_label(f"{note} only when the new one reads back exactly."))
        column.addWidget(self.progress)
        column.addWidget(self.outcome)
        column.addWidget(self.buttons)

    def _first_path(self) -> Path:
        folder = self._session.folder or Path.home()
        inside = folder.parent if folder.name == ".mrcnn" else folder
        return Path(self._settings.last_folder("export") or inside) / "instances.json"

    def _choose_file(self) -> str:
        kinds = "COCO JSON (*.json)"
        return QFileDialog.getSaveFileName(self, "Export COCO JSON", self.path.text, kinds)[0]

    def _refresh(self) -> None:
        running = self._job is not None
        self.progress.setVisible(running)
        self.export_button.setEnabled(not running and bool(self.path.text))
        for widget in (self.path, self.done_only, self.all_images):
            widget.setEnabled(not running)
        if not running and "(0)" in self.done_only.text():
            self.done_only.setEnabled(False)

    def _start(self) -> None:
        folder, out = self._session.folder, Path(self.path.text).expanduser()
        if folder is None:
            return
        self.outcome.clear()
        self.progress.setRange(0, 0)
        self._settings.set_last_folder("export", str(out.parent))
        self._job = self._jobs.start(
            Lane.IO,
            _export,
            folder,
            out,
            self.all_images.isChecked(),
            on_progress=self._show_progress,
            on_done=self._show_report,
            on_failed=self._show_failure,
        )
        self._refresh()

    def _show_progress(self, counts: tuple[int, int]) -> None:
        done, total = counts
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def _show_report(self, report: ExportReport) -> None:
        images, instances = plural(report.images, "image"), plural(report.instances, "instance")
        words = f"Exported {instances} on {images} to {report.path}."
        if report.problems:
            words += "\nLeft out:\n" + "\n".join(report.problems[:5])
        self._end(words)
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setText("Close")

    def _show_failure(self, reason: str) -> None:
        self._end(f"Not exported: {reason}")

    def _end(self, words: str) -> None:
        self._job = None
        self.outcome.setText(words)
        self.outcome.setAccessibleName(words)
        self._refresh()


def _export(folder: Path, out: Path, all_images: bool, *, job: Job) -> ExportReport:
    return export_coco(
        folder,
        out,
        all_images=all_images,
        on_progress=lambda done, total: job.report((done, total)),
        should_stop=job.should_stop,
    )
