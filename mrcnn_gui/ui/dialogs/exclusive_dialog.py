"""A dialog that asks, then runs work that has the project to itself, and tells how it ended."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QVBoxLayout, QWidget

from mrcnn_gui.services.session import Session
from mrcnn_gui.ui.dialogs.work_outcome import WorkOutcome
from mrcnn_gui.ui.theme import SPACE, drop_button_icons

T = TypeVar("T")


class ExclusiveDialog(QDialog):
    """The frame: a form, the outcome, and the buttons.

    Closing it cancels the work under way, and the dialog stays to tell how that ended.

    Attributes:
        form: What is asked; a subclass fills it and calls `watch` for its fields.
        outcome: Progress and report.
        go_button: Starts the work.
    """

    def __init__(
        self, session: Session, title: str, verb: str, headers: Sequence[str], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self._session, self._running = session, False
        self._fields: list[QWidget] = []
        self.form = QFormLayout()
        self.form.setSpacing(2 * SPACE)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.outcome = WorkOutcome(headers)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.close_button = self.buttons.button(QDialogButtonBox.StandardButton.Close)
        self.go_button = self.buttons.addButton(verb, QDialogButtonBox.ButtonRole.AcceptRole)
        drop_button_icons(self.buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * SPACE, 4 * SPACE, 4 * SPACE, 4 * SPACE)
        column.setSpacing(3 * SPACE)
        column.addLayout(self.form)
        column.addWidget(self.outcome, 1)
        column.addWidget(self.buttons)
        self.buttons.accepted.connect(self.start)
        self.buttons.rejected.connect(self.reject)
        session.exclusive.changed.connect(self.refresh)
        session.exclusive.progressed.connect(self._show_progress)
        session.project_closed.connect(self._forget)

    def start(self) -> None:
        """Begin: a subclass calls `run`."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether all that is needed was filled in."""
        raise NotImplementedError

    def watch(self, *fields: QWidget) -> None:
        """Fields that are not to be touched while the work runs."""
        self._fields += fields
        self.refresh()

    def run(
        self, title: str, work: Callable[..., T], *args: object, report: Callable[[T], object]
    ) -> None:
        """Run `work(store, *args, course)`; `report` gets what it returns."""

        def end(result: T) -> None:
            self._end()
            report(result)
            self.adjustSize()

        def fail(reason: str) -> None:
            self._end()
            self.outcome.tell(f"Nothing was changed: {reason}", ())

        self._running = True
        self.outcome.show_running(True)
        self._session.exclusive.run(title, work, *args, on_done=end, on_failed=fail)

    def refresh(self, *_: object) -> None:
        """Enable what makes sense now."""
        ready = not self._running and not self._session.no_writing and self.is_ready()
        self.go_button.setEnabled(ready)
        self.close_button.setText("Cancel" if self._running else "Close")
        for field in self._fields:
            field.setEnabled(not self._running)

    def reject(self) -> None:
        """Cancel the work under way, or else close."""
        if self._running:
            self.close_button.setText("Cancelling…")
            self._session.exclusive.cancel()
        else:
            super().reject()

    def _show_progress(self, counts: tuple[int, int]) -> None:
        if self._running:
            self.outcome.show_progress(counts)

    def _end(self) -> None:
        self._running = False
        self.outcome.show_running(False)
        self.refresh()

    def _forget(self) -> None:
        self._running = False
        self.reject()
