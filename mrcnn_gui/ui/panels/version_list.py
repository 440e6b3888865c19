"""The versions of the model: which one is active, and how to go back to another."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.model_versions import ModelVersion
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.ui.theme import SPACE

_ID = Qt.ItemDataRole.UserRole


class VersionList(QWidget):
    """List of model versions with the active one marked, and a button that activates another."""

    def __init__(
        self, session: Session, trainer: Trainer, more: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._trainer = trainer
        self.list = self._make_list()
        self.use = QPushButton("Use this version")
        self.use.setAccessibleName("Use the chosen model version")
        self.use.setToolTip("Suggestions come from this version from the next image on")
        self.more = QToolButton()
        self.more.setDefaultAction(more)
        self.more.setText("More…")
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.more.setAccessibleName("All that can be done with versions")
        more.changed.connect(lambda: self.more.setText("More…"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(QLabel("Model versions"))
        column.addWidget(self.list, 1)
        row = QHBoxLayout()
        row.addWidget(self.use)
        row.addWidget(self.more)
        row.addStretch(1)
        column.addLayout(row)
        self.use.clicked.connect(self._use_chosen)
        self.list.currentItemChanged.connect(self._refresh_button)
        self.list.itemDoubleClicked.connect(self._use_chosen)
        session.project_opened.connect(self.refresh)
        session.project_closed.connect(self.refresh)
        session.exclusive.changed.connect(self._refresh_button)
        trainer.state_changed.connect(self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Read the versions and the active one again."""
        self.list.clear()
        if self._session.folder is not None:
            for version in self._trainer.versions():
                self.list.addTopLevelItem(self._make_row(version))
        self._refresh_button()

    def _make_list(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setAccessibleName("Model versions")
        tree.setHeaderLabels(["Version", "Mask AP", ""])
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setMinimumHeight(64)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        return tree

    def _make_row(self, version: ModelVersion) -> QTreeWidgetItem:
        active = version.id == self._trainer.active_version
        score = card_score(version.card)
        row = QTreeWidgetItem([version.id, score, "active" if active else ""])
        row.setData(0, _ID, version.id)
        row.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if active:
            font = row.font(0)
            font.setBold(True)
            row.setFont(0, font)
            row.setFont(2, font)
        row.setToolTip(0, str(version.folder))
        return row

    def _chosen(self) -> str:
        item = self.list.currentItem()
        return "" if item is None else str(item.data(0, _ID))

    def _refresh_button(self, *_: object) -> None:
        chosen, may_write = self._chosen(), not self._session.no_writing
        is_other = bool(chosen) and chosen != self._trainer.active_version
        self.use.setEnabled(may_write and is_other)

    def _use_chosen(self, *_: object) -> None:
        if self.use.isEnabled():
            self._trainer.promote(self._chosen())
            self.refresh()


def card_score(card: dict[str, object]) -> str:
    """The validation mask AP that a model card states, as text; "" when it states none."""
    metrics = card.get("metrics")
    score = metrics.get("mask_ap") if isinstance(metrics, dict) else None
    return f"{score:.2f}" if isinstance(score, int | float) else ""
