"""Find the files of missing images again, wherever they were moved."""

from collections.abc import Iterator

from PySide6.QtWidgets import QFileDialog, QWidget

from mrcnn_gui.services.relinking import find_moved
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.dialogs.exclusive_dialog import ExclusiveDialog
from mrcnn_gui.ui.dialogs.path_field import PathField
from mrcnn_gui.ui.theme import quiet_label
from mrcnn_gui.ui.wording import plural
from mrcnn_gui.workflows.relink import RelinkReport

_ABOUT = (
    "Images whose file is gone are looked for in this folder and its subfolders. A file is taken by"
    " its content, so that it may have another name; annotations stay as they are."
)


class RelinkDialog(ExclusiveDialog):
    """Where to look; then what was found, and what is still missing."""

    def __init__(self, session: Session, settings: Settings, parent: QWidget) -> None:
        headers = ("Image", "", "File")
        super().__init__(session, "Find moved images", "Search", headers, parent)
        self._settings = settings
        self.folder = PathField("Folder to search", self._choose)
        self.folder.line.textChanged.connect(self.refresh)
        self.form.addRow("&Folder", self.folder)
        self.form.addRow("", quiet_label(_ABOUT))
        self.watch(self.folder)

    def is_ready(self) -> bool:
        """A folder is named."""
        return bool(self.folder.text)

    def start(self) -> None:
        """Search."""
        folder = self.folder.path
        self._settings.set_last_folder("relink", str(folder))
        self.run("Search for moved images", find_moved, folder, report=self._show_report)

    def _choose(self) -> str:
        start = self.folder.text or self._settings.last_folder("relink")
        return QFileDialog.getExistingDirectory(self, "Folder to search", start)

    def _show_report(self, report: RelinkReport) -> None:
        self.outcome.tell(_sentence(report), _rows(report))


def _sentence(report: RelinkReport) -> str:
    if report.cancelled:
        return "Cancelled. The project is as it was."
    if not report.found and not report.missing:
        return "No image is missing: every file is where the project has it."
    missing = f" {plural(len(report.missing), 'image')} still missing." if report.missing else ""
    return f"Found {plural(len(report.found), 'image')}.{missing}"


def _rows(report: RelinkReport) -> Iterator[tuple[str, str, str]]:
    for image in report.missing:
        path, _, why = image.partition(": ")
        yield path, "still missing", why
    for each in report.found:
        also = f" (the same content: {', '.join(each.others)})" if each.others else ""
        yield each.before, "by name and size" if each.guessed else "found", f"{each.after}{also}"
    for problem in report.problems:
        yield "", "unreadable", problem
