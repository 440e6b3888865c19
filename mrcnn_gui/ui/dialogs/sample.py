"""Make the sample project: something to try the program on for those who have no images at hand."""

from pathlib import Path

from PySide6.QtCore import QDir, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.ui.dialogs.path_field import PathField
from mrcnn_gui.ui.progress_bar import ThinProgressBar
from mrcnn_gui.ui.theme import SPACE, danger_color, drop_button_icons, quiet_label
from mrcnn_gui.ui.wording import sentence
from mrcnn_gui.workflows.sample import write_sample

_FOLDER = "sample-project"
_ABOUT = (
    "24 generated photos of pebbles and leaves (8 MB), eight of them done already. Nothing is"
    " downloaded. The folder is made; when you have seen enough, delete it."
)


class SampleDialog(QDialog):
    """Asks where the sample goes, and makes it in the background.

    Signals:
        made: The project's folder (Path).
    """

    made = Signal(object)

    def __init__(self, jobs: JobRunner, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Try the sample project")
        self._jobs = jobs
        self._job: Job | None = None
        self.folder = PathField("Folder of the sample", self._choose)
        self.folder.line.setText(_free_folder(QDir.home()))
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setStyleSheet(f"color: {danger_color().name()}")
        self.progress = ThinProgressBar("Progress of the sample")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.make_button = self.buttons.addButton(
            "Make and open", QDialogButtonBox.ButtonRole.AcceptRole
        )
        drop_button_icons(self.buttons)
        self._lay_out()
        self.folder.line.textChanged.connect(self._refresh)
        self.buttons.accepted.connect(self._start)
        self.buttons.rejected.connect(self.reject)
        self._refresh()

    def done(self, result: int) -> None:
        """Closing the dialog cancels what is being made; nothing of it stays."""
        if self._job is not None:
            self._job.cancel()
        super().done(result)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(2 * SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&Folder", self.folder)
        form.addRow("", quiet_label(_ABOUT))
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(3 * SPACE)
        column.addLayout(form)
        column.addWidget(self.progress)
        column.addWidget(self.problem)
        column.addWidget(self.buttons)

    def _choose(self) -> str:
        """A folder that is not there yet in the one that is chosen, which may hold anything."""
        home, title = QDir.homePath(), "Where the folder of the sample goes"
        parent = QFileDialog.getExistingDirectory(self, title, home)
        return parent and _free_folder(QDir(parent))

    def _refresh(self) -> None:
        running = self._job is not None
        self.progress.setVisible(running)
        self.folder.setEnabled(not running)
        self.make_button.setEnabled(not running and bool(self.folder.text))

    def _start(self) -> None:
        self.problem.clear()
        self.progress.wait()
        self._job = self._jobs.start(
            Lane.IO,
            _make,
            self.folder.path,
            on_progress=self._show_progress,
            on_done=self._end,
            on_failed=self._show_failure,
        )
        self._refresh()

    def _show_progress(self, counts: tuple[int, int]) -> None:
        self.progress.show_counts(*counts)

    def _end(self, project: Path) -> None:
        self._job = None
        self.made.emit(project)
        self.accept()

    def _show_failure(self, reason: str) -> None:
        self._job = None
        self.problem.setText(sentence(reason))
        self._refresh()


def _free_folder(parent: QDir) -> str:
    """One that is not there yet."""
    number = 1
    while parent.exists(_name(number)):
        number += 1
    return QDir.toNativeSeparators(parent.filePath(_name(number)))


def _name(number: int) -> str:
    return _FOLDER if number == 1 else f"{_FOLDER}-{number}"


def _make(folder: Path, *, job: Job) -> Path:
    def tell(done: int, total: int) -> None:
        if job.cancelled:
            raise ProjectError("the sample was cancelled")
        job.report((done, total))

    return write_sample(folder, on_progress=tell)
