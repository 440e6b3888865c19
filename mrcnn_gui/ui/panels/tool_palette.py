"""The upright bar of tools beside the canvas."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolBar, QToolButton, QWidget

from mrcnn_gui.services.view_state import ViewState

GROUPS = (
    ("select", "vertex"),
    ("brush", "eraser"),
    ("polygon", "lasso", "rectangle", "wand"),
    ("box_prompt", "click_prompt"),
    ("cut",),
    ("region",),
)
"""The tools in their order, with a line between groups."""
TOOLS = tuple(name for group in GROUPS for name in group)


class ToolPalette(QToolBar):
    """Built from the table of commands; the tool in the hand is pressed in."""

    def __init__(
        self,
        view_state: ViewState,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Tools", parent)
        self._actions = actions
        self.setOrientation(Qt.Orientation.Vertical)
        self.setMovable(False)
        for group in GROUPS:
            if self.actions():
                self.addSeparator()
            for name in group:
                self.addAction(actions[name])
        for action in self.actions():
            button = self.widgetForAction(action)
            if isinstance(button, QToolButton):
                button.setAccessibleName(action.text().replace("&", ""))
        view_state.tool_changed.connect(self._show_tool)
        self._show_tool(view_state.tool)

    def _show_tool(self, tool: str) -> None:
        for name in TOOLS:
            self._actions[name].setChecked(name == tool)
