"""Validation images with what the model finds on them, as it learns."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from mrcnn_gui.ui.theme import SPACE, quiet_label
from mrcnn_gui.ui.wording import plural

if TYPE_CHECKING:
    from mrcnn_gui.services.training_pictures import TrainingPicture

_COLUMNS = 2
_MOST_KEPT = 40  # validations to look back on; a megabyte each
_EMPTY = "After the first validation you see here what the model finds on images it never learns."


class TrainingPictures(QWidget):
    """A few images in a grid; a slider goes back to earlier validations."""

    chosen = Signal(object)  # the Path of an image that was clicked

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kept: list[list[TrainingPicture]] = []
        self.tiles: list[Tile] = []
        self.empty = quiet_label(_EMPTY)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Which validation is shown")
        self.slider.setToolTip("Go back to what the model found at earlier validations")
        self.slider.valueChanged.connect(self._show)
        self.which = QLabel()
        self._grid = QGridLayout()
        self._grid.setSpacing(SPACE)
        for place in range(_COLUMNS):
            self._grid.setColumnStretch(place, 1)
        row = QHBoxLayout()
        row.setSpacing(2 * SPACE)
        row.addWidget(self.which)
        row.addWidget(self.slider, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.empty)
        column.addLayout(self._grid)
        column.addLayout(row)
        column.addStretch(1)
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.kept.clear()
        self.slider.setRange(0, 0)
        self._show()

    def add(self, pictures: "list[TrainingPicture]") -> None:
        """Show what a validation has found, unless the person looks at an earlier one."""
        newest = self.slider.value() == self.slider.maximum()
        self.kept.append(pictures)
        if len(self.kept) > _MOST_KEPT:
            del self.kept[1]  # the first shows where the run began
        self.slider.setMaximum(len(self.kept) - 1)
        if newest:
            self.slider.setValue(self.slider.maximum())
        self._show()

    def _show(self, *_: object) -> None:
        several, number = len(self.kept) > 1, self.slider.value()
        pictures = self.kept[number] if self.kept else []
        self.empty.setVisible(not self.kept)
        self.slider.setVisible(several)
        self.which.setVisible(several)
        self.which.setText(f"Validation {number + 1} of {len(self.kept)}")
        while len(self.tiles) < len(pictures):
            self._add_tile()
        for place, tile in enumerate(self.tiles):
            tile.setVisible(place < len(pictures))
            if place < len(pictures):
                tile.show_picture(pictures[place])

    def _add_tile(self) -> None:
        tile = Tile()
        tile.chosen.connect(self.chosen)
        place = len(self.tiles)
        self._grid.addWidget(tile, place // _COLUMNS, place % _COLUMNS)
        self.tiles.append(tile)


class Tile(QWidget):
    """One picture, as large as there is room."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._picture: TrainingPicture | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumSize(80, 60)

    @property
    def path(self) -> Path | None:
        """The file of the image."""
        return self._picture.path if self._picture else None

    def sizeHint(self) -> QSize:
        """Room for a photo in a panel."""
        return QSize(140, 105)

    def show_picture(self, picture: "TrainingPicture") -> None:
        """Show another picture."""
        self._picture = picture
        words = f"{picture.path.name}: {plural(picture.found, 'instance')} found"
        self.setToolTip(f"{words}. A click opens the image")
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture in the middle."""
        if self._picture is None:
            return
        image = self._picture.image
        size = image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(0, 0, size.width(), size.height())
        place.moveCenter(self.rect().center())
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().base())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, image)
        if self.hasFocus():
            painter.setPen(self.palette().highlight().color())
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell that it was clicked."""
        if self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self.path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keyboard clicks it, too."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Space):
            self.chosen.emit(self.path)
        else:
            super().keyPressEvent(event)
