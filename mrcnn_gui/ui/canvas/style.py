"""A mask that is to be drawn, and how it looks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.ui.canvas.boxes import Box, hull

Bitmap: TypeAlias = NDArray[np.bool_]

MAX_REACH = 16  # no style reaches further, in view pixels
_SLOPE_REACH = 3  # half the Sobel kernel that tells which way a dashed outline runs


@dataclass(frozen=True)
class Style:
    """How a mask looks; colours are premultiplied 0xAARRGGBB, 0 draws nothing.

    Attributes:
        fill: Colour of the inside.
        border: Colour of the outline just inside the mask's edge.
        border_width: In view pixels.
        halo: Colour of the outline just outside the mask's edge.
        halo_width: In view pixels.
        gap: Second colour of a dashed border; None draws it solid.
        dash: Length of a dash, in view pixels.
    """

    fill: int
    border: int
    border_width: int
    halo: int = 0
    halo_width: int = 0
    gap: int | None = None
    dash: int = 6

    @property
    def reach(self) -> int:
        """How far the look of a pixel depends on its neighbours, in view pixels."""
        slope = 0 if self.gap is None else _SLOPE_REACH
        return max(self.border_width, self.halo_width, slope)

    @property
    def outline(self) -> tuple[int, int, bool, bool]:
        """What two styles share that differ in nothing but colours and the length of dashes."""
        halo_width = self.halo_width if self.halo else 0
        return self.border_width, halo_width, self.gap is not None, bool(self.fill)


@dataclass(frozen=True, eq=False)
class Patch:
    """Pixels in a box of the image: a bool crop [h, w] (need not be tight) at (x, y)."""

    crop: Bitmap
    x: int
    y: int

    @property
    def box_xyxy(self) -> Box:
        """The crop's box in image pixels."""
        height, width = self.crop.shape
        return self.x, self.y, self.x + width, self.y + height


@dataclass(frozen=True, eq=False)
class Layer:
    """A mask to be drawn.

    Attributes:
        crop: bool [h, w]; need not be tight.
        x: Left column of the crop in the image.
        y: Top row of the crop in the image.
        style: How it looks.
        patch: Holds in place of the crop, and beyond it, where there is one.
    """

    crop: Bitmap
    x: int
    y: int
    style: Style
    patch: Patch | None = None

    @property
    def parts(self) -> tuple[Patch, ...]:
        """The crop and the patch; where both are, the later one holds."""
        whole = Patch(self.crop, self.x, self.y)
        return (whole,) if self.patch is None else (whole, self.patch)

    @property
    def box_xyxy(self) -> Box:
        """The box of all of it in image pixels."""
        return patched_box(self.crop, self.x, self.y, self.patch)


def boxes_of(layers: Iterable[Layer]) -> NDArray[np.int32]:
    """The boxes of layers in the image: [n, 4]."""
    return np.array([layer.box_xyxy for layer in layers], dtype=np.int32).reshape(-1, 4)


def patched_box(crop: Bitmap, x: int, y: int, patch: Patch | None) -> Box:
    """The image box of a crop with its patch."""
    height, width = crop.shape
    box = x, y, x + width, y + height
    if patch is None:
        return box
    return hull(box, patch.box_xyxy) if crop.size else patch.box_xyxy
