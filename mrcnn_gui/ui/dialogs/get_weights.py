"""Get published weights, or read a file, as a new version of the model."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.weights import Offer, Weights, offers
from mrcnn_gui.ui.progress_bar import ThinProgressBar
from mrcnn_gui.ui.theme import SPACE, drop_button_icons, quiet_label
from mrcnn_gui.workflows.published_models import AddedModel

_HEADERS = ("Weights", "Box AP", "Mask AP", "Size", "Licence", "")
_ABOUT = (
    "The file is downloaded into your cache, checked, and added to this project as a model version."
    " AP is that on COCO val2017, as published. ImageNet weights are a start for training alone:"
    " such a version finds nothing before it was fine-tuned."
)


class GetWeightsDialog(QDialog):
    """The catalogue with its facts; progress; then what became of the weights."""

    def __init__(self, weights: Weights, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Get weights")
        self._weights = weights
        self.list = self._make_list()
        self.progress = ThinProgressBar("Progress of the download")
        self.outcome = quiet_label()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        roles = QDialogButtonBox.ButtonRole
        self.get_button = self.buttons.addButton("&Get and add", roles.AcceptRole)
        self.file_button = self.buttons.addButton("Add a &file…", roles.ActionRole)
        self.close_button = self.buttons.button(QDialogButtonBox.StandardButton.Close)
        drop_button_icons(self.buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(2 * SPACE)
        for widget in (quiet_label(_ABOUT), self.list, self.progress, self.outcome, self.buttons):
            column.addWidget(widget)
        self._connect()
        self._fill()
        self._refresh()

    def done(self, result: int) -> None:
        """Closing stops a download; what has arrived is kept for the next time."""
        self._weights.cancel()
        super().done(result)

    def _make_list(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setAccessibleName("Published weights")
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setHeaderLabels(list(_HEADERS))
        tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        tree.header().setStretchLastSection(False)
        tree.setMinimumSize(880, 220)
        return tree

    def _connect(self) -> None:
        self.buttons.accepted.connect(self._get)
        self.buttons.rejected.connect(self.reject)
        self.file_button.clicked.connect(self._ask_file)
        self.list.itemDoubleClicked.connect(self._get)
        self._weights.progressed.connect(self._show_progress)
        self._weights.added.connect(self._show_added)
        self._weights.failed.connect(self._show_failure)
        self._weights.state_changed.connect(self._refresh)

    def _fill(self) -> None:
        self._offers = offers()
        self.list.clear()
        for offer in self._offers:
            item = QTreeWidgetItem(_texts(offer))
            for column in (1, 2, 3):
                item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
            item.setToolTip(0, offer.weights.url)
            self.list.addTopLevelItem(item)
        self.list.setCurrentIndex(self.list.model().index(0, 0))

    def _get(self, *_: object) -> None:
        row = self.list.currentIndex().row()
        if row >= 0 and not self._weights.is_running:
            self.outcome.clear()
            self._weights.get(self._offers[row].weights)

    def _ask_file(self) -> None:
        dialog = QFileDialog(self, "Add a checkpoint")
        dialog.setNameFilter("torchvision or detectron2 (*.pth *.pkl)")
        dialog.fileSelected.connect(lambda path: self._weights.get(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _refresh(self) -> None:
        running = self._weights.is_running
        self.get_button.setEnabled(not running)
        self.file_button.setEnabled(not running)
        self.list.setEnabled(not running)
        self.progress.setVisible(running)
        self.progress.wait()
        self.close_button.setText("Cancel" if running else "Close")

    def _show_progress(self, counts: tuple[int, int | None]) -> None:
        done, total = counts
        if total:
            self.progress.show_counts(done, total)
        megabytes = f"{done / 1e6:,.0f} MB" + (f" of {total / 1e6:,.0f} MB" if total else "")
        self.outcome.setText(megabytes)

    def _show_added(self, added: AddedModel) -> None:
        self._fill()
        choose = "Choose it in the panel Training to use it."
        self.outcome.setText(f"Added as version {added.version}. {choose}\n{added.report}")
        self.adjustSize()

    def _show_failure(self, reason: str) -> None:
        self.outcome.setText(f"Not added: {reason}")
        self.adjustSize()


def _texts(offer: Offer) -> list[str]:
    weights = offer.weights
    size = f"{weights.size_mib:,.0f} MiB" if weights.size_mib else "not published"
    box, mask = (f"{ap:.1f}" if ap else "" for ap in (weights.box_ap, weights.mask_ap))
    return [weights.title, box, mask, size, weights.licence, "downloaded" if offer.is_here else ""]
