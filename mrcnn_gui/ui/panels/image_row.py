"""How the image list draws one image: thumbnail, name, and a badge for its state."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.ui.item_models.images import ImageRole
from mrcnn_gui.ui.theme import SPACE, danger_color, status_color

THUMBNAIL = QSize(64, 48)
_BADGE = 12


class ImageRow(QStyledItemDelegate):
    """Draws a row; its texts and colours come from the model and the palette."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """All rows have one height."""
        del index
        lines = 2 * option.fontMetrics.height() + SPACE
        return QSize(180, max(THUMBNAIL.height(), lines) + 2 * SPACE)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Ground by the style, then picture, name and badge."""
        self.initStyleOption(option, index)
        style = option.widget.style()
        panel = QStyle.PrimitiveElement.PE_PanelItemViewItem
        style.drawPrimitive(panel, option, painter, option.widget)
        picture, name = index.data(ImageRole.PICTURE), option.text
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        row: QRect = option.rect.adjusted(SPACE, SPACE, -2 * SPACE, -SPACE)
        frame = QRect(row.topLeft(), THUMBNAIL)
        frame.moveTop(row.top() + (row.height() - frame.height()) // 2)
        _draw_picture(painter, frame, picture, option.palette)
        words = row.adjusted(THUMBNAIL.width() + 2 * SPACE, 0, 0, 0)
        _draw_words(painter, words, name, index, option)
        painter.restore()


def _draw_picture(
    painter: QPainter, frame: QRect, picture: QImage | None, palette: QPalette
) -> None:
    if picture is None or picture.isNull():
        painter.fillRect(frame, palette.color(QPalette.ColorRole.AlternateBase))
        return
    size = picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
    place = QRect(0, 0, size.width(), size.height())
    place.moveCenter(frame.center())
    painter.drawImage(place, picture)


def _draw_words(
    painter: QPainter,
    words: QRect,
    name: str,
    index: QModelIndex | QPersistentModelIndex,
    option: QStyleOptionViewItem,
) -> None:
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
    text_color = option.palette.color(role)
    metrics = option.fontMetrics
    top = words.top() + (words.height() - 2 * metrics.height() - SPACE) // 2
    first = QRect(words.left(), top, words.width(), metrics.height())
    second = first.translated(0, metrics.height() + SPACE)
    painter.setPen(text_color)
    shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, first.width())
    painter.drawText(first, Qt.AlignmentFlag.AlignVCenter, shown)

    problem, status = index.data(ImageRole.PROBLEM), ReviewStatus(index.data(ImageRole.STATUS))
    state = index.data(ImageRole.STATE)
    color = danger_color() if problem else status_color(status)
    color = text_color if selected else color
    badge = QRectF(second.left(), second.center().y() - _BADGE / 2 + 1, _BADGE, _BADGE)
    if problem:
        _draw_warning(painter, badge, color)
    else:
        draw_status(painter, badge, status, color)
    painter.setPen(color)
    painter.drawText(second.adjusted(_BADGE + SPACE, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, state)


def draw_status(painter: QPainter, badge: QRectF, status: ReviewStatus, color: QColor) -> None:
    """Ring for to do, half disc for in progress, disc with a tick for done: told by shape."""
    disc = badge.adjusted(1, 1, -1, -1)
    painter.setPen(QPen(color, 1.5))
    painter.setBrush(color if status is ReviewStatus.DONE else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(disc)
    if status is ReviewStatus.IN_PROGRESS:
        painter.setBrush(color)
        painter.drawPie(disc, 90 * 16, 180 * 16)
    elif status is ReviewStatus.DONE:
        ground = Qt.GlobalColor.white if color.lightness() < 128 else Qt.GlobalColor.black
        painter.setPen(QPen(ground, 1.6))
        center = disc.center()
        corners = [center + QPointF(-2.6, 0.2), center + QPointF(-0.7, 2.1)]
        painter.drawPolyline([*corners, center + QPointF(2.7, -1.9)])


def _draw_warning(painter: QPainter, badge: QRectF, color: QColor) -> None:
    painter.setPen(QPen(color, 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    top = QPointF(badge.center().x(), badge.top() + 1)
    left, right = badge.bottomLeft() + QPointF(0.5, -1), badge.bottomRight() + QPointF(-0.5, -1)
    painter.drawPolygon([top, left, right])
    middle = badge.center() + QPointF(0, -0.5)
    painter.drawLine(middle, middle + QPointF(0, 2))
