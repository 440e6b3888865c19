"""Make a project: which images, which categories."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.opening import PROJECT_FOLDER, find_project
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.dialogs.path_field import PathField
from mrcnn_gui.ui.theme import SPACE, danger_color, drop_button_icons, quiet_label


class NewProjectDialog(QDialog):
    """Asks for the folder of images and the categories.

    Signals:
        chosen: The project's folder (Path), the images' folder (Path), the category names (list).
    """

    chosen = Signal(object, object, object)

    def __init__(self, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("New project")
        self._settings = settings
        self.images = PathField("Folder of images", self._choose_folder)
        self.categories = QLineEdit("object")
        self.categories.setAccessibleName("Categories")
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setStyleSheet(f"color: {danger_color().name()}")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.create_button = self.buttons.addButton(
            "Create project", QDialogButtonBox.ButtonRole.AcceptRole
        )
        drop_button_icons(self.buttons)
        self._lay_out()
        self.images.line.textChanged.connect(self._check)
        self.categories.textChanged.connect(self._check)
        self.buttons.accepted.connect(self._choose)
        self.buttons.rejected.connect(self.reject)
        self._check()

    def names(self) -> list[str]:
        """The category names, in the order they were typed."""
        return [name.strip() for name in self.categories.text().split(",") if name.strip()]

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(2 * SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&Images", self.images)
        form.addRow("", quiet_label("jpg, png, tif, bmp, webp; subfolders are included."))
        form.addRow("&Categories", self.categories)
        form.addRow("", quiet_label("Separated by commas. You can add and rename them later."))
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(3 * SPACE)
        column.addLayout(form)
        column.addWidget(self.problem)
        column.addWidget(self.buttons)

    def _choose_folder(self) -> str:
        start = self.images.text or self._settings.last_folder("open")
        return QFileDialog.getExistingDirectory(self, "Folder of images", start)

    def _check(self) -> None:
        problem = self._find_problem()
        self.create_button.setEnabled(not problem)
        # Nothing typed yet is no mistake to be told of.
        self.problem.setText(problem if self.images.text else "")

    def _find_problem(self) -> str:
        folder, names = self.images.path, self.names()
        if not self.images.text or not folder.is_dir():
            return "This is not a folder."
        if find_project(folder) is not None:
            return "There is a project on this folder already: use Open."
        if not names:
            return "Name at least one category."
        if len({name.casefold() for name in names}) < len(names):
            return "Each category needs a name of its own."
        return ""

    def _choose(self) -> None:
        folder = self.images.path.resolve()
        self._settings.set_last_folder("open", str(folder.parent))
        self.chosen.emit(folder / PROJECT_FOLDER, folder, self.names())
        self.accept()
