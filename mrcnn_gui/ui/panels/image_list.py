"""The images of the project: what is done, what is to do, and which one is open."""

from functools import partial

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.image_query import ImageQuery
from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.session import Session
from mrcnn_gui.ui.item_models.images import ImageListModel, ImageRole
from mrcnn_gui.ui.panels.image_view import ImageView
from mrcnn_gui.ui.soon import Soon
from mrcnn_gui.ui.theme import SPACE, STATUS_TEXT, quiet_label


class ImageListPanel(QWidget):
    """Search box, filter, list of images with thumbnails, and how many are done."""

    def __init__(
        self, session: Session, images: Images, jobs: JobRunner, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.model = ImageListModel(session, images, jobs, self)
        self._rows_leave = False
        # Before the view: it moves its current row as soon as it hears that a row leaves.
        self.model.rowsAboutToBeRemoved.connect(partial(self._note_leaving, True))
        self.search = self._make_search()
        self.status_box = self._make_status_box()
        self.view = ImageView(self.model)
        self.counts = QLabel()
        self.counts.setAccessibleName("How many images are done")
        self.empty = quiet_label()
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.setSpacing(SPACE)
        column.addWidget(self.search)
        column.addWidget(self.status_box)
        column.addWidget(self.view, 1)
        column.addWidget(self.empty, 1)
        column.addWidget(self.counts)
        self._connect()
        self._refresh_counts()

    def focus_search(self) -> None:
        """Put the keyboard into the search box."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText("Search images")
        search.setAccessibleName("Search images by name")
        search.setClearButtonEnabled(True)
        for clear in search.findChildren(QToolButton):
            clear.setAccessibleName("Clear the search")
        return search

    def _make_status_box(self) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName("Show images by status")
        box.addItem("All images", None)
        for status in ReviewStatus:
            box.addItem(STATUS_TEXT[status], status)
        return box

    def _connect(self) -> None:
        self.search.textChanged.connect(self._ask)
        self.search.returnPressed.connect(self.view.setFocus)
        self.status_box.currentIndexChanged.connect(self._ask)
        self.view.selectionModel().currentChanged.connect(self._open_row)
        self._session.image_opened.connect(self._mark_open)
        self._session.project_closed.connect(self._refresh_counts)
        refresh_soon = Soon(self._refresh_counts, self)
        self._session.image_entry_changed.connect(refresh_soon.ask)
        self.model.modelReset.connect(self._refresh_counts)
        self._mark_soon = Soon(self._mark_entry, self)
        self.model.rowsRemoved.connect(partial(self._note_leaving, False))
        for changed in (self.model.modelReset, self.model.rowsInserted, self.model.rowsRemoved):
            changed.connect(self._refresh_empty)
            changed.connect(self._mark_soon.ask)

    def _ask(self) -> None:
        status = self.status_box.currentData()
        self.model.show(ImageQuery(self.search.text(), status and ReviewStatus(status)))

    def _note_leaving(self, leaves: bool, *_: object) -> None:
        self._rows_leave = leaves

    def _open_row(self, current: QModelIndex, _: QModelIndex) -> None:
        if self._rows_leave:
            return  # Qt chose this row, because the one before left the filter
        image_id = current.data(ImageRole.ID) if current.isValid() else None
        entry = self._session.entry
        if image_id is None or (entry is not None and entry.id == image_id):
            return
        if not self._session.open_image(image_id):
            self._mark_soon.ask()

    def _mark_entry(self) -> None:
        if self._session.entry is not None:
            self._mark_open(self._session.entry.id)

    def _mark_open(self, image_id: int) -> None:
        row = self.model.index(self.model.row_of(image_id))
        if row.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.view.selectionModel().setCurrentIndex(row, flags)
            self.view.scrollTo(row)
        else:
            self.view.selectionModel().clear()

    def _refresh_counts(self) -> None:
        images, tally = len(self._session.images), self._session.tally
        words = f"{tally.done} of {images} done"
        if tally.unusable:
            words += f" · {tally.unusable} cannot be read"
        self.counts.setText(words if images else "")
        self._refresh_empty()

    def _refresh_empty(self) -> None:
        nothing = self.model.rowCount() == 0
        self.view.setVisible(not nothing)
        self.empty.setVisible(nothing)
        if self._session.images:
            self.empty.setText("No image matches.\nClear the search or show all images.")
        elif self._session.folder is not None:
            self.empty.setText("This folder holds no images that can be opened.")
        else:
            self.empty.setText("The images of your project appear here.")
