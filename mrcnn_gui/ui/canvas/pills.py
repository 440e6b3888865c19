"""Short texts over the suggestions: their scores."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from mrcnn_gui.ui.canvas import palette

_GAP = 3.0


@dataclass(frozen=True)
class Pill:
    """A short text above a suggestion.

    Attributes:
        text: Its score; its category, too, when it stands out.
        anchor: Middle of the top of the suggestion's box, in logical view pixels.
        strong: Whether the suggestion is selected or hovered.
    """

    text: str
    anchor: QPointF
    strong: bool

    def rect(self, metrics: QFontMetricsF, area: QRectF) -> QRectF:
        """Where it is painted: within the area, at its edge where the place lies outside."""
        height = metrics.height() + 2
        width = max(metrics.horizontalAdvance(self.text) + height, 2 * height)
        left = min(max(self.anchor.x() - width / 2, area.left()), area.right() - width)
        top = min(max(self.anchor.y() - height - _GAP, area.top()), area.bottom() - height)
        return QRectF(left, top, width, height)


def paint_pills(painter: QPainter, pills: Sequence[Pill], area: QRectF, stale: QRectF) -> None:
    """Paint those of the pills that touch what must be painted again."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics = QFontMetricsF(painter.font())
    for pill in sorted(pills, key=lambda pill: pill.strong):
        rect = pill.rect(metrics, area)
        if not rect.intersects(stale):
            continue
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.SUGGESTION if pill.strong else palette.faded(palette.DARK))
        painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
        painter.setPen(palette.DARK if pill.strong else palette.SUGGESTION)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, pill.text)
