"""The look: Fusion in the system's colours, and icons that follow them."""

from functools import cache

from PySide6.QtCore import QByteArray, QPoint, QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QIcon,
    QIconEngine,
    QImage,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.resources import resource

SPACE = 4
"""The grid, in pixels: gaps are this or twice this."""

STATUS_TEXT = {
    ReviewStatus.TODO: "To do",
    ReviewStatus.IN_PROGRESS: "In progress",
    ReviewStatus.DONE: "Done",
}
# (on light ground, on dark ground); each has a contrast of at least 4.5 to its ground.
_STATUS_COLORS = {
    ReviewStatus.TODO: ("#5f6670", "#a4abb5"),
    ReviewStatus.IN_PROGRESS: ("#8a5200", "#f0b060"),
    ReviewStatus.DONE: ("#17692f", "#62c97f"),
}
_DANGER = ("#b3261e", "#ff8a80")


def apply_theme(application: QApplication) -> None:
    """Give the application its style and its icon."""
    application.setStyle("Fusion")
    application.setWindowIcon(QIcon(str(resource("icons/app.svg"))))


def is_dark() -> bool:
    """Whether the system asks for light text on dark ground."""
    return QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128


def status_color(status: ReviewStatus) -> QColor:
    """The colour of a review status; its badge differs in shape, too."""
    return QColor(_STATUS_COLORS[status][is_dark()])


def danger_color() -> QColor:
    """The colour of what went wrong."""
    return QColor(_DANGER[is_dark()])


def icon(name: str) -> QIcon:
    """The icon of that name in resources/icons, drawn in the colour of text."""
    return QIcon(_TextColorIcon(name))


def swatch(color: str, side: int = 14) -> QIcon:
    """A rounded square of one colour, sharp on dense screens; the same when selected."""
    pixmap = QPixmap(2 * side, 2 * side)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(color))
    painter.setPen(QColor(128, 128, 128, 160))
    painter.drawRoundedRect(QRectF(0.5, 0.5, side - 1, side - 1), 3, 3)
    painter.end()
    same = QIcon(pixmap)
    same.addPixmap(pixmap, QIcon.Mode.Selected)
    return same


def quiet_label(text: str = "") -> QLabel:
    """A label for explanations: wraps, in the colour of secondary text."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    palette = label.palette()
    text_color = palette.color(QPalette.ColorRole.WindowText)
    text_color.setAlphaF(0.72)
    palette.setColor(QPalette.ColorRole.PlaceholderText, text_color)
    label.setPalette(palette)
    return label


def drop_button_icons(box: QDialogButtonBox) -> None:
    """Leave the buttons of a dialog their words: styles give icons to some, beside ours without."""
    for button in box.buttons():
        button.setIcon(QIcon())


class _TextColorIcon(QIconEngine):
    """Draws one of our SVGs in the palette's current text colour.

    Lists paint dozens of icons at once, each of which takes half a millisecond: it is made once.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._drawn: dict[tuple[str, int], QImage] = {}  # by colour and side, in device pixels

    def clone(self) -> QIconEngine:
        return _TextColorIcon(self._name)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        side = min(rect.width(), rect.height())
        left, top = rect.x() + (rect.width() - side) / 2, rect.y() + (rect.height() - side) / 2
        whole = QPointF(round(left * ratio) / ratio, round(top * ratio) / ratio)
        image = self._image(_icon_color(mode).name(), round(side * ratio))
        painter.drawImage(QRectF(whole, QSizeF(side, side)), image)

    def _image(self, color: str, side: int) -> QImage:
        if (color, side) not in self._drawn:
            from PySide6.QtSvg import QSvgRenderer  # at the first paint, not at start

            image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
            image.fill(Qt.GlobalColor.transparent)
            painter = QPainter(image)
            drawn = _svg(self._name).replace("currentColor", color)
            QSvgRenderer(QByteArray(drawn.encode())).render(painter, QRectF(0, 0, side, side))
            painter.end()
            self._drawn[color, side] = image
        return self._drawn[color, side]


def _icon_color(mode: QIcon.Mode) -> QColor:
    groups = {
        QIcon.Mode.Disabled: (QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText),
        QIcon.Mode.Selected: (QPalette.ColorGroup.Active, QPalette.ColorRole.HighlightedText),
    }
    normal = (QPalette.ColorGroup.Active, QPalette.ColorRole.ButtonText)
    group, role = groups.get(mode, normal)
    return QGuiApplication.palette().color(group, role)


@cache
def _svg(name: str) -> str:
    return resource(f"icons/{name}.svg").read_text("utf-8")
