"""The list of images as a view: a table of one column, whose cost does not follow its rows."""

from PySide6.QtCore import QModelIndex, QSize, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyleOptionViewItem, QTableView

from mrcnn_gui.ui.item_models.images import ImageListModel
from mrcnn_gui.ui.panels.image_row import ImageRow

_ENDS = {QAbstractItemView.CursorAction.MoveHome, QAbstractItemView.CursorAction.MoveEnd}


class ImageView(QTableView):
    """Shows one image in each row.

    A QListView asks the model about every row each time it lays them out, which takes seconds
    where other threads hold Python's lock.
    """

    def __init__(self, model: ImageListModel) -> None:
        super().__init__()
        row = ImageRow(self)
        self.setAccessibleName("Images")
        self.setModel(model)
        self.setItemDelegate(row)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(QSize(180, 120))
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        heights = self.verticalHeader()
        heights.hide()
        heights.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        heights.setDefaultSectionSize(row.sizeHint(option, QModelIndex()).height())

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Home and End go to the first and the last image, not along a row."""
        if action in _ENDS:
            last = action == QAbstractItemView.CursorAction.MoveEnd
            return self.model().index(self.model().rowCount() - 1 if last else 0, 0)
        return super().moveCursor(action, modifiers)
