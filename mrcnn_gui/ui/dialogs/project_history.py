"""Changes over many images: what was done, and undo and redo of it as one."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.project_edits import ProjectEdits
from mrcnn_gui.services.session import Session
from mrcnn_gui.ui.theme import SPACE, drop_button_icons, quiet_label

_WHAT, _IMAGES, _STATE = range(3)
_EMPTY = "Nothing yet. Merging or deleting a category is listed here."
_ABOUT = (
    "Each is undone on all its images at once. Where an image was edited since, its own undo comes"
    " first: otherwise work would be lost."
)


class ProjectHistoryDialog(QDialog):
    """List of changes, and two buttons; how it went is told by the window."""

    def __init__(self, session: Session, edits: ProjectEdits, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Project history")
        self._session, self._edits = session, edits
        self.list = QTreeWidget()
        self.list.setAccessibleName("Changes over many images")
        self.list.setRootIsDecorated(False)
        self.list.setHeaderLabels(["Change", "Images", ""])
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(_WHAT, QHeaderView.ResizeMode.Stretch)
        self.list.setMinimumWidth(460)
        self.outcome = quiet_label()
        self.undo, self.redo = QPushButton("&Undo last"), QPushButton("&Redo")
        self.undo.clicked.connect(self._undo)
        self.redo.clicked.connect(self._redo)
        self._lay_out()
        session.exclusive.changed.connect(self._refresh)
        session.failed.connect(self._show_failure)
        edits.finished.connect(self.outcome.setText)
        session.project_closed.connect(self.reject)
        self._refresh()

    def _lay_out(self) -> None:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        drop_button_icons(buttons)
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.undo)
        row.addWidget(self.redo)
        row.addStretch(1)
        row.addWidget(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(3 * SPACE)
        column.addWidget(quiet_label(_ABOUT))
        column.addWidget(self.list, 1)
        column.addWidget(self.outcome)
        column.addLayout(row)

    def _undo(self) -> None:
        self._edits.undo()

    def _redo(self) -> None:
        self._edits.redo()

    def _show_failure(self, title: str, text: str) -> None:
        self.outcome.setText(f"{title}: {text}")

    def _refresh(self) -> None:
        if self._session.folder is None:
            return
        steps = self._edits.steps()
        self.list.clear()
        for step in steps:
            item = QTreeWidgetItem([step.title, f"{step.images:,}", _state(step.undone)])
            item.setTextAlignment(_IMAGES, Qt.AlignmentFlag.AlignRight)
            item.setDisabled(step.undone)
            self.list.addTopLevelItem(item)
        if not steps:
            self.outcome.setText(_EMPTY)
        free = not self._session.no_writing
        self.undo.setEnabled(free and any(not step.undone for step in steps))
        self.redo.setEnabled(free and any(step.undone for step in steps))


def _state(undone: bool) -> str:
    return "undone" if undone else ""
