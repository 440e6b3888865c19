"""The instances of the open image as rows: shown or hidden, category, area, source."""

from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon

from mrcnn_gui.project.annotation import Instance, Source
from mrcnn_gui.project.document import Change
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.mask_colors import mask_color
from mrcnn_gui.ui.theme import icon, swatch

Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()
_MANY = 10
"""From so many rows coming or going at once, the whole list is read again."""


class Column(IntEnum):
    """The columns of the list."""

    SHOWN = 0
    LOCKED = 1
    CATEGORY = 2
    AREA = 3
    SOURCE = 4


_TITLES = {Column.CATEGORY: "Category", Column.AREA: "Area (px)", Column.SOURCE: "Source"}

_ROLES = frozenset(  # views ask for many more, thousands of times
    {
        Qt.ItemDataRole.DisplayRole,
        Qt.ItemDataRole.DecorationRole,
        Qt.ItemDataRole.ToolTipRole,
        Qt.ItemDataRole.TextAlignmentRole,
        Qt.ItemDataRole.AccessibleTextRole,
    }
)


class InstanceModel(QAbstractTableModel):
    """One row for each instance of the session's document, in drawing order."""

    def __init__(
        self, session: Session, view_state: ViewState, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._view_state = view_state
        self._ids: list[int] = []
        self._rows: dict[int, int] | None = {}  # by id; None: others now
        self._eyes = icon("visible"), icon("hidden")
        self._locks = icon("unlocked"), icon("locked")
        self._swatches: dict[str, QIcon] = {}  # by colour
        session.image_opened.connect(self._reload)
        session.project_closed.connect(self._reload)
        session.document_changed.connect(self._follow)
        session.categories_changed.connect(self._refresh_all)
        view_state.hidden_instances_changed.connect(self._refresh_all)
        view_state.look_changed.connect(self._refresh_all)
        view_state.filtered_instances_changed.connect(self._follow_filter)
        self._reload()

    def id_at(self, row: int) -> int:
        """Id of the instance in a row."""
        return self._ids[row]

    def row_of(self, instance_id: int | None) -> int:
        """Row of an instance; -1 when it is not there."""
        if self._rows is None:
            self._rows = {key: row for row, key in enumerate(self._ids)}
        return -1 if instance_id is None else self._rows.get(instance_id, -1)

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """Number of instances."""
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:
        """Number of columns."""
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES.get(Column(section), "")
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What the list shows of an instance."""
        document = self._session.document
        if role not in _ROLES or document is None or not index.isValid():
            return None
        instance = document.instances.get(self._ids[index.row()])
        if instance is None:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(instance, column)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(instance, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tooltip(instance, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(instance, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column == Column.AREA:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _text(self, instance: Instance, column: Column) -> str:
        if column == Column.CATEGORY:
            return self._session.category(instance.category_id).name
        if column == Column.AREA:
            return f"{instance.mask.area:,}".replace(",", "\u202f")
        return source_text(instance) if column == Column.SOURCE else ""

    def _spoken(self, instance: Instance, column: Column) -> str:
        if column == Column.SHOWN:
            return "Hidden" if instance.id in self._view_state.hidden_instances else "Shown"
        if column == Column.LOCKED:
            return "Locked" if instance.locked else "Not locked"
        return self._text(instance, column)

    def _picture(self, instance: Instance, column: Column) -> Any:
        if column == Column.SHOWN:
            return self._eyes[instance.id in self._view_state.hidden_instances]
        if column == Column.LOCKED:
            return self._locks[instance.locked]
        if column == Column.CATEGORY:
            return self._swatch(self._color(instance))
        return None

    def _swatch(self, color: str) -> QIcon:
        if color not in self._swatches:
            self._swatches[color] = swatch(color)
        return self._swatches[color]

    def _color(self, instance: Instance) -> str:
        return mask_color(
            self._view_state.look.color_by,
            instance.id,
            instance.category_id,
            instance.provenance.source,
            lambda category_id: self._session.category(category_id).color,
        )

    def _reload(self) -> None:
        self.beginResetModel()
        self._ids, self._rows = self._document_ids(), None
        self.endResetModel()

    def _follow_filter(self) -> None:
        self._follow(Change())

    def _follow(self, change: Change) -> None:
        wanted = self._document_ids()
        known, there = set(wanted), set(self._ids)
        if len(known ^ there) > _MANY:
            self._reload()
            return
        for row in [row for row, key in enumerate(self._ids) if key not in known][::-1]:
            self.beginRemoveRows(_NO_PARENT, row, row)
            del self._ids[row]
            self._rows = None
            self.endRemoveRows()
        for row, key in enumerate(wanted):
            if key not in there:
                self.beginInsertRows(_NO_PARENT, row, row)
                self._ids.insert(row, key)
                self._rows = None
                self.endInsertRows()
        if self._ids != wanted:
            self._reload()
        for instance_id in change.instance_ids & known & there:
            self._refresh_row(self.row_of(instance_id))

    def _refresh_all(self) -> None:
        if self._ids:
            last = self.index(len(self._ids) - 1, len(Column) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def _refresh_row(self, row: int) -> None:
        for column in Column:  # one by one: for several cells a view paints all that it shows
            cell = self.index(row, column)
            self.dataChanged.emit(cell, cell)

    def _document_ids(self) -> list[int]:
        document = self._session.document
        left_out = self._view_state.filtered_instances
        return [key for key in document.instances if key not in left_out] if document else []


def source_text(instance: Instance) -> str:
    """Who made an instance, in words."""
    source = instance.provenance.source
    if source is Source.HUMAN:
        return "You"
    if source is Source.IMPORTED:
        return "Imported"
    score = instance.provenance.score
    return "Model" if score is None else f"Model {score:.2f}"


def _tooltip(instance: Instance, column: Column) -> str:
    if column == Column.SHOWN:
        return "Click to hide or show"
    if column == Column.LOCKED:
        return "Locked: click to unlock" if instance.locked else "Click to lock"
    version = instance.provenance.model_version
    made_by = f"\nSuggested by model version {version}" if version else ""
    return f"Instance {instance.id}{made_by}"
