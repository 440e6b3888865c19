"""Which instances are seen: a menu of categories and sources, the lowest score, and a way back."""

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
    QWidgetAction,
)

from mrcnn_gui.project.annotation import Source
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.panels.tool_options import SliderOption
from mrcnn_gui.ui.theme import SPACE, icon

_SOURCES = {Source.HUMAN: "Drawn by you", Source.MODEL: "Of the model", Source.IMPORTED: "Imported"}


class FilterBar(QWidget):
    """Says how many instances are left out; the filter holds for every image."""

    def __init__(self, session: Session, view_state: ViewState) -> None:
        super().__init__()
        self._session = session
        self._view_state = view_state
        self.menu = QMenu(self)
        self.menu.setAccessibleName("Filter of instances")
        self.menu.aboutToShow.connect(self.fill)
        self.button = QToolButton()
        self.button.setText("Filter")
        self.button.setIcon(icon("filter"))
        self.button.setToolTip("See only instances of some categories, sources and scores")
        self.button.setAccessibleName("Filter instances")
        self.button.setMenu(self.menu)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.score = SliderOption(
            "Score from", "Lowest score of shown instances", "Of what a model made", "0.00"
        )
        self.score.slider.setRange(0, 100)
        self.score.slider.valueChanged.connect(self._set_score)
        self._score_action = QWidgetAction(self)
        self._score_action.setDefaultWidget(self.score)
        self.count = QLabel()
        self.count.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        row.addWidget(self.button)
        row.addWidget(self.count, 1)
        for changed in (
            *(view_state.instance_filter_changed, view_state.filtered_instances_changed),
            *(session.document_changed, session.image_opened),
        ):
            changed.connect(self._tell)
        self._tell()

    def fill(self) -> None:
        """Put what can be chosen into the menu: what is ticked is seen."""
        self.menu.clear()
        wanted = self._view_state.instance_filter
        self.menu.addSection("Categories")
        for category in self._session.categories:
            self._add(category.name, category.id, category.id not in wanted.categories)
        self.menu.addSection("Sources")
        for source, words in _SOURCES.items():
            self._add(words, source, source not in wanted.sources)
        self.menu.addSeparator()
        self.menu.addAction(self._score_action)
        self._show_score()

    def _add(self, text: str, item: int | Source, seen: bool) -> None:
        action = self.menu.addAction(text.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(seen)
        action.toggled.connect(lambda _: self._toggle(item))

    def _toggle(self, item: int | Source) -> None:
        state = self._view_state
        state.instance_filter = state.instance_filter.toggled(item)

    def _set_score(self, percent: int) -> None:
        state = self._view_state
        state.instance_filter = replace(state.instance_filter, min_score=percent / 100)
        self.score.value.setText(f"{percent / 100:.2f}")

    def _show_score(self) -> None:
        score = self._view_state.instance_filter.min_score
        self.score.slider.setValue(round(100 * score))
        self.score.value.setText(f"{score:.2f}")

    def _tell(self) -> None:
        document, state = self._session.document, self._view_state
        total = 0 if document is None else len(document.instances)
        words = ""
        if state.instance_filter.is_active:
            words = f"{total - len(state.filtered_instances)} of {total} shown"
        self.count.setText(words)
        self.count.setAccessibleName(words)


class FilterChip(QToolButton):
    """Stands in the bar above the image while a filter leaves instances out; a click clears it."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setDefaultAction(actions["clear_filter"])
        actions["clear_filter"].setIconText("Filtered")
