"""The line at the bottom: position, zoom, model, and that everything is saved."""

from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session

_HINT_MS = 6000
_SAVED = "All changes saved"
_MODEL = "Model version, device and precision"


class StatusBar(QStatusBar):
    """What is true at this moment; failures go to the message bar instead."""

    def __init__(
        self, session: Session, segmenter: Segmenter, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._segmenter = segmenter
        self.position = self._add("Cursor position in image pixels", "0000, 0000")
        self.zoom = self._add("Zoom", "0000 %")
        self.image_size = self._add("Size of the image", "00000 \N{MULTIPLICATION SIGN} 00000")
        self.model = self._add(_MODEL, "")
        self.saved = self._add("Saved state", _SAVED)
        segmenter.state_changed.connect(self._refresh)
        session.project_opened.connect(self._refresh)
        session.project_closed.connect(self._refresh)
        session.image_opened.connect(self._refresh)
        session.image_entry_changed.connect(self._refresh)
        session.document_changed.connect(self._refresh)
        session.saving.changed.connect(self._refresh_saved)
        self._refresh()

    def show_position(self, x: float | None, y: float | None) -> None:
        """Say where the cursor is; None when it is not on the image."""
        outside = x is None or y is None
        self.position.setText("" if outside else f"{int(x or 0)}, {int(y or 0)}")

    def show_zoom(self, scale: float) -> None:
        """Say how many screen pixels one image pixel takes."""
        self.zoom.setText(f"{scale * 100:.0f} %" if self._session.entry else "")

    def show_hint(self, text: str) -> None:
        """Say for some seconds what has happened."""
        self.showMessage(text, _HINT_MS)

    def _add(self, name: str, widest: str) -> QLabel:
        label = QLabel()
        label.setAccessibleName(name)
        label.setToolTip(name)
        label.setMinimumWidth(label.fontMetrics().horizontalAdvance(widest))
        self.addPermanentWidget(label)
        return label

    def _refresh(self, *_: object) -> None:
        entry = self._session.entry
        self.image_size.setText(
            f"{entry.width} \N{MULTIPLICATION SIGN} {entry.height}" if entry and entry.width else ""
        )
        if entry is None:
            self.position.clear()
            self.zoom.clear()
        self.model.setText(f"Model: {self._segmenter.model_label}")
        self.model.setToolTip(self._segmenter.model_reason or _MODEL)
        self._refresh_saved()

    def _refresh_saved(self) -> None:
        # An edit that cannot be committed is not made; the disk has it some ms later.
        saved = _SAVED if self._session.saving.is_saved else "Saving…"
        state = "Read-only" if self._session.read_only_reason else saved
        self.saved.setText(state if self._session.folder else "")
