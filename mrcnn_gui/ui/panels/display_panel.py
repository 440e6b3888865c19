"""How masks and image look: opacity, colours, brightness, contrast, gamma, black and white."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from math import log

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mrcnn_gui.services.appearance import Appearance
from mrcnn_gui.services.look import MAX_GAMMA, NARROWEST, ColorBy, MaskForm
from mrcnn_gui.ui.look_commands import COLOR_WORDS, FORM_WORDS
from mrcnn_gui.ui.theme import SPACE

_FINEST = round(1 / NARROWEST)  # steps of black and white


class Dial(QWidget):
    """A slider with its value in words.

    Attributes:
        slider: Its range is that of the value in whole steps.
    """

    def __init__(self, name: str, lowest: int, highest: int, words: Callable[[int], str]) -> None:
        super().__init__()
        self._words = words
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(lowest, highest)
        self.slider.setPageStep(max((highest - lowest) // 10, 1))
        self.slider.setMinimumWidth(64)
        self.slider.setAccessibleName(name)
        self.value = QLabel()
        self.value.setMinimumWidth(self.fontMetrics().horizontalAdvance("100.0 %"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * SPACE)
        row.addWidget(self.slider, 1)
        row.addWidget(self.value)
        self.slider.valueChanged.connect(self._tell)
        self._tell(self.slider.value())

    def show_value(self, value: float) -> None:
        """Move the slider there without telling anybody."""
        self.slider.blockSignals(True)
        self.slider.setValue(round(value))
        self.slider.blockSignals(False)
        self._tell(self.slider.value())

    def _tell(self, value: int) -> None:
        self.value.setText(self._words(value))


class Choice(QComboBox):
    """One of a few values in words."""

    def __init__(self, name: str, words: Mapping[StrEnum, str]) -> None:
        super().__init__()
        self.setAccessibleName(name)
        for value, text in words.items():
            self.addItem(text, value)

    def show_value(self, value: StrEnum) -> None:
        """Show a value."""
        self.setCurrentIndex(self.findData(value))


class DisplayPanel(QScrollArea):
    """Changes how things look, and no data."""

    def __init__(self, appearance: Appearance, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._appearance = appearance
        self.setAccessibleName("Display")
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.opacity = Dial("Opacity of masks, in percent", 0, 100, lambda it: f"{it} %")
        self.form = Choice("What is drawn of masks", FORM_WORDS)
        self.color_by = Choice("What colours tell", COLOR_WORDS)
        self.brightness = Dial("Brightness of the image", -100, 100, _signed)
        self.contrast = Dial("Contrast of the image", -100, 100, _signed)
        self.gamma = Dial("Gamma of the image", -100, 100, lambda it: f"{_gamma(it):.2f}")
        self.black = Dial("Value that is shown black", 0, _FINEST - 1, _percent)
        self.white = Dial("Value that is shown white", 1, _FINEST, _percent)
        self.reset = QToolButton()
        self.reset.setDefaultAction(actions["reset_tone"])
        self.reset.setAccessibleName("Reset the image's tones")
        self._lay_out()
        self._connect()
        self._show()

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
        masks = {"Opacity": self.opacity, "Masks": self.form, "Colours": self.color_by}
        image = {
            "Brightness": self.brightness,
            "Contrast": self.contrast,
            "Gamma": self.gamma,
            "Black from": self.black,
            "White from": self.white,
        }
        for rows in (masks, image):
            form = QFormLayout()
            form.setSpacing(SPACE)
            for caption, field in rows.items():
                label = QLabel(caption)
                label.setBuddy(field.slider if isinstance(field, Dial) else field)
                form.addRow(label, field)
            column.addLayout(form)
            column.addSpacing(2 * SPACE)
        column.addWidget(self.reset, alignment=Qt.AlignmentFlag.AlignRight)
        column.addStretch(1)
        self.setWidget(page)

    def _connect(self) -> None:
        for dial in (self.opacity, self.brightness, self.contrast, self.gamma):
            dial.slider.valueChanged.connect(self._set)
        self.black.slider.valueChanged.connect(self._set_black)
        self.white.slider.valueChanged.connect(self._set_white)
        self.form.activated.connect(self._set)
        self.color_by.activated.connect(self._set)
        self._appearance.look_changed.connect(self._show)
        self._appearance.tone_changed.connect(self._show)

    def _set(self) -> None:
        it = self._appearance
        opacity, form, color_by = self.opacity.slider.value() / 100, self.form, self.color_by
        it.look = replace(
            it.look,
            opacity=opacity,
            form=MaskForm(form.currentData()),
            color_by=ColorBy(color_by.currentData()),
        )
        it.tone = replace(
            it.tone,
            brightness=self.brightness.slider.value() / 100,
            contrast=self.contrast.slider.value() / 100,
            gamma=_gamma(self.gamma.slider.value()),
        )

    def _set_black(self, step: int) -> None:
        tone, black = self._appearance.tone, step * NARROWEST
        white = max(tone.white, (step + 1) * NARROWEST)
        self._appearance.tone = replace(tone, black=black, white=white)

    def _set_white(self, step: int) -> None:
        tone, white = self._appearance.tone, step * NARROWEST
        black = min(tone.black, (step - 1) * NARROWEST)
        self._appearance.tone = replace(tone, black=black, white=white)

    def _show(self) -> None:
        look, tone = self._appearance.look, self._appearance.tone
        self.opacity.show_value(100 * look.opacity)
        self.form.show_value(look.form)
        self.color_by.show_value(look.color_by)
        self.brightness.show_value(100 * tone.brightness)
        self.contrast.show_value(100 * tone.contrast)
        self.gamma.show_value(100 * log(tone.gamma) / log(MAX_GAMMA))
        self.black.show_value(tone.black / NARROWEST)
        self.white.show_value(tone.white / NARROWEST)


def _signed(value: int) -> str:
    return f"{value:+d}".replace("-", "\N{MINUS SIGN}") if value else "0"


def _percent(step: int) -> str:
    return f"{step * 100 / _FINEST:.1f} %"


def _gamma(step: int) -> float:
    """From 1/5 to 5, the middle is 1."""
    return round(float(MAX_GAMMA ** (step / 100)), 4)
