"""The slim bar above the canvas: undo, zoom, what the tool can be set to, and where one is."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSizePolicy, QToolBar, QToolButton, QWidget

from mrcnn_gui.services.look import InstanceFilter
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.panels.filter_bar import FilterChip
from mrcnn_gui.ui.panels.tool_options import OverlapOption, RadiusOption, ToleranceOption


class CanvasToolBar(QToolBar):
    """Built from the table of commands; radius and tolerance show for their tools alone."""

    def __init__(
        self,
        view_state: ViewState,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("View and history", parent)
        self._actions = actions
        self.setMovable(False)
        self._add("undo", "redo", None, "fit", "zoom_100", None)
        self.overlap = OverlapOption(view_state)
        self.addWidget(self.overlap)
        self.radius, self.tolerance = RadiusOption(view_state), ToleranceOption(view_state)
        self._radius_action = self.addWidget(self.radius)
        self._tolerance_action = self.addWidget(self.tolerance)
        self.addWidget(_stretch())
        self.filtered = FilterChip(actions)
        self._filtered_action = self.addWidget(self.filtered)
        self._add("previous", "next", "done")
        self._name_buttons()
        view_state.tool_changed.connect(self._show_tool)
        view_state.instance_filter_changed.connect(self._show_filter)
        self._show_tool(view_state.tool)
        self._show_filter(view_state.instance_filter)

    def _add(self, *names: str | None) -> None:
        for name in names:
            if name is None:
                self.addSeparator()
            else:
                self.addAction(self._actions[name])

    def _name_buttons(self) -> None:
        for action in self.actions():
            button = self.widgetForAction(action)
            if isinstance(button, QToolButton):
                button.setAccessibleName(action.text().replace("&", ""))
        self.filtered.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.filtered.setAccessibleName("Instances are filtered: show all again")
        done = self.widgetForAction(self._actions["done"])
        if isinstance(done, QToolButton):
            done.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            self._actions["done"].setIconText("Done")

    def _show_tool(self, tool: str) -> None:
        self._radius_action.setVisible(tool in ("brush", "eraser"))
        self._tolerance_action.setVisible(tool == "wand")

    def _show_filter(self, instance_filter: InstanceFilter) -> None:
        self._filtered_action.setVisible(instance_filter.is_active)


def _stretch() -> QWidget:
    widget = QWidget()
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return widget
