"""What the commands on projects do: new, open, import, export, and what is dropped."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QDir, QObject
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from core.formats.json_stream import JsonStreamError, first_character
from mrcnn_gui.project.opening import find_project
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.project_edits import ProjectEdits
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.closing import Closing


class ProjectCommands(QObject):
    """Opens the dialogs (imported when first needed) and hands their answers to the session."""

    def __init__(
        self,
        window: QWidget,
        session: Session,
        settings: Settings,
        jobs: JobRunner,
        closing: Closing,
        edits: ProjectEdits,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._settings = settings
        self._jobs = jobs
        self._closing = closing
        self._edits = edits
        session.project_opened.connect(self._remember)

    def ask_new(self) -> None:
        """Let the person make a project from a folder of images."""
        from mrcnn_gui.ui.dialogs.new_project import NewProjectDialog

        dialog = NewProjectDialog(self._settings, self._window)
        dialog.chosen.connect(self.create)
        dialog.open()

    def create(self, folder: Path, images_folder: Path, categories: Sequence[str]) -> None:
        """Make a project and open it, unless the person would rather go on training."""
        if self._closing.may_leave_project():
            self._session.create_project(folder, images_folder, categories)

    def ask_sample(self) -> None:
        """Let the person make the sample project, and open it."""
        from mrcnn_gui.ui.dialogs.sample import SampleDialog

        dialog = SampleDialog(self._jobs, self._window)
        dialog.made.connect(self.open)
        dialog.open()

    def ask_open(self) -> None:
        """Let the person choose a folder of images, or a project."""
        dialog = QFileDialog(self._window, "Open a folder of images, or a project")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, on=False)
        dialog.setDirectory(self._settings.last_folder("open") or QDir.homePath())
        dialog.fileSelected.connect(lambda path: self.open(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open(self, path: Path) -> None:
        """Open a folder of images, or a project; a dropped file means its folder.

        A JSON file dropped on an open project is one to import.
        """
        if path.suffix.lower() == ".json" and self._session.folder is not None:
            ask = self.ask_import_results if _holds_a_list(path) else self.ask_import
            ask(path)
            return
        folder = path.parent if path.is_file() else path
        self._settings.set_last_folder("open", str(folder.parent))
        if self._is_open(folder) or self._closing.may_leave_project():
            self._session.open_path(folder)

    def close(self) -> None:
        """Close the project, unless the person would rather go on training."""
        if self._closing.may_leave_project():
            self._session.close_project()

    def ask_import(self, file: Path | None = None) -> None:
        """Let the person bring a COCO file in."""
        from mrcnn_gui.ui.dialogs.import_coco import ImportDialog

        ImportDialog(self._session, self._settings, file, self._window).show()

    def ask_import_results(self, file: Path | None = None) -> None:
        """Let the person bring in what another model found."""
        from mrcnn_gui.ui.dialogs.import_results import ImportResultsDialog

        ImportResultsDialog(self._session, self._settings, file, self._window).show()

    def ask_relink(self) -> None:
        """Let the person name a folder that missing images may be in."""
        from mrcnn_gui.ui.dialogs.relink import RelinkDialog

        RelinkDialog(self._session, self._settings, self._window).show()

    def toggle_test(self) -> None:
        """Keep the open image for test, or take that back."""
        if self._session.entry is not None:
            self._edits.toggle_test(self._session.entry.id)

    def show_history(self) -> None:
        """Show the changes over many images."""
        from mrcnn_gui.ui.dialogs.project_history import ProjectHistoryDialog

        ProjectHistoryDialog(self._session, self._edits, self._window).show()

    def ask_export(self) -> None:
        """Let the person export the annotations."""
        from mrcnn_gui.ui.dialogs.export import ExportDialog

        ExportDialog(self._session, self._jobs, self._settings, self._window).open()

    def fill_recent(self, menu: QMenu) -> None:
        """List the recent projects in a menu that is about to be shown."""
        menu.clear()
        for path in self._settings.recent_projects:
            shown = path.parent if path.name == ".mrcnn" else path
            action = menu.addAction(str(shown))
            action.triggered.connect(lambda _=False, path=path: self.open(path))
        if menu.isEmpty():
            menu.addAction("No recent projects").setEnabled(False)

    def _is_open(self, folder: Path) -> bool:
        project = find_project(folder)
        return project is not None and project.resolve() == self._session.folder

    def _remember(self) -> None:
        if self._session.folder is not None:
            self._settings.add_recent_project(self._session.folder)


def _holds_a_list(path: Path) -> bool:
    """Whether a JSON file is one of results; one that cannot be read is told by the import."""
    try:
        return first_character(path) == "["
    except (OSError, JsonStreamError):
        return False
