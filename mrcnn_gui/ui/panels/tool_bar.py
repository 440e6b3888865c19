"""The slim bar above the canvas: tools, radius of the brush, and where one is."""

from collections.abc import Mapping
from math import log

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QToolBar,
    QToolButton,
    QWidget,
)

from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import MAX_BRUSH_RADIUS, ViewState
from mrcnn_gui.ui.theme import SPACE

TOOLS = ("select", "brush", "eraser", "polygon")
_STEPS = 100


class CanvasToolBar(QToolBar):
    """Built from the table of commands; the radius shows for brush and eraser alone."""

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Tools", parent)
        self._session = session
        self._view_state = view_state
        self._actions = actions
        self.setMovable(False)
        for name in TOOLS:
            self.addAction(actions[name])
        self.addSeparator()
        for name in ("undo", "redo"):
            self.addAction(actions[name])
        self.addSeparator()
        for name in ("fit", "zoom_100"):
            self.addAction(actions[name])
        self.radius = self._make_radius()
        self._radius_text = QLabel()
        self._radius_action = self.addWidget(self._make_radius_box())
        self.addWidget(_stretch())
        self.addAction(actions["previous"])
        self.addAction(actions["next"])
        self.addAction(actions["done"])
        self._name_buttons()
        view_state.tool_changed.connect(self._show_tool)
        view_state.brush_radius_changed.connect(self._show_radius)
        self._show_tool(view_state.tool)
        self._show_radius(view_state.brush_radius)

    def _make_radius(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, _STEPS)
        slider.setFixedWidth(120)
        slider.setToolTip("Radius of the brush in image pixels  ([ and ], or Shift + wheel)")
        slider.setAccessibleName("Radius of the brush")
        slider.valueChanged.connect(self._set_radius)
        return slider

    def _make_radius_box(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(2 * SPACE, 0, SPACE, 0)
        row.setSpacing(2 * SPACE)
        caption = QLabel("Radius")
        caption.setBuddy(self.radius)
        self._radius_text.setMinimumWidth(self.fontMetrics().horizontalAdvance("512 px"))
        for widget in (caption, self.radius, self._radius_text):
            row.addWidget(widget)
        return box

    def _name_buttons(self) -> None:
        for action in self.actions():
            button = self.widgetForAction(action)
            if isinstance(button, QToolButton):
                button.setAccessibleName(action.text().replace("&", ""))
        done = self.widgetForAction(self._actions["done"])
        if isinstance(done, QToolButton):
            done.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            self._actions["done"].setIconText("Done")

    def _show_tool(self, tool: str) -> None:
        for name in TOOLS:
            self._actions[name].setChecked(name == tool)
        self._radius_action.setVisible(tool in ("brush", "eraser"))

    def _set_radius(self, step: int) -> None:
        if step != _step_of(self._view_state.brush_radius):
            self._view_state.brush_radius = MAX_BRUSH_RADIUS ** (step / _STEPS)

    def _show_radius(self, radius: float) -> None:
        self.radius.setValue(_step_of(radius))
        self._radius_text.setText(f"{radius:.0f} px" if radius >= 10 else f"{radius:.1f} px")


def _step_of(radius: float) -> int:
    """Position of the slider: logarithmic, from 1 pixel to the largest radius."""
    return round(_STEPS * log(max(radius, 1.0)) / log(MAX_BRUSH_RADIUS))


def _stretch() -> QWidget:
    widget = QWidget()
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return widget
