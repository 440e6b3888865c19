"""What models compute on, and in which precision."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.settings import Settings
from mrcnn_gui.ui.theme import SPACE, drop_button_icons, quiet_label

_DEVICES = (("auto", "Automatic"), ("cpu", "Processor"), ("cuda", "NVIDIA GPU"))
_PRECISIONS = (
    ("auto", "Automatic (measured on this machine)"),
    ("fp32", "fp32, full precision"),
    ("bf16", "bf16, half precision"),
)


class ComputeDialog(QDialog):
    """Asks for device and precision; both are remembered, and the model is loaded anew."""

    def __init__(self, segmenter: Segmenter, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Compute on")
        self._segmenter, self._settings = segmenter, settings
        self.device = _choice("Device", _DEVICES, settings.compute("device"))
        self.precision = _choice("Precision", _PRECISIONS, settings.compute("precision"))
        self.now = quiet_label(_now(segmenter))
        self.now.setWordWrap(True)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        drop_button_icons(self.buttons)
        self.buttons.accepted.connect(self._choose)
        self.buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow("&Device", self.device)
        form.addRow("&Precision", self.precision)
        layout = QVBoxLayout(self)
        layout.setSpacing(2 * SPACE)
        layout.addLayout(form)
        layout.addWidget(self.now)
        layout.addWidget(self.buttons)

    def _choose(self) -> None:
        device, precision = self.device.currentData(), self.precision.currentData()
        self._settings.set_compute("device", device)
        self._settings.set_compute("precision", precision)
        self._segmenter.compute_with(device, precision)
        self.accept()


def _choice(name: str, choices: tuple[tuple[str, str], ...], chosen: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    for value, words in choices:
        box.addItem(words, value)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    return box


def _now(segmenter: Segmenter) -> str:
    reason = f" ({segmenter.model_reason})" if segmenter.model_reason else ""
    return f"Now: {segmenter.model_label}{reason}."
