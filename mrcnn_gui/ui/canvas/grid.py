"""The pixels of a view, and which pixels of the image they show."""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.ui.canvas.boxes import Box


@dataclass(frozen=True)
class Grid:
    """The view's pixels on the image: view column i shows image column (i + 0.5 - x) / scale.

    Attributes:
        scale: View pixels per image pixel.
        x: View column of the image's left edge.
        y: View row of the image's top edge.
    """

    scale: float
    x: int
    y: int

    def columns(self, start: int, stop: int) -> NDArray[np.intp]:
        """The image columns that the view columns start..stop show."""
        return _sampled(start - self.x, stop - self.x, self.scale)

    def rows(self, start: int, stop: int) -> NDArray[np.intp]:
        """The image rows that the view rows start..stop show."""
        return _sampled(start - self.y, stop - self.y, self.scale)

    def covered(self, box_xyxy: Box) -> Box:
        """A view box that holds every view pixel which shows a pixel of an image box."""
        left, top, right, bottom = (edge * self.scale for edge in box_xyxy)
        return (
            floor(left) + self.x,
            floor(top) + self.y,
            ceil(right) + self.x,
            ceil(bottom) + self.y,
        )


def _sampled(start: int, stop: int, scale: float) -> NDArray[np.intp]:
    centres = np.arange(start, stop, dtype=np.float64) + 0.5
    sampled: NDArray[np.intp] = np.floor(centres / scale).astype(np.intp)
    return sampled
