"""Export the annotations as COCO files; the writing goes on while the window is used."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.dialogs.path_field import PathField
from mrcnn_gui.ui.progress_bar import ThinProgressBar
from mrcnn_gui.ui.theme import SPACE, drop_button_icons, quiet_label
from mrcnn_gui.ui.wording import plural
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.export_options import ExportOptions, ExportReport, MaskForm, Split

_MASKS = {
    MaskForm.AS_IS: (
        "As they came, or exact",
        "Imported masks as they came. Others as one polygon along the pixels, or as run lengths "
        "(RLE) where they have holes or several parts.",
    ),
    MaskForm.RLE: ("Run lengths (RLE)", "Every mask as run lengths, exact."),
    MaskForm.POLYGONS: (
        "Exact polygons",
        "A polygon along the pixels for each part. Masks with holes, and crowds, stay run lengths. "
        "Imported polygons stay as they came.",
    ),
    MaskForm.SIMPLIFIED: (
        "Simplified polygons",
        "Fewer corners, not exact: the cost is told afterwards. Masks with holes, and crowds, stay "
        "run lengths. Imported polygons stay as they came.",
    ),
    MaskForm.KEYHOLE: (
        "Polygons with keyholes",
        "For readers that know no run lengths: holes are joined to the outline by a line of no "
        "width. Exact. Imported polygons stay as they came.",
    ),
}
_SPLITS = {
    Split.NONE: ("One file", ""),
    Split.SIDES: (
        "Train, validation and test",
        "As the project uses its images. The names get _train, _val, _test, or _undecided.",
    ),
    Split.FOLDER: ("One for each folder", "The names get that of the folder."),
    Split.GROUPS: (
        "Train and validation by groups",
        "No group of images is in both. The names get _train and _val.",
    ),
}


class ExportDialog(QDialog):
    """Which images, which file, which form; then how it went."""

    def __init__(
        self, session: Session, jobs: JobRunner, settings: Settings, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export COCO JSON")
        self._session, self._jobs, self._settings = session, jobs, settings
        self._job: Job | None = None
        self._done_count = sum(e.status is ReviewStatus.DONE for e in session.images)
        self.done_only = QRadioButton(f"&Done images ({self._done_count:,})")
        self.all_images = QRadioButton(f"&All images ({len(session.images):,})")
        (self.done_only if self._done_count else self.all_images).setChecked(True)
        self.path = PathField("File to write", self._choose_file)
        self.path.line.setText(str(self._first_path()))
        self.masks = _choice("Masks", [words for words, _ in _MASKS.values()])
        self.tolerance = QDoubleSpinBox(minimum=0.1, maximum=100, value=1, singleStep=0.5)
        self.tolerance.setDecimals(1)
        self.tolerance.setSuffix(" px")
        self.tolerance.setAccessibleName("Tolerance of simplified polygons")
        self.split = _choice("Files", [words for words, _ in _SPLITS.values()])
        self.masks_note, self.split_note = quiet_label(), quiet_label()
        self.progress = ThinProgressBar("Progress of the export")
        self.outcome = QPlainTextEdit()
        self.outcome.setReadOnly(True)
        self.outcome.setAccessibleName("How the export went")
        self.outcome.setFixedHeight(self.fontMetrics().lineSpacing() * 8)
        self.outcome.setVisible(False)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.export_button = self.buttons.addButton(
            "Export", QDialogButtonBox.ButtonRole.AcceptRole
        )
        drop_button_icons(self.buttons)
        self._lay_out()
        self._connect()
        self._refresh()

    def options(self) -> ExportOptions:
        """What was chosen."""
        return ExportOptions(
            self.all_images.isChecked(),
            list(_MASKS)[self.masks.currentIndex()],
            self.tolerance.value(),
            list(_SPLITS)[self.split.currentIndex()],
        )

    def done(self, result: int) -> None:
        """Closing the dialog cancels an export under way; the old file stays."""
        if self._job is not None:
            self._job.cancel()
        super().done(result)

    def _lay_out(self) -> None:
        images, masks = QHBoxLayout(), QHBoxLayout()
        for radio in (self.done_only, self.all_images):
            images.addWidget(radio)
        images.addStretch()
        masks.addWidget(self.masks, 1)
        masks.addWidget(self.tolerance)
        form = QFormLayout()
        form.setSpacing(2 * SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Images", images)
        form.addRow("&Masks", masks)
        form.labelForField(masks).setBuddy(self.masks)  # type: ignore[attr-defined]
        form.addRow("", self.masks_note)
        form.addRow("&Files", self.split)
        form.addRow("", self.split_note)
        form.addRow("&Write to", self.path)
        note = "Suggestions that nobody accepted are not exported. An existing file is replaced"
        form.addRow("", quiet_label(f"{note} only when the new one reads back exactly."))
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(3 * SPACE)
        column.addLayout(form)
        column.addWidget(self.progress)
        column.addWidget(self.outcome)
        column.addWidget(self.buttons)

    def _connect(self) -> None:
        self.path.line.textChanged.connect(self._refresh)
        self.masks.currentIndexChanged.connect(self._refresh)
        self.split.currentIndexChanged.connect(self._refresh)
        self.buttons.accepted.connect(self._start)
        self.buttons.rejected.connect(self.reject)

    def _first_path(self) -> Path:
        folder = self._session.folder or Path.home()
        inside = folder.parent if folder.name == ".mrcnn" else folder
        return Path(self._settings.last_folder("export") or inside) / "instances.json"

    def _choose_file(self) -> str:
        kinds = "COCO JSON (*.json)"
        return QFileDialog.getSaveFileName(self, "Export COCO JSON", self.path.text, kinds)[0]

    def _refresh(self) -> None:
        running, options = self._job is not None, self.options()
        self.masks_note.setText(_MASKS[options.masks][1])
        self.split_note.setText(_SPLITS[options.split][1])
        self.split_note.setVisible(bool(self.split_note.text()))
        self.tolerance.setVisible(options.masks is MaskForm.SIMPLIFIED)
        self.progress.setVisible(running)
        self.export_button.setEnabled(not running and bool(self.path.text))
        for widget in (self.path, self.all_images, self.masks, self.tolerance, self.split):
            widget.setEnabled(not running)
        self.done_only.setEnabled(not running and self._done_count > 0)

    def _start(self) -> None:
        folder, out = self._session.folder, self.path.path
        if folder is None:
            return
        self.outcome.clear()
        self.progress.wait()
        self._settings.set_last_folder("export", str(out.parent))
        self._job = self._jobs.start(
            Lane.IO,
            _export,
            folder,
            out,
            self.options(),
            on_progress=self._show_progress,
            on_done=self._show_report,
            on_failed=self._show_failure,
        )
        self._refresh()

    def _show_progress(self, counts: tuple[int, int]) -> None:
        self.progress.show_counts(*counts)

    def _show_report(self, report: ExportReport) -> None:
        self._end(_words(report))
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setText("Close")

    def _show_failure(self, reason: str) -> None:
        self._end(f"Not exported: {reason}")

    def _end(self, words: str) -> None:
        self._job = None
        self.outcome.setPlainText(words)
        self.outcome.setAccessibleName(words[:1000])
        self.outcome.setVisible(True)
        self._refresh()
        self.adjustSize()


def _choice(name: str, texts: list[str]) -> QComboBox:
    box = QComboBox()
    box.addItems(texts)
    box.setAccessibleName(name)
    return box


def _words(report: ExportReport) -> str:
    lines = [
        f"Exported {plural(file.instances, 'instance')} on {plural(file.images, 'image')} "
        f"to {file.path}."
        for file in report.files
    ]
    if report.simplification:
        lines.append(f"{report.simplification}.")
    if report.problems:
        lines += ["Take note:", *report.problems]
    return "\n".join(lines)


def _export(folder: Path, out: Path, options: ExportOptions, *, job: Job) -> ExportReport:
    return export_coco(
        folder,
        out,
        options,
        on_progress=lambda done, total: job.report((done, total)),
        should_stop=job.should_stop,
    )
