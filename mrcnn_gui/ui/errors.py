"""What the window tells: a bar that does not block, and questions before something is lost."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMessageBox, QToolButton, QWidget

from mrcnn_gui.ui.theme import SPACE, danger_color, icon

_LOOK = (
    "MessageBar { background: palette(base); border: none;"
    " border-left: 4px solid %s; border-bottom: 1px solid palette(mid); }"
)


class MessageBar(QFrame):
    """Shows the newest message above the canvas until it is dismissed or replaced."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        dismiss = QToolButton()
        dismiss.setIcon(icon("cancel"))
        dismiss.setAutoRaise(True)
        dismiss.setToolTip("Dismiss this message")
        dismiss.setAccessibleName("Dismiss message")
        dismiss.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACE, SPACE, SPACE, SPACE)
        row.setSpacing(2 * SPACE)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(dismiss)
        self.hide()

    @property
    def text(self) -> str:
        """What the bar says; "" while it is hidden."""
        return "" if self.isHidden() else self._text.text()

    def show_error(self, title: str, text: str) -> None:
        """Tell that something failed, and why."""
        self._show("warning", f"{title}: {text}" if text else title, danger_color())

    def show_notice(self, text: str) -> None:
        """Tell something good to know."""
        self._show("info", text, self.palette().color(QPalette.ColorRole.Highlight))

    def _show(self, icon_name: str, text: str, color: QColor) -> None:
        self.setStyleSheet(_LOOK % color.name())
        self._icon.setPixmap(icon(icon_name).pixmap(20, 20))
        self._text.setText(text)
        self.setAccessibleName(text)
        self.show()


def ask(parent: QWidget, title: str, text: str, answers: list[str]) -> int:
    """Ask before something is lost.

    Returns:
        The index of the chosen answer; -1 when the question was dismissed.
    """
    box = QMessageBox(QMessageBox.Icon.Question, title, text, parent=parent)
    buttons = [box.addButton(answer, QMessageBox.ButtonRole.ActionRole) for answer in answers]
    keep = box.addButton("Go back", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    box.exec()
    chosen = box.clickedButton()
    return next((row for row, button in enumerate(buttons) if button is chosen), -1)
