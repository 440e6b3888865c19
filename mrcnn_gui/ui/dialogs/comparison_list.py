"""Gains and regressions of one version against another, image by image."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.ui.theme import SPACE, danger_color, status_color
from mrcnn_gui.ui.wording import plural
from mrcnn_gui.workflows.compare_versions import Comparison, ImageComparison

_ID = Qt.ItemDataRole.UserRole
_NOTICEABLE = 0.01
_HINT = (
    "Quality of an image: 1 when every instance is found with its exact mask and nothing else is."
    " A click opens the image."
)


class ComparisonList(QWidget):
    """A sentence and a table, the largest changes first; a click opens the image."""

    image_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setToolTip(_HINT)
        self.list = QTreeWidget()
        self.list.setAccessibleName("Images with their quality by both versions")
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setToolTip(_HINT)
        self.list.setMinimumHeight(160)
        self.list.itemClicked.connect(self._choose)
        self.list.itemActivated.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.text)
        column.addWidget(self.list, 1)

    def show_comparison(self, comparison: Comparison) -> None:
        """Show what a comparison came to."""
        images = comparison.images
        better = sum(image.change >= _NOTICEABLE for image in images)
        worse = sum(image.change <= -_NOTICEABLE for image in images)
        same = len(images) - better - worse
        self.text.setText(
            f"{comparison.after} against {comparison.before} on "
            f"{plural(len(images), 'validation image')}: better on {better}, worse on {worse}, "
            f"the same on {same}."
        )
        self.list.clear()
        self.list.setHeaderLabels(["Image", comparison.before, comparison.after, "Change"])
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.addTopLevelItems([_item(image) for image in images])

    def _choose(self, item: QTreeWidgetItem, *_: object) -> None:
        self.image_chosen.emit(item.data(0, _ID))


def _item(image: ImageComparison) -> QTreeWidgetItem:
    name = image.path.rpartition("/")[2]
    item = QTreeWidgetItem(
        [name, f"{image.before:.2f}", f"{image.after:.2f}", f"{image.change:+.2f}"]
    )
    item.setData(0, _ID, image.image_id)
    item.setToolTip(0, image.path)
    for column in (1, 2, 3):
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
    if abs(image.change) >= _NOTICEABLE:
        gain = image.change > 0
        color = status_color(ReviewStatus.DONE) if gain else danger_color()
        item.setForeground(3, QBrush(color))
    return item
