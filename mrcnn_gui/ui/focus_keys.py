"""Keys of the control that has the keyboard go before the window's shortcuts."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QScrollBar, QWidget

_KEYS = Qt.Key
_BUTTON_KEYS = {_KEYS.Key_Space}
_MOVE_KEYS = {
    *(_KEYS.Key_Left, _KEYS.Key_Right, _KEYS.Key_Up, _KEYS.Key_Down),
    *(_KEYS.Key_PageUp, _KEYS.Key_PageDown),
}


class FocusKeys(QObject):
    """Lets Space press a focused button and arrows move a focused slider.

    Elsewhere Space and arrows are shortcuts. So that a click does not take the keyboard away
    from the canvas, buttons and sliders get it by Tab alone.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        for kind in (QAbstractButton, QAbstractSlider, QComboBox):
            for control in window.findChildren(kind):
                if not isinstance(control, QScrollBar):
                    control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                    control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim the control's own keys before a shortcut does."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            own = _BUTTON_KEYS if isinstance(watched, QAbstractButton) else _MOVE_KEYS
            plain = event.modifiers() in (
                Qt.KeyboardModifier.NoModifier,
                Qt.KeyboardModifier.KeypadModifier,
            )
            if plain and Qt.Key(event.key()) in own:
                event.accept()
                return True
        return super().eventFilter(watched, event)
