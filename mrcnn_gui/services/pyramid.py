"""An image at its own size and at smaller ones: what the canvas draws from."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

Pixels = NDArray[np.uint8]
Depth = TypeVar("Depth", np.uint8, np.uint16)

SMALLEST = 512  # the last level is smaller


class Level(Protocol):
    """The image at one size: an array, or something that reads a part of a file like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width, 3."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""

    def __getitem__(self, part: tuple[slice, slice], /) -> Pixels:
        """The pixels of a part, uint8 [height, width, 3] RGB."""


@dataclass(frozen=True, eq=False)
class Pyramid:
    """One image, ready to be drawn; may be read from any thread.

    Attributes:
        levels: Falling sizes. Level 0 is the image itself when `is_whole`; the sizes that are not
            read yet are missing at the front. The last one is smaller than 512 pixels.
        width: Of the image, in pixels.
        height: Of the image, in pixels.
    """

    levels: tuple[Level, ...]
    width: int
    height: int

    @classmethod
    def of(cls, pixels: Pixels) -> "Pyramid":
        """Halve an image by area means until it is smaller than 512 pixels."""
        height, width = pixels.shape[:2]
        return cls(halvings(pixels), width, height)

    @property
    def is_whole(self) -> bool:
        """Whether the image can be seen pixel by pixel."""
        return tuple(self.levels[0].shape[:2]) == (self.height, self.width)

    @property
    def bytes(self) -> int:
        """Memory that the levels take."""
        return sum(level.nbytes for level in self.levels)

    def level_for(self, scale: float) -> int:
        """The smallest level that is not enlarged when a view shows an image pixel `scale` wide.

        The largest one where all are enlarged.
        """
        fitting = (
            index
            for index, level in enumerate(self.levels)
            if level.shape[1] >= self.width * scale and level.shape[0] >= self.height * scale
        )
        return max(fitting, default=0)


def halvings(pixels: NDArray[Depth]) -> tuple[NDArray[Depth], ...]:
    """An image and its halvings by area means, until they are smaller than 512 pixels.

    Each has half the width and height of the one before, rounded up.
    """
    import cv2  # not at start-up

    levels = [pixels]
    while max(levels[-1].shape[:2]) >= SMALLEST:
        height, width = levels[-1].shape[:2]
        size = (width + 1) // 2, (height + 1) // 2
        smaller = cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA)
        levels.append(smaller.reshape(*smaller.shape[:2], -1).astype(pixels.dtype, copy=False))
    return tuple(levels)


def to_qimage(pixels: Pixels) -> QImage:
    """A QImage with pixels of its own from uint8 [height, width, 3] RGB."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    view = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB888)
    return view.copy()
