"""What the window tells: a bar that does not block, and questions before something is lost."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMessageBox, QToolButton, QWidget

from mrcnn_gui.ui.theme import SPACE, danger_color, icon

_LOOK = (
    "MessageBar { background: palette(base); border: none;"
    " border-left: 4px solid %s; border-bottom: 1px solid palette(mid); }"
)
_NOTICE_MS = 12_000
_NEW_MS = 1000


class MessageBar(QFrame):
    """Shows the newest message until it is dismissed or replaced; a notice goes by itself, too.

    It lies over the top of what the person works on: nothing moves under the mouse when it comes.
    """

    def __init__(self, ground: QWidget) -> None:
        super().__init__(ground)
        self._ground = ground
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._passing = QTimer(self)
        self._passing.setSingleShot(True)
        self._passing.setTimerType(Qt.TimerType.PreciseTimer)  # else it may begin above its time
        self._passing.timeout.connect(self.hide)
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
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACE, SPACE, SPACE, SPACE)
        row.setSpacing(2 * SPACE)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(dismiss)
        self.hide()
        ground.installEventFilter(self)

    def lie_over(self, ground: QWidget) -> None:
        """Lie over another widget from now on."""
        was_shown = not self.isHidden()
        self._ground.removeEventFilter(self)
        self._ground = ground
        self.setParent(ground)
        ground.installEventFilter(self)
        self._place()
        self.setVisible(was_shown)

    def pass_by(self) -> None:
        """The work has gone on: a notice that is not new has been read, or matters no more."""
        if 0 <= self._passing.remainingTime() < _NOTICE_MS - _NEW_MS:
            self._passing.stop()
            self.hide()

    @property
    def text(self) -> str:
        """What the bar says; "" while it is hidden."""
        return "" if self.isHidden() else self._text.text()

    def show_error(self, title: str, text: str) -> None:
        """Tell that something failed, and why."""
        self._passing.stop()
        self._show("warning", f"{title}: {text}" if text else title, danger_color())

    def show_notice(self, text: str) -> None:
        """Tell something good to know."""
        self._show("info", text, self.palette().color(QPalette.ColorRole.Highlight))
        self._passing.start(_NOTICE_MS)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as wide as what it lies over."""
        if watched is self._ground and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _show(self, icon_name: str, text: str, color: QColor) -> None:
        self.setStyleSheet(_LOOK % color.name())
        self._icon.setPixmap(icon(icon_name).pixmap(20, 20))
        self._text.setText(text)
        self.setAccessibleName(text)
        self._place()
        self.show()
        self.raise_()

    def _place(self) -> None:
        width = self._ground.width()
        self.setGeometry(0, 0, width, self._row.totalHeightForWidth(width))


def warn(parent: QWidget | None, title: str, text: str) -> None:
    """Tell what nobody must miss, and wait until it was read."""
    QMessageBox(QMessageBox.Icon.Warning, title, text, parent=parent).exec()


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
