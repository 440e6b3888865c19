"""The levels of an image deeper than 8 bit: any stretch of its values can be looked at."""

from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.services.pyramid import Pixels, Pyramid, halvings

DEEP = 65536  # values


class Values(Protocol):
    """uint16 [h, w, 1 or 3]: an array, or something that reads a part of a file like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""

    @property
    def nbytes(self) -> int:
        """Memory that they take."""

    def __getitem__(self, part: tuple[slice, slice], /) -> NDArray[Any]:
        """A part."""


class DeepLevel:
    """One size of an image; read like an array it is stretched from its least value to its most.

    Args:
        values: Of its pixels.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self.shape = (*values.shape[:2], 3)
        self.nbytes = values.nbytes

    def __getitem__(self, part: tuple[slice, slice]) -> Pixels:
        """uint8 [height, width, 3] RGB."""
        return self.shown(part, _plain())

    def shown(self, part: tuple[slice, slice], table: NDArray[np.uint8]) -> Pixels:
        """A part with every value as a table says, uint8 [65536]."""
        seen = table[self._values[part]]
        return np.repeat(seen, 3, axis=2) if seen.shape[2] == 1 else seen


def deep_pyramid(values: NDArray[np.uint16]) -> Pyramid:
    """The pyramid of an image of uint16 [h, w, 1 or 3]."""
    height, width = values.shape[:2]
    return Pyramid(tuple(map(DeepLevel, halvings(values))), width, height)


@cache
def _plain() -> NDArray[np.uint8]:
    return np.rint(np.arange(DEEP) / (DEEP - 1) * 255).astype(np.uint8)
