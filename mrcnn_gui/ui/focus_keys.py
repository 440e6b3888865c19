"""Keys of the control that has the keyboard go before the window's shortcuts."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QWidget,
)

TAKES_ENTER = "takes_enter"  # a property: the widget has a use of its own for Enter

_KEYS = Qt.Key
_BUTTON_KEYS = {_KEYS.Key_Space}
_MOVE_KEYS = {
    *(_KEYS.Key_Left, _KEYS.Key_Right, _KEYS.Key_Up, _KEYS.Key_Down),
    *(_KEYS.Key_PageUp, _KEYS.Key_PageDown),
}
_ENTER_KEYS = {_KEYS.Key_Return, _KEYS.Key_Enter}
_MODIFIERS = Qt.KeyboardModifier


class FocusKeys(QObject):
    """Lets Space press a focused button, arrows move a focused slider, Enter end a line of text.

    Elsewhere these keys are shortcuts. So that a click does not take the keyboard away from the
    canvas, buttons and sliders get it by Tab alone.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.installEventFilter(self)  # what a control does not claim comes up to it
        for kind in (QAbstractButton, QAbstractSlider, QComboBox):
            for control in window.findChildren(kind):
                if not isinstance(control, QScrollBar):
                    control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                    control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim the control's own keys before a shortcut does."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if watched is self.parent():
                own, modifiers = _enter_keys(), event.modifiers() & ~_MODIFIERS.ShiftModifier
            else:
                own = _BUTTON_KEYS if isinstance(watched, QAbstractButton) else _MOVE_KEYS
                modifiers = event.modifiers()
            plain = modifiers in (_MODIFIERS.NoModifier, _MODIFIERS.KeypadModifier)
            if plain and Qt.Key(event.key()) in own:
                event.accept()
                return True
        return super().eventFilter(watched, event)


def _enter_keys() -> set[Qt.Key]:
    """Those that the control with the keyboard has a use of its own for."""
    focused = QApplication.focusWidget()
    takes = isinstance(focused, QLineEdit) or (
        focused is not None and focused.property(TAKES_ENTER)
    )
    return _ENTER_KEYS if takes else set()
