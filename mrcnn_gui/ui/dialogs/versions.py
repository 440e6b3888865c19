"""The versions of the model: what each is, and all that can be done with it."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.model_versions import STARTER_VERSION, ModelVersion
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.version_work import VersionWork
from mrcnn_gui.ui.dialogs.comparison_list import ComparisonList
from mrcnn_gui.ui.dialogs.version_card import VersionCard
from mrcnn_gui.ui.errors import ask
from mrcnn_gui.ui.panels.version_list import card_score
from mrcnn_gui.ui.progress_bar import ThinProgressBar
from mrcnn_gui.ui.theme import SPACE
from mrcnn_gui.workflows.compare_versions import Comparison
from mrcnn_gui.workflows.published_models import AddedModel
from mrcnn_gui.workflows.version_files import missing_for_onnx

_ID = Qt.ItemDataRole.UserRole
_SIZE = (860, 620)
_EXPORT_KINDS = {
    ".safetensors": "Weights with their config (*.safetensors)",
    ".onnx": "ONNX, in three parts (*.onnx)",
}
_IMPORT_KINDS = "Models (*.safetensors *.pth *.pkl)"


class VersionsDialog(QDialog):
    """List and card side by side, buttons, and the outcome of what was asked for below."""

    def __init__(
        self,
        session: Session,
        trainer: Trainer,
        work: VersionWork,
        settings: Settings,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Model versions")
        self.resize(*_SIZE)
        self._session, self._trainer = session, trainer
        self._work, self._settings = work, settings
        self.list = _make_list()
        self.card = VersionCard()
        self.use = _button("&Use this version", "Suggestions come from it from the next image on")
        self.back = _button("&Roll back", "Use the version again that the one in use came from")
        self.compare = _button("&Compare with parent", "See on which images it is better or worse")
        self.export = _button("&Export", "Write the version as files")
        self.export.setMenu(self._export_menu())
        self.take_in = _button("&Import…", "Take a model's file in as a version")
        self.delete = _button("&Delete…", "Remove the weights of this version; its card stays")
        self.stop = _button("&Stop", "End the work; nothing of it is kept")
        self.progress = ThinProgressBar("Progress")
        self.outcome = QLabel()
        self.outcome.setWordWrap(True)
        self.comparison = ComparisonList()
        self.comparison.hide()
        self._lay_out()
        self._connect()
        self.refresh()

    def done(self, result: int) -> None:
        """Closing ends the work that was asked for here."""
        self._work.cancel()
        super().done(result)

    def refresh(self, *_: object) -> None:
        """Read the versions again; the chosen one stays chosen."""
        chosen = self._chosen_id() or self._trainer.active_version
        versions = self._trainer.versions() if self._session.folder is not None else []
        self._versions = {version.id: version for version in versions}
        self.list.blockSignals(True)
        self.list.clear()
        for version in reversed(versions):
            item = self._make_item(version)
            self.list.addTopLevelItem(item)
            if version.id == chosen:
                self.list.setCurrentItem(item)
        first = self.list.topLevelItem(0)
        if self.list.currentItem() is None and first is not None:
            self.list.setCurrentItem(first)
        self.list.blockSignals(False)
        self._show_chosen()

    def _make_item(self, version: ModelVersion) -> QTreeWidgetItem:
        active = version.id == self._trainer.active_version
        parent = str(version.card.get("parent") or "")
        item = QTreeWidgetItem(
            [version.id, parent, card_score(version.card), "in use" if active else ""]
        )
        item.setData(0, _ID, version.id)
        item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight)
        if active:
            font = item.font(0)
            font.setBold(True)
            item.setFont(0, font)
        return item

    def _lay_out(self) -> None:
        sides = QSplitter(Qt.Orientation.Horizontal)
        sides.addWidget(self.list)
        sides.addWidget(self.card)
        sides.setStretchFactor(1, 1)
        sides.setHandleWidth(4 * SPACE)
        sides.setChildrenCollapsible(False)
        buttons, running = QHBoxLayout(), QHBoxLayout()
        for button in (self.use, self.back, self.compare):
            buttons.addWidget(button)
        buttons.addStretch(1)
        for button in (self.export, self.take_in, self.delete):
            buttons.addWidget(button)
        running.addWidget(self.progress, 1)
        running.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(3 * SPACE)
        column.addWidget(sides, 1)
        column.addLayout(buttons)
        column.addLayout(running)
        column.addWidget(self.outcome)
        column.addWidget(self.comparison, 1)

    def _connect(self) -> None:
        self.list.currentItemChanged.connect(self._show_chosen)
        self.use.clicked.connect(lambda: self._trainer.promote(self._chosen_id()))
        self.back.clicked.connect(lambda: self._trainer.promote(self._earlier()))
        self.compare.clicked.connect(self._compare)
        self.take_in.clicked.connect(self._ask_import)
        self.delete.clicked.connect(self._ask_delete)
        self.stop.clicked.connect(self._work.cancel)
        self.comparison.image_chosen.connect(self._session.open_image)
        self._trainer.state_changed.connect(self.refresh)
        self._work.state_changed.connect(self._refresh_buttons)
        self._work.progressed.connect(self._show_progress)
        self._work.compared.connect(self._show_comparison)
        self._work.exported.connect(self._say)
        self._work.imported.connect(self._show_imported)
        self._work.failed.connect(self._say)
        self._session.project_closed.connect(self.reject)

    def _chosen_id(self) -> str:
        item = self.list.currentItem()
        return "" if item is None else str(item.data(0, _ID))

    def _parent_of(self, version_id: str) -> str:
        """Its parent where that is still there; "" else."""
        version = self._versions.get(version_id)
        parent = str(version.card.get("parent") or "") if version is not None else ""
        return parent if parent in self._versions else ""

    def _earlier(self) -> str:
        return self._parent_of(self._trainer.active_version)

    def _show_chosen(self, *_: object) -> None:
        self.card.show_version(self._versions.get(self._chosen_id()))
        self._refresh_buttons()

    def _refresh_buttons(self) -> None:
        chosen, active = self._chosen_id(), self._trainer.active_version
        running, may_write = self._work.is_running, not self._session.no_writing
        earlier, parent = self._earlier(), self._parent_of(chosen)
        self.use.setEnabled(may_write and bool(chosen) and chosen != active)
        self.back.setEnabled(may_write and bool(earlier))
        self.back.setText(f"&Roll back to {earlier}" if earlier else "&Roll back")
        self.compare.setEnabled(bool(parent) and not running)
        self.compare.setText(f"&Compare with {parent}" if parent else "&Compare with parent")
        self.export.setEnabled(bool(chosen) and not running)
        self.take_in.setEnabled(may_write and not running)
        is_free = chosen not in ("", active, STARTER_VERSION)
        self.delete.setEnabled(may_write and is_free and not running)
        for widget in (self.progress, self.stop):
            widget.setVisible(running)
        if not running:
            self.progress.wait()
        self.outcome.setVisible(bool(self.outcome.text()))

    def _compare(self) -> None:
        chosen = self._chosen_id()
        self._say("")
        self.comparison.hide()
        self._work.compare(self._parent_of(chosen), chosen)

    def _export_menu(self) -> QMenu:
        menu = QMenu(self)
        weights = menu.addAction("&Weights (safetensors)…")
        weights.triggered.connect(lambda: self._ask_export(".safetensors"))
        missing = missing_for_onnx()
        parts = menu.addAction(f"&ONNX: {missing}" if missing else "&ONNX…")
        parts.setEnabled(not missing)
        parts.triggered.connect(lambda: self._ask_export(".onnx"))
        return menu

    def _ask_export(self, suffix: str) -> None:
        start = Path(self._settings.last_folder("models")) / f"{self._chosen_id()}{suffix}"
        kind = _EXPORT_KINDS[suffix]
        path, _ = QFileDialog.getSaveFileName(self, "Export a version", str(start), kind)
        if path:
            self.export_to(Path(path).with_suffix(suffix))

    def export_to(self, path: Path) -> None:
        """Write the chosen version as a file."""
        self._settings.set_last_folder("models", path.parent)
        self._work.export(self._chosen_id(), path)

    def _ask_import(self) -> None:
        start = self._settings.last_folder("models")
        path, _ = QFileDialog.getOpenFileName(self, "Import a version", start, _IMPORT_KINDS)
        if path:
            self.import_from(Path(path))

    def import_from(self, path: Path) -> None:
        """Take a file in as a version."""
        self._settings.set_last_folder("models", path.parent)
        self._work.import_file(path)

    def _ask_delete(self) -> None:
        chosen = self._chosen_id()
        question = "Its weights are removed for good. Annotations that came of it stay."
        if ask(self, f"Delete {chosen}?", question, [f"Delete {chosen}"]) == 0:
            self._trainer.delete_version(chosen)

    def _show_progress(self, counts: tuple[int, int]) -> None:
        self.progress.show_counts(*counts)

    def _show_comparison(self, comparison: Comparison) -> None:
        self.comparison.show_comparison(comparison)
        self.comparison.show()

    def _show_imported(self, added: AddedModel) -> None:
        self.refresh()
        self._say(f"Added as version {added.version}. {added.report}")
        self._trainer.state_changed.emit()

    def _say(self, words: str) -> None:
        self.outcome.setText(words)
        self.outcome.setAccessibleName(words)
        self.outcome.setVisible(bool(words))


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setAutoDefault(False)
    return button


def _make_list() -> QTreeWidget:
    tree = QTreeWidget()
    tree.setAccessibleName("Model versions")
    tree.setHeaderLabels(["Version", "From", "Mask AP", ""])
    tree.setRootIsDecorated(False)
    tree.setUniformRowHeights(True)
    tree.setMinimumSize(280, 180)
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return tree
