"""The history of the open image: what was done, and a click goes back to it."""

from PySide6.QtCore import QModelIndex
from PySide6.QtWidgets import QListView, QVBoxLayout, QWidget

from mrcnn_gui.services.history_jump import jump
from mrcnn_gui.services.session import Session
from mrcnn_gui.ui.focus_keys import TAKES_ENTER
from mrcnn_gui.ui.item_models.history import HistoryModel
from mrcnn_gui.ui.theme import SPACE, quiet_label


class HistoryPanel(QWidget):
    """List of edits, oldest first; those that are undone are pale."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model = HistoryModel(session, self)
        self.view = QListView()
        self.view.setAccessibleName("History of this image")
        self.view.setUniformItemSizes(True)
        self.view.setProperty(TAKES_ENTER, True)
        self.view.setModel(self.model)
        self.empty = quiet_label("Open an image to see its history.")
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.addWidget(self.view, 1)
        column.addWidget(self.empty, 1)
        self.view.clicked.connect(self._jump)
        self.view.activated.connect(self._jump)
        self.model.dataChanged.connect(self._show_position)
        self.model.modelReset.connect(self._show_position)
        self._show_position()

    def _jump(self, index: QModelIndex) -> None:
        if index.row() != self.model.position:
            jump(self._session, index.row())
            self._show_position()

    def _show_position(self, *_: object) -> None:
        there = self.model.rowCount() > 0
        self.view.setVisible(there)
        self.empty.setVisible(not there)
        if there:
            index = self.model.index(self.model.position)
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)
