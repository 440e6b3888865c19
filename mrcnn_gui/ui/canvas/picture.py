"""The picture under the marks: the image's tiles and the overlay of its masks."""

from collections.abc import Sequence

from PySide6.QtGui import QPainter

from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.ui.canvas.compose import Box, Layer
from mrcnn_gui.ui.canvas.overlay import Overlay
from mrcnn_gui.ui.canvas.tiles import TilePainter
from mrcnn_gui.ui.canvas.viewport import Viewport


class Picture:
    """One image with its masks, as one viewport shows it."""

    def __init__(self, pyramid: Pyramid) -> None:
        self._tiles = TilePainter(pyramid)
        self._overlay = Overlay()

    def place(self, viewport: Viewport) -> None:
        """Say what the view shows."""
        self._overlay.place(viewport.grid, viewport.view_width, viewport.view_height)

    def invalidate(self, image_box: Box) -> Box | None:
        """Masks changed in an image box; returns the view box to paint again, if it is seen."""
        return self._overlay.invalidate(image_box)

    def invalidate_all(self) -> None:
        """All masks look different."""
        self._overlay.invalidate_all()

    def paint(
        self, painter: QPainter, viewport: Viewport, box: Box, layers: Sequence[Layer]
    ) -> None:
        """Paint a view box; the painter works in device pixels."""
        self._tiles.paint(painter, viewport, box)
        self._overlay.refresh(layers)
        left, top, right, bottom = box
        size = (right - left, bottom - top)
        painter.drawImage(left, top, self._overlay.image, left, top, *size)
