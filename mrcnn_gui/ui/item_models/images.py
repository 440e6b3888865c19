"""The images of the project that the list shows, as rows."""

from bisect import bisect_left
from enum import IntEnum
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtGui import QImage

from mrcnn_gui.project.annotation import ImageEntry, Side
from mrcnn_gui.project.image_query import ImageQuery
from mrcnn_gui.project.paths import shown_name
from mrcnn_gui.services.image_search import ImageSearch
from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.session import Session
from mrcnn_gui.ui.theme import STATUS_TEXT

Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()
_SIDES = {
    Side.VALIDATION: "Judges model versions, and is never trained on",
    Side.TEST: "Neither trains nor judges: Model > Evaluation measures versions on it",
}


class ImageRole(IntEnum):
    """What else a row holds."""

    ID = Qt.ItemDataRole.UserRole
    STATUS = Qt.ItemDataRole.UserRole + 1
    PROBLEM = Qt.ItemDataRole.UserRole + 2
    PICTURE = Qt.ItemDataRole.UserRole + 3
    STATE = Qt.ItemDataRole.UserRole + 4


class ImageListModel(QAbstractListModel):
    """One row for each image of the session's project that fits the query, in its order."""

    def __init__(
        self, session: Session, images: Images, jobs: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._images = images
        self._query = ImageQuery()
        self._ids: list[int] = []  # rising, as the project's order is
        self._search = ImageSearch(session, jobs, self)
        self._search.found.connect(self._take)
        session.project_opened.connect(self._search_anew)
        session.project_closed.connect(self._search_anew)
        session.images_changed.connect(self._search_anew)
        session.image_entry_changed.connect(self._refresh)
        images.thumbnail_ready.connect(self._show_thumbnail)
        self._search_anew()

    def show(self, query: ImageQuery) -> None:
        """Show the images that fit: of a large project as soon as they are found."""
        self._query = query
        self._search_anew()

    def row_of(self, image_id: int) -> int:
        """Row of an image; -1 when it is not shown."""
        row = bisect_left(self._ids, image_id)
        return row if self._ids[row : row + 1] == [image_id] else -1

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """Number of images shown."""
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, thumbnail, tooltip, and what `ImageRole` lists."""
        entry = self._session.image(self._ids[index.row()]) if index.isValid() else None
        if entry is None:
            return None
        if role == ImageRole.PICTURE:
            return None if entry.problem else self._images.thumbnail(entry.id)
        name = shown_name(entry.path)
        values: dict[int, object] = {
            Qt.ItemDataRole.DisplayRole: name,
            Qt.ItemDataRole.ToolTipRole: _tooltip(entry),
            Qt.ItemDataRole.AccessibleTextRole: f"{name}, {state_text(entry)}",
            ImageRole.ID: entry.id,
            ImageRole.STATUS: entry.status,
            ImageRole.PROBLEM: entry.problem,
            ImageRole.STATE: state_text(entry),
        }
        return values.get(role)

    def _search_anew(self) -> None:
        self._search.ask(self._query)

    def _take(self, ids: list[int]) -> None:
        self.beginResetModel()
        self._ids = ids
        self.endResetModel()

    def _refresh(self, image_id: int) -> None:
        """Show what is new of an image, which may make it leave the list or come into it."""
        entry, row = self._session.image(image_id), self.row_of(image_id)
        fits = self._search.is_busy or (entry is not None and self._query.fits(entry))
        if row >= 0 and fits:
            index = self.index(row)
            self.dataChanged.emit(index, index)
        elif row >= 0:
            self.beginRemoveRows(_NO_PARENT, row, row)
            del self._ids[row]
            self.endRemoveRows()
        elif fits and not self._search.is_busy:  # the search will bring it itself
            row = bisect_left(self._ids, image_id)
            self.beginInsertRows(_NO_PARENT, row, row)
            self._ids.insert(row, image_id)
            self.endInsertRows()

    def _show_thumbnail(self, image_id: int, _: QImage) -> None:
        row = self.row_of(image_id)
        if row >= 0:
            index = self.index(row)
            self.dataChanged.emit(index, index, [ImageRole.PICTURE])


def state_text(entry: ImageEntry) -> str:
    """The state of an image in words."""
    if entry.problem:
        return "Cannot be read"
    return STATUS_TEXT[entry.status] + (" · for test" if entry.side is Side.TEST else "")


def _tooltip(entry: ImageEntry) -> str:
    size = f"\n{entry.width} \N{MULTIPLICATION SIGN} {entry.height} pixels" if entry.width else ""
    problem = f"\n{entry.problem}" if entry.problem else ""
    side = f"\n{_SIDES[entry.side]}" if entry.side in _SIDES else ""
    return f"{entry.path}{size}\n{state_text(entry)}{side}{problem}"
