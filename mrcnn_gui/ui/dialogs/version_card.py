"""What a model version is: its card, and its metrics beside those of its parent."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFormLayout,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.project.model_versions import ModelVersion
from mrcnn_gui.ui.theme import SPACE, quiet_label
from mrcnn_gui.ui.wording import listed

_METRICS = {
    "mask_ap": "Mask AP",
    "mask_ap50": "Mask AP50",
    "mask_ap75": "Mask AP75",
    "box_ap": "Box AP",
    "ar100": "Mean recall",
}
_FACTS = ("Made", "From", "Knows", "Trained on", "Settings", "With", "Verdict")


class VersionCard(QWidget):
    """Facts above a table of metrics."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts = {name: QLabel() for name in _FACTS}
        self._captions = {name: quiet_label(name) for name in _FACTS}
        form = QFormLayout()
        form.setHorizontalSpacing(4 * SPACE)
        form.setVerticalSpacing(SPACE)
        for name, fact in self.facts.items():
            fact.setWordWrap(True)
            fact.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._captions[name].setAlignment(Qt.AlignmentFlag.AlignTop)
            self._captions[name].setWordWrap(False)
            form.addRow(self._captions[name], fact)
        self.metrics = _make_table()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        column.addLayout(form)
        column.addWidget(self.metrics, 1)

    def show_version(self, version: ModelVersion | None) -> None:
        """Show another version; None shows nothing."""
        texts = facts_of(version) if version is not None else {}
        for name, fact in self.facts.items():
            words = texts.get(name, "")
            fact.setText(words)
            for widget in (fact, self._captions[name]):
                widget.setVisible(bool(words))
        rows = metric_rows(version.card) if version is not None else []
        self.metrics.clear()
        self.metrics.setVisible(bool(rows))
        for row in rows:
            item = QTreeWidgetItem(row)
            for column in range(1, len(row)):
                item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
            self.metrics.addTopLevelItem(item)


def facts_of(version: ModelVersion) -> dict[str, str]:
    """What the card says, as people read it; what it does not say is left out."""
    card = version.card
    training = _record(card.get("training"))
    model, source = _record(card.get("model")), _record(card.get("source"))
    images = card.get("training_image_ids")
    count = f"{len(images):,} images" if isinstance(images, list) else ""
    snapshot = str(card.get("snapshot") or "")[:12]
    names = ("epochs", "batch_size", "image_size", "learning_rate", "stages", "seed")
    created = str(card.get("created") or "").replace("T", " ").replace("+00:00", " UTC")
    minutes = f"in {card['minutes']:.1f} min" if card.get("minutes") else ""
    settings = [f"{name.replace('_', ' ')} {training[name]}" for name in names if name in training]
    facts = {
        "Made": ", ".join(filter(None, (created, minutes))),
        "From": str(card.get("parent") or source.get("title") or ""),
        "Knows": listed([str(name) for name in model.get("categories", ())]),
        "Trained on": ", snapshot ".join(filter(None, (count, snapshot))),
        "Settings": ", ".join(settings),
        "With": ", ".join(f"{name} {it}" for name, it in _record(card.get("versions")).items()),
        "Verdict": str(card.get("reason") or ""),
    }
    return {name: words for name, words in facts.items() if words}


def metric_rows(card: dict[str, Any]) -> list[list[str]]:
    """Rows of metric, this version, parent and change; categories after the whole."""
    own, parent = _record(card.get("metrics")), _record(card.get("parent_metrics"))
    rows = [
        _row(words, own.get(name), parent.get(name))
        for name, words in _METRICS.items()
        if name in own
    ]
    mine, before = _record(own.get("per_category")), _record(parent.get("per_category"))
    if len(mine) > 1:
        rows += [_row(f"Mask AP of {name}", mine[name], before.get(name)) for name in sorted(mine)]
    return rows


def _row(words: str, own: Any, parent: Any) -> list[str]:
    change = f"{own - parent:+.3f}" if isinstance(parent, int | float) else ""
    return [words, _number(own), _number(parent), change]


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else ""


def _record(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _make_table() -> QTreeWidget:
    tree = QTreeWidget()
    tree.setAccessibleName("Metrics on the validation images")
    tree.setHeaderLabels(["On the validation images", "This", "Parent", "Change"])
    tree.setRootIsDecorated(False)
    tree.setUniformRowHeights(True)
    tree.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return tree
