"""The edits of the open image as rows: those in force, then those that are undone."""

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont, QGuiApplication, QPalette

from mrcnn_gui.project.history import History
from mrcnn_gui.services.session import Session

Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()
_BEGINNING = "Beginning"


class HistoryModel(QAbstractListModel):
    """Row n stands for the document after n edits; row 0 for the one before all of them.

    A stroke adds one row and reads no more of the log than that, however long it is.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._history: History | None = None
        self._titles: list[str] = []
        self.position = 0
        session.history_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Follow the session's history."""
        history = self._session.history
        if history is None or history is not self._history:
            self._reset(history)
            return
        position, length = history.position, history.length
        pushed = position == length and position == self.position + 1
        if pushed:
            self._put_last(history.undo_title, length)
        elif length != len(self._titles):
            self._reset(history)
        before, self.position = self.position, position
        self.dataChanged.emit(self.index(min(before, position)), self.index(max(before, position)))

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """One more than there are edits; none without an image."""
        return 0 if parent.isValid() or self._history is None else len(self._titles) + 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The title; the row at hand is bold, undone ones are pale."""
        row = index.row()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[row - 1] if row else _BEGINNING
        if role == Qt.ItemDataRole.FontRole and row == self.position:
            font = QFont(QGuiApplication.font())
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole and row > self.position:
            group, text = QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text
            return QGuiApplication.palette().color(group, text)
        if role == Qt.ItemDataRole.ToolTipRole:
            return "Undo back to here" if row < self.position else "Redo up to here"
        return None

    def _reset(self, history: History | None) -> None:
        self.beginResetModel()
        self._history = history
        self._titles = history.titles() if history is not None else []
        self.position = history.position if history is not None else 0
        self.endResetModel()

    def _put_last(self, title: str, length: int) -> None:
        """A new edit takes the place of those that were undone, or follows a redone one."""
        surplus = len(self._titles) - (length - 1)
        if surplus > 0:
            self.beginRemoveRows(_NO_PARENT, length, len(self._titles))
            del self._titles[length - 1 :]
            self.endRemoveRows()
        self.beginInsertRows(_NO_PARENT, length, length)
        self._titles.append(title)
        self.endInsertRows()
