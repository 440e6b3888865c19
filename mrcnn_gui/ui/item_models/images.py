"""The images of the project as rows, and which of them the list shows."""

from enum import IntEnum
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QImage

from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus
from mrcnn_gui.services.images import Images
from mrcnn_gui.services.session import Session
from mrcnn_gui.ui.theme import STATUS_TEXT

Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()


class ImageRole(IntEnum):
    """What else a row holds."""

    ID = Qt.ItemDataRole.UserRole
    STATUS = Qt.ItemDataRole.UserRole + 1
    PROBLEM = Qt.ItemDataRole.UserRole + 2
    PICTURE = Qt.ItemDataRole.UserRole + 3


class ImageListModel(QAbstractListModel):
    """One row for each image of the session's project, in the project's order."""

    def __init__(self, session: Session, images: Images, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._images = images
        self._entries: list[ImageEntry] = []
        self._row_of: dict[int, int] = {}
        session.project_opened.connect(self._reload)
        session.project_closed.connect(self._reload)
        session.images_changed.connect(self._reload)
        session.image_entry_changed.connect(self._refresh)
        images.thumbnail_ready.connect(self._show_thumbnail)
        self._reload()

    def row_of(self, image_id: int) -> int:
        """Row of an image; -1 when it is not there."""
        return self._row_of.get(image_id, -1)

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """Number of images."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, thumbnail, tooltip, and what `ImageRole` lists."""
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == ImageRole.PICTURE:
            return None if entry.problem else self._images.thumbnail(entry.id)
        values: dict[int, object] = {
            Qt.ItemDataRole.DisplayRole: shown_name(entry),
            Qt.ItemDataRole.ToolTipRole: _tooltip(entry),
            Qt.ItemDataRole.AccessibleTextRole: f"{shown_name(entry)}, {state_text(entry)}",
            ImageRole.ID: entry.id,
            ImageRole.STATUS: entry.status,
            ImageRole.PROBLEM: entry.problem,
        }
        return values.get(role)

    def _reload(self) -> None:
        self.beginResetModel()
        self._entries = list(self._session.images)
        self._row_of = {entry.id: row for row, entry in enumerate(self._entries)}
        self.endResetModel()

    def _refresh(self, image_id: int) -> None:
        row = self.row_of(image_id)
        if row >= 0:
            self._entries[row] = self._session.images[row]
            index = self.index(row)
            self.dataChanged.emit(index, index)

    def _show_thumbnail(self, image_id: int, _: QImage) -> None:
        row = self.row_of(image_id)
        if row >= 0:
            index = self.index(row)
            self.dataChanged.emit(index, index, [ImageRole.PICTURE])


class ImageFilter(QSortFilterProxyModel):
    """Lets through the images of one status whose name holds the searched words."""

    def __init__(self, source: ImageListModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._status: ReviewStatus | None = None
        self._words: list[str] = []
        self.setSourceModel(source)

    def set_status(self, status: ReviewStatus | None) -> None:
        """Show images of that status; None shows all."""
        self.beginFilterChange()
        self._status = status
        self.endFilterChange()

    def set_search(self, text: str) -> None:
        """Show images whose name holds every word, in any case."""
        self.beginFilterChange()
        self._words = text.casefold().split()
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        """Qt asks for each row."""
        source = self.sourceModel()
        index = source.index(row, 0, parent)
        if self._status is not None and source.data(index, ImageRole.STATUS) != self._status:
            return False
        if not self._words:
            return True
        name = source.data(index, Qt.ItemDataRole.DisplayRole).casefold()
        return all(word in name for word in self._words)


def shown_name(entry: ImageEntry) -> str:
    """The path below the folder of images."""
    path = entry.path
    while path.startswith("../"):
        path = path.removeprefix("../")
    return path.rpartition("/")[2] if path.startswith("/") else path


def state_text(entry: ImageEntry) -> str:
    """The state of an image in words."""
    return "Cannot be read" if entry.problem else STATUS_TEXT[entry.status]


def _tooltip(entry: ImageEntry) -> str:
    size = f"\n{entry.width} \N{MULTIPLICATION SIGN} {entry.height} pixels" if entry.width else ""
    problem = f"\n{entry.problem}" if entry.problem else ""
    return f"{entry.path}{size}\n{state_text(entry)}{problem}"
