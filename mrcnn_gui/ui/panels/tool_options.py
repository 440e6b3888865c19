"""What the tool in the hand can be set to: radius, tolerance, and what becomes of overlaps."""

from math import log

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QWidget

from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.services.view_state import MAX_BRUSH_RADIUS, MAX_WAND_TOLERANCE, ViewState
from mrcnn_gui.ui.theme import SPACE

_STEPS = 100
_MODES = {
    Overlap.ALLOWED: ("Overlap allowed", "New paint may lie over other instances"),
    Overlap.YIELDS: ("New yields", "New paint leaves the pixels of other instances to them"),
    Overlap.TAKES: ("New takes", "New paint takes pixels from other instances"),
}


class SliderOption(QWidget):
    """A caption, a slider and the value in words."""

    def __init__(self, caption: str, name: str, tooltip: str, widest: str) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setMinimumWidth(48)
        self.slider.setMaximumWidth(120)
        self.slider.setToolTip(tooltip)
        self.slider.setAccessibleName(name)
        self.value = QLabel()
        self.value.setMinimumWidth(self.fontMetrics().horizontalAdvance(widest))
        label = QLabel(caption)
        label.setBuddy(self.slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACE, 0, SPACE, 0)
        row.setSpacing(2 * SPACE)
        for widget in (label, self.slider, self.value):
            row.addWidget(widget)


class RadiusOption(SliderOption):
    """The radius of brush and eraser, on a logarithmic scale."""

    def __init__(self, view_state: ViewState) -> None:
        tooltip = "Radius of the brush in image pixels  ([ and ], or Shift + wheel)"
        super().__init__("Radius", "Radius of the brush", tooltip, "512 px")
        self._view_state = view_state
        self.slider.setRange(0, _STEPS)
        self.slider.valueChanged.connect(self._set)
        view_state.brush_radius_changed.connect(self._show)
        self._show(view_state.brush_radius)

    def _set(self, step: int) -> None:
        if step != _step_of(self._view_state.brush_radius):
            self._view_state.brush_radius = MAX_BRUSH_RADIUS ** (step / _STEPS)

    def _show(self, radius: float) -> None:
        self.slider.setValue(_step_of(radius))
        self.value.setText(f"{radius:.0f} px" if radius >= 10 else f"{radius:.1f} px")


class ToleranceOption(SliderOption):
    """How far a colour may be from the one that the magic wand is put on."""

    def __init__(self, view_state: ViewState) -> None:
        tooltip = "How different a colour may be, per channel of 0 to 255  (or drag with the wand)"
        super().__init__("Tolerance", "Tolerance of the magic wand", tooltip, "128")
        self.slider.setRange(0, MAX_WAND_TOLERANCE)
        self.slider.valueChanged.connect(view_state.set_wand_tolerance)
        view_state.wand_tolerance_changed.connect(self._show)
        self._show(view_state.wand_tolerance)

    def _show(self, tolerance: int) -> None:
        self.slider.setValue(tolerance)
        self.value.setText(str(tolerance))


class OverlapOption(QComboBox):
    """What becomes of new paint where other instances are."""

    def __init__(self, view_state: ViewState) -> None:
        super().__init__()
        self._view_state = view_state
        self.setAccessibleName("Where instances overlap")
        for mode, (text, tooltip) in _MODES.items():
            self.addItem(text, mode)
            self.setItemData(self.count() - 1, tooltip, Qt.ItemDataRole.ToolTipRole)
        self.currentIndexChanged.connect(self._set)
        view_state.overlap_changed.connect(self._show)
        self._show(view_state.overlap)

    def _set(self, index: int) -> None:
        self._view_state.overlap = list(_MODES)[index]

    def _show(self, mode: Overlap) -> None:
        self.setCurrentIndex(list(_MODES).index(mode))
        self.setToolTip(f"{_MODES[mode][1]}  (O for the next mode)")


def _step_of(radius: float) -> int:
    """Position of the slider: logarithmic, from 1 pixel to the largest radius."""
    return round(_STEPS * log(max(radius, 1.0)) / log(MAX_BRUSH_RADIUS))
