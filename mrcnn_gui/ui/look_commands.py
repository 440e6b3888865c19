"""What the commands about the look of masks and image do."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Signal
from PySide6.QtGui import QKeyEvent

from mrcnn_gui.services.appearance import Appearance
from mrcnn_gui.services.look import ColorBy, MaskForm, Tone

_Choice = TypeVar("_Choice", bound=StrEnum)
_OPACITY_STEP = 0.1

FORM_WORDS: Mapping[StrEnum, str] = {
    MaskForm.BOTH: "Fill and outline",
    MaskForm.FILL: "Fill only",
    MaskForm.OUTLINE: "Outline only",
}
COLOR_WORDS: Mapping[StrEnum, str] = {
    ColorBy.CATEGORY: "By category",
    ColorBy.INSTANCE: "By instance",
    ColorBy.SOURCE: "By source: you, model, import",
}


class LookCommands(QObject):
    """Turns a command into another look.

    Signals:
        hint: What is shown now, for a glance.
    """

    hint = Signal(str)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance)
        self._appearance = appearance

    def next_form(self) -> None:
        """Go from fill and outline to fill, to outline, and back."""
        look = self._appearance.look
        self._appearance.look = replace(look, form=_after(look.form, MaskForm))
        self.hint.emit(f"Masks: {FORM_WORDS[self._appearance.look.form].lower()}")

    def next_color_by(self) -> None:
        """Colour by category, then by instance, then by source."""
        look = self._appearance.look
        self._appearance.look = replace(look, color_by=_after(look.color_by, ColorBy))
        self.hint.emit(f"Colours: {COLOR_WORDS[self._appearance.look.color_by].lower()}")

    def change_opacity(self, steps: int) -> None:
        """Make the insides of the masks denser, or with negative steps thinner."""
        look = self._appearance.look
        opacity = round(look.opacity + steps * _OPACITY_STEP, 2)
        self._appearance.look = replace(look, opacity=opacity).in_range()

    def toggle_guide(self, name: str) -> None:
        """Show the pixel grid, the crosshair or the minimap, or hide it again."""
        guides = self._appearance.guides
        self._appearance.guides = replace(guides, **{name: not getattr(guides, name)})

    def toggle_only_image(self) -> None:
        """Show the image without any mask, or with them."""
        self._appearance.only_image = not self._appearance.only_image
        self.hint.emit("All masks are hidden" if self._appearance.only_image else "")

    def toggle_origin(self) -> None:
        """Show the suggestion that the selected instance once was, or hide it again."""
        self._appearance.shows_origin = not self._appearance.shows_origin

    def reset_tone(self) -> None:
        """Show the image's values as they are."""
        self._appearance.tone = Tone()

    def peek(self) -> None:
        """Show the image without any mask until the key is let go."""
        self._appearance.only_image = True
        application = QCoreApplication.instance()
        assert application is not None
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """While the person peeks: wait for the key, wherever the keyboard is."""
        released = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyRelease
        held = isinstance(event, QKeyEvent) and event.isAutoRepeat()
        if (released and not held) or event.type() == QEvent.Type.ApplicationDeactivate:
            self._appearance.only_image = False
            application = QCoreApplication.instance()
            if application is not None:
                application.removeEventFilter(self)
        return False


def _after(choice: _Choice, kind: type[_Choice]) -> _Choice:
    choices = list(kind)
    return choices[(choices.index(choice) + 1) % len(choices)]
