"""The instances of the open image: see them, select them, hide them."""

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QVBoxLayout, QWidget

from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.item_models.instances import Column, InstanceModel
from mrcnn_gui.ui.panels.filter_bar import FilterBar
from mrcnn_gui.ui.theme import SPACE, quiet_label

_FLAGS = QItemSelectionModel.SelectionFlag

_SYMBOL = 24  # width of a column that holds a symbol
_WIDEST = {
    Column.SHOWN: "",
    Column.LOCKED: "",
    Column.AREA: "0 000 000",
    Column.SOURCE: "Model 0.00",
}


class InstanceListPanel(QWidget):
    """Table of instances.

    Signals:
        instance_clicked: Id of an instance that the person wants to see.
        lock_clicked: Id of an instance that is to be locked, or unlocked.
    """

    instance_clicked = Signal(int)
    lock_clicked = Signal(int)

    def __init__(
        self, session: Session, view_state: ViewState, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._view_state = view_state
        self._marking = False
        self.model = InstanceModel(session, view_state, self)
        self.view = self._make_view()
        self.filter = FilterBar(session, view_state)
        self.empty = quiet_label()
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.setSpacing(SPACE)
        column.addWidget(self.filter)
        column.addWidget(self.view, 1)
        column.addWidget(self.empty, 1)
        self._connect()
        self._refresh_empty()

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setAccessibleName("Instances of this image")
        view.setModel(self.model)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setShowGrid(False)
        view.setTabKeyNavigation(False)
        view.setWordWrap(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 2 * SPACE)
        header = view.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(_SYMBOL)
        # Not ResizeToContents: with a thousand rows each edit would cost it 27 ms.
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, widest in _WIDEST.items():
            width = view.fontMetrics().horizontalAdvance(widest) + 3 * SPACE
            header.resizeSection(column, width if widest else _SYMBOL)
        header.setSectionResizeMode(Column.CATEGORY, QHeaderView.ResizeMode.Stretch)
        return view

    def _connect(self) -> None:
        self.view.clicked.connect(self._click)
        self.view.selectionModel().selectionChanged.connect(self._select)
        self._view_state.selected_instances_changed.connect(self._mark_selected)
        for changed in (self.model.modelReset, self.model.rowsInserted, self.model.rowsRemoved):
            changed.connect(self._refresh_empty)
        self._view_state.filtered_instances_changed.connect(self._refresh_empty)
        self.model.rowsInserted.connect(self._mark_current)
        self.model.modelReset.connect(self._mark_current)

    def _click(self, index: QModelIndex) -> None:
        instance_id = self.model.id_at(index.row())
        if index.column() == Column.SHOWN:
            self._view_state.hidden_instances ^= {instance_id}
        elif index.column() == Column.LOCKED:
            self.lock_clicked.emit(instance_id)
        elif self._view_state.selected_instances == (instance_id,):
            self.instance_clicked.emit(instance_id)

    def _select(self) -> None:
        """Select what the person chose here, the current row last: it is the primary one."""
        if self._marking or not self.view.hasFocus():
            return
        chosen = [self.model.id_at(it.row()) for it in self._selection.selectedRows()]
        current = self._selection.currentIndex()
        if current.isValid():
            chosen.sort(key=lambda key: key == self.model.id_at(current.row()))
        self._view_state.selected_instances = tuple(chosen)

    def _mark_current(self) -> None:
        self._mark_selected(self._view_state.selected_instances)

    def _mark_selected(self, instance_ids: tuple[int, ...]) -> None:
        rows = [row for key in instance_ids if (row := self.model.row_of(key)) >= 0]
        self._marking = True
        self._selection.select(self._rows(rows), _FLAGS.ClearAndSelect | _FLAGS.Rows)
        if rows:
            index = self.model.index(rows[-1], Column.CATEGORY)
            self._selection.setCurrentIndex(index, _FLAGS.NoUpdate)
            self.view.scrollTo(index)
        else:
            self._selection.clear()
        self._marking = False

    def _rows(self, rows: list[int]) -> QItemSelection:
        """As few ranges as there are runs of rows: a range costs as much as a row."""
        selection, there = QItemSelection(), set(rows)
        stops = (row for row in sorted(there) if row + 1 not in there)
        for start in (row for row in sorted(there) if row - 1 not in there):
            last = self.model.index(next(stops), len(Column) - 1)
            selection.select(self.model.index(start, 0), last)
        return selection

    @property
    def _selection(self) -> QItemSelectionModel:
        return self.view.selectionModel()

    def _refresh_empty(self) -> None:
        nothing = self.model.rowCount() == 0
        self.view.setVisible(not nothing)
        self.empty.setVisible(nothing)
        if self._view_state.filtered_instances:
            self.empty.setText("The filter leaves every instance of this image out.")
        elif self._session.document is None:
            self.empty.setText("Open an image to see its instances.")
        else:
            self.empty.setText(
                "No instances yet. Press Space for suggestions, or draw one with the brush (B)"
                " or the polygon (P)."
            )
