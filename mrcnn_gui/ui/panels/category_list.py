"""The categories: which one is active, its colour, its key, how often the image has it."""

from collections import Counter
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.annotation import Category
from mrcnn_gui.services.project_edits import ProjectEdits
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.errors import ask
from mrcnn_gui.ui.theme import SPACE, icon, swatch
from mrcnn_gui.ui.wording import plural

_NAME, _KEY, _COUNT = range(3)
_ID = Qt.ItemDataRole.UserRole


class CategoryListPanel(QWidget):
    """List of categories with buttons to add, rename, recolour, merge and delete one."""

    def __init__(
        self,
        session: Session,
        edits: ProjectEdits,
        view_state: ViewState,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._edits = edits
        self._view_state = view_state
        self.list = self._make_list()
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        self.add = self._make_button("add", "Add category", self.ask_new)
        self.rename = self._make_button("rename", "Rename category (F2)", self.rename_active)
        self.recolour = self._make_button("colour", "Recolour category", self.ask_color)
        self.merge = self._make_button("merge", "Merge category into another", self.ask_merge)
        self.delete = self._make_button("delete", "Delete category", self.ask_delete)
        self._buttons = (self.add, self.rename, self.recolour, self.merge, self.delete)
        for button in self._buttons:
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.setSpacing(SPACE)
        column.addWidget(self.list, 1)
        column.addLayout(buttons)
        self._connect()
        self._reload()

    def ask_new(self) -> None:
        """Add a category and let the person type its name."""
        names = {category.name for category in self._session.categories}
        number = len(names) + 1
        while f"category {number}" in names:
            number += 1
        self._edits.add_category(f"category {number}")
        item = self.list.topLevelItem(self.list.topLevelItemCount() - 1)
        if item is not None:
            self.list.setCurrentItem(item)
            self.list.editItem(item, _NAME)

    def rename_active(self) -> None:
        """Let the person type another name for the active category."""
        item = self.list.currentItem()
        if item is not None:
            self.list.setFocus()
            self.list.editItem(item, _NAME)

    def ask_color(self) -> None:
        """Let the person choose another colour for the active category."""
        category = self._active()
        if category is None:
            return
        dialog = QColorDialog(QColor(category.color), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(
            lambda color: self._edits.update_category(replace(category, color=color.name()))
        )
        dialog.open()

    def ask_merge(self) -> None:
        """Let the person choose a category that takes over the instances of the active one."""
        category = self._active()
        others = [each for each in self._session.categories if each != category]
        if category is None or not others:
            return
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Merge category")
        dialog.setLabelText(f"{self._use(category)}\nMake all of them instances of:")
        dialog.setComboBoxItems([each.name for each in others])
        dialog.setOkButtonText("Merge")
        dialog.textValueSelected.connect(
            lambda name: self._edits.merge_category(
                category.id, next(each.id for each in others if each.name == name)
            )
        )
        dialog.open()

    def ask_delete(self) -> None:
        """Ask before the active category goes, with all its instances."""
        category = self._active()
        if category is None:
            return
        text = (
            f"{self._use(category)}\nThe category goes, and all of them with it, as one change that"
            " Edit > Project history can undo."
        )
        if ask(self.window(), f"Delete the category {category.name}?", text, ["Delete"]) == 0:
            self._edits.delete_category(category.id)

    def _use(self, category: Category) -> str:
        instances, images = self._edits.use_of(category.id)
        where = f"{plural(instances, 'instance')} on {plural(images, 'image')}"
        return f"“{category.name}” has {where}."

    def _make_list(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setAccessibleName("Categories")
        tree.setColumnCount(3)
        tree.setHeaderLabels(["Category", "Key", "Here"])
        tree.headerItem().setToolTip(_COUNT, "How many instances this image has")
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        return tree

    def _make_button(self, name: str, text: str, slot: object) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setAutoRaise(True)
        button.clicked.connect(slot)
        return button

    def _connect(self) -> None:
        session, view_state = self._session, self._view_state
        session.project_opened.connect(self._reload)
        session.project_closed.connect(self._reload)
        session.categories_changed.connect(self._reload)
        session.exclusive.changed.connect(self._reload)
        session.image_opened.connect(self._refresh_counts)
        session.document_changed.connect(self._refresh_counts)
        view_state.active_category_changed.connect(self._mark_active)
        self.list.currentItemChanged.connect(self._activate)
        self.list.itemDoubleClicked.connect(self._edit)
        self.list.itemChanged.connect(self._rename)

    def _reload(self) -> None:
        categories = self._session.categories
        self.list.blockSignals(True)
        if [category.id for category in categories] != [
            it.data(_NAME, _ID) for it in self._items()
        ]:
            self.list.clear()
            self.list.addTopLevelItems([_new_item(category.id) for category in categories])
        for item, category in zip(self._items(), categories, strict=True):
            item.setText(_NAME, category.name)
            item.setText(_KEY, "" if category.key is None else str(category.key))
            item.setIcon(_NAME, swatch(category.color))
        self.list.blockSignals(False)
        free = self._session.folder is not None and not self._session.no_writing
        for button in self._buttons:
            button.setEnabled(free)
        self.merge.setEnabled(free and len(categories) > 1)
        self._refresh_counts()
        self._choose_active()

    def _refresh_counts(self, *_: object) -> None:
        document = self._session.document
        instances = document.instances.values() if document else ()
        counts = Counter(instance.category_id for instance in instances)
        self.list.blockSignals(True)
        for item in self._items():
            item.setText(_COUNT, str(counts[item.data(_NAME, _ID)]) if document else "")
        self.list.blockSignals(False)

    def _choose_active(self) -> None:
        """Keep the active category; the first one where it is not of this project."""
        known = [category.id for category in self._session.categories]
        if self._view_state.active_category not in known:
            self._view_state.active_category = known[0] if known else None
        self._mark_active(self._view_state.active_category)

    def _mark_active(self, category_id: int | None) -> None:
        chosen = next((it for it in self._items() if it.data(_NAME, _ID) == category_id), None)
        if chosen is not None:
            self.list.setCurrentItem(chosen)

    def _activate(self, current: QTreeWidgetItem | None, _: object) -> None:
        if current is not None:
            self._view_state.active_category = current.data(_NAME, _ID)

    def _edit(self, item: QTreeWidgetItem) -> None:
        if self.rename.isEnabled():
            self.list.editItem(item, _NAME)

    def _rename(self, item: QTreeWidgetItem, column: int) -> None:
        category = self._session.category(item.data(_NAME, _ID))
        if column == _NAME and item.text(_NAME).strip() != category.name:
            self._edits.update_category(replace(category, name=item.text(_NAME).strip()))
        self._reload()  # a name that was refused goes back to the one that holds

    def _active(self) -> Category | None:
        wanted = self._view_state.active_category
        return next((it for it in self._session.categories if it.id == wanted), None)

    def _items(self) -> list[QTreeWidgetItem]:
        rows = range(self.list.topLevelItemCount())
        return [item for row in rows if (item := self.list.topLevelItem(row)) is not None]


def _new_item(category_id: int) -> QTreeWidgetItem:
    item = QTreeWidgetItem()
    item.setData(_NAME, _ID, category_id)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
    item.setTextAlignment(_COUNT, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
