"""A line above the canvas that says why the project cannot be changed now."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from mrcnn_gui.services.session import Session
from mrcnn_gui.services.write_access import try_writing
from mrcnn_gui.ui.progress_bar import ThinProgressBar
from mrcnn_gui.ui.theme import SPACE, icon

_LOOK = "ProjectBar { background: palette(alternate-base); border-bottom: 1px solid palette(mid); }"


class ProjectBar(QFrame):
    """Read-only with the reason, or work that has the project to itself with its progress."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setStyleSheet(_LOOK)
        self.icon = QLabel()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.progress = ThinProgressBar("Progress", width=200)
        self.button = QPushButton("Try again")
        self.button.clicked.connect(self._act)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
        row.setSpacing(2 * SPACE)
        row.addWidget(self.icon)
        row.addWidget(self.text, 1)
        row.addWidget(self.progress)
        row.addWidget(self.button)
        session.project_opened.connect(self._refresh)
        session.project_closed.connect(self._refresh)
        session.exclusive.changed.connect(self._refresh)
        session.exclusive.progressed.connect(self._show_progress)
        self._refresh()

    def _refresh(self) -> None:
        work, reason = self._session.exclusive.title, self._session.read_only_reason
        self.setVisible(bool(work or reason))
        self.progress.setVisible(bool(work))
        self.progress.wait()
        if work:
            self._say("info", f"{work}: nothing else is changed meanwhile.", "Cancel")
        elif reason:
            self._say("warning", f"Read-only: {reason}", "Try again")

    def _say(self, icon_name: str, text: str, button: str) -> None:
        self.icon.setPixmap(icon(icon_name).pixmap(20, 20))
        self.text.setText(text)
        self.button.setText(button)
        self.button.setEnabled(True)
        self.setAccessibleName(text)

    def _show_progress(self, counts: tuple[int, int]) -> None:
        self.progress.show_counts(*counts)

    def _act(self) -> None:
        if self._session.exclusive.title:
            self.button.setEnabled(False)
            self._session.exclusive.cancel()
        else:
            try_writing(self._session)
