"""The mask of one instance: a bool crop and where it lies in the image."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.masks.crop_bits import pack_crop, unpack_crop

Bitmap = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Mask:
    """The pixels of one instance.

    The crop is tight (no empty border row or column), so two masks with the same pixels are
    equal, and the cost of every operation follows the crops, never the image. The empty mask
    has a crop of shape (0, 0) at (0, 0).

    Attributes:
        crop: bool [h, w], read-only. The constructor does not copy: use `from_bitmap` for an
            array that somebody may change.
        x: Left column of the crop, in image pixels; may be negative.
        y: Top row of the crop, in image pixels; may be negative.
    """

    crop: Bitmap
    x: int
    y: int

    def __post_init__(self) -> None:
        if self.crop.ndim != 2 or self.crop.dtype != np.bool_:
            raise ValueError(
                f"expected a bool crop [h, w], got {self.crop.dtype} {self.crop.shape}"
            )
        if not _is_tight(self.crop) or (self.crop.size == 0 and (self.x, self.y) != (0, 0)):
            raise ValueError("the crop is not tight: use Mask.from_bitmap")
        crop = self.crop.view()
        crop.flags.writeable = False
        object.__setattr__(self, "crop", crop)

    @classmethod
    def from_bitmap(cls, bitmap: NDArray[np.generic], x: int = 0, y: int = 0) -> "Mask":
        """Copy the non-zero pixels of an array.

        Args:
            bitmap: [h, w] of any type; non-zero is inside.
            x: Image column of the array's left edge.
            y: Image row of the array's top edge.
        """
        if bitmap.ndim != 2:
            raise ValueError(f"expected a bitmap [h, w], got shape {bitmap.shape}")
        inside: Bitmap = bitmap.view(np.bool_) if bitmap.dtype == np.bool_ else bitmap != 0
        if inside.size and _is_tight(inside):
            return cls(np.array(inside, order="C"), x, y)
        rows = np.flatnonzero(inside.any(axis=1))
        if rows.size == 0:
            return cls.empty()
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        columns = np.flatnonzero(inside[top:bottom].any(axis=0))
        left, right = int(columns[0]), int(columns[-1]) + 1
        return cls(np.array(inside[top:bottom, left:right], order="C"), x + left, y + top)

    @classmethod
    def empty(cls) -> "Mask":
        """The mask without pixels."""
        return cls(np.zeros((0, 0), dtype=np.bool_), 0, 0)

    @classmethod
    def from_packed(cls, packed: bytes, bbox_xywh: tuple[int, int, int, int]) -> "Mask":
        """The mask of these `packed` bytes at this place; they are remembered.

        Raises:
            ValueError: The bytes are no crop of this size, or it is not tight.
        """
        x, y, width, height = bbox_xywh
        mask = cls(unpack_crop(packed, height, width), x, y)
        mask.__dict__["packed"] = packed
        return mask

    @property
    def is_empty(self) -> bool:
        """Whether no pixel is inside."""
        return self.crop.size == 0

    @cached_property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.crop))

    @cached_property
    def packed(self) -> bytes:
        """The crop as it is written down: its bits, compressed. Made once, and kept."""
        return pack_crop(self.crop)

    @property
    def bbox_xywh(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in pixels, as COCO files have it; all 0 when empty."""
        height, width = self.crop.shape
        return self.x, self.y, width, height

    @property
    def box_xyxy(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels, right and bottom exclusive."""
        height, width = self.crop.shape
        return self.x, self.y, self.x + width, self.y + height

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        if self is other:
            return True
        return self.box_xyxy == other.box_xyxy and np.array_equal(self.crop, other.crop)

    def __hash__(self) -> int:
        return hash((self.box_xyxy, np.packbits(self.crop).tobytes()))

    def __repr__(self) -> str:
        height, width = self.crop.shape
        return f"Mask(x={self.x}, y={self.y}, width={width}, height={height}, area={self.area})"

    def union(self, other: "Mask") -> "Mask":
        """The pixels of either."""
        return _combine(self, other, np.logical_or)

    def xor(self, other: "Mask") -> "Mask":
        """The pixels of exactly one of both.

        Where one lies in the box of the other, as a stroke mostly does, this costs one copy.
        """
        if other.is_empty or self.is_empty:
            return self if other.is_empty else other
        for large, small in ((self, other), (other, self)):
            if _overlap(large.box_xyxy, small.box_xyxy) == small.box_xyxy:
                return _flipped(large, small)
        return _combine(self, other, np.logical_xor)

    def subtract(self, other: "Mask") -> "Mask":
        """The pixels of this mask that are not in the other."""
        box = _overlap(self.box_xyxy, other.box_xyxy)
        if box is None:
            return self
        rest = self.crop.copy()
        _window(rest, self, box)[other.window(box)] = False
        return Mask.from_bitmap(rest, self.x, self.y)

    def intersect(self, other: "Mask") -> "Mask":
        """The pixels of both."""
        box = _overlap(self.box_xyxy, other.box_xyxy)
        if box is None:
            return Mask.empty()
        return Mask.from_bitmap(self.window(box) & other.window(box), box[0], box[1])

    def iou(self, other: "Mask") -> float:
        """Area of the intersection over area of the union; 0 when both are empty."""
        box = _overlap(self.box_xyxy, other.box_xyxy)
        if box is None:
            return 0.0
        if self is other:
            return 1.0
        shared = int(np.count_nonzero(self.window(box) & other.window(box)))
        return shared / (self.area + other.area - shared)

    def contains(self, x: int, y: int) -> bool:
        """Whether pixel (x, y) is inside."""
        left, top, right, bottom = self.box_xyxy
        if not (left <= x < right and top <= y < bottom):
            return False
        return bool(self.crop[y - top, x - left])

    def window(self, box_xyxy: tuple[int, int, int, int]) -> Bitmap:
        """The part of the crop in a box that lies within `box_xyxy` of this mask: a view."""
        return _window(self.crop, self, box_xyxy)

    def clip(self, width: int, height: int) -> "Mask":
        """The pixels that lie in an image of this size."""
        box = _overlap(self.box_xyxy, (0, 0, width, height))
        if box == self.box_xyxy:
            return self
        if box is None:
            return Mask.empty()
        return Mask.from_bitmap(self.window(box), box[0], box[1])

    def shift(self, dx: int, dy: int) -> "Mask":
        """The same pixels, moved."""
        return self if self.is_empty else Mask(self.crop, self.x + dx, self.y + dy)

    def to_bitmap(self, height: int, width: int) -> Bitmap:
        """The mask as a bool array [height, width]; pixels outside are left out."""
        bitmap = np.zeros((height, width), dtype=np.bool_)
        clipped = self.clip(width, height)
        left, top, right, bottom = clipped.box_xyxy
        bitmap[top:bottom, left:right] = clipped.crop
        return bitmap


def _is_tight(crop: Bitmap) -> bool:
    if crop.size == 0:
        return crop.shape == (0, 0)
    borders = (crop[0], crop[-1], crop[:, 0], crop[:, -1])
    return all(border.any() for border in borders)


def _overlap(
    a: tuple[int, int, int, int], b: tuple[int, int, int, int]
) -> tuple[int, int, int, int] | None:
    left, top = max(a[0], b[0]), max(a[1], b[1])
    right, bottom = min(a[2], b[2]), min(a[3], b[3])
    return (left, top, right, bottom) if left < right and top < bottom else None


def _window(array: Bitmap, mask: Mask, box_xyxy: tuple[int, int, int, int]) -> Bitmap:
    left, top, right, bottom = box_xyxy
    return array[top - mask.y : bottom - mask.y, left - mask.x : right - mask.x]


def _flipped(large: Mask, small: Mask) -> Mask:
    """The pixels of exactly one of two masks, of which the small one lies in the box of the other.

    The area, where it is known, follows from the small mask: counting a large one takes a while.
    """
    crop = large.crop.copy()
    region = _window(crop, large, small.box_xyxy)
    shared = int(np.count_nonzero(region & small.crop))
    np.logical_xor(region, small.crop, out=region)
    tight = _is_tight(crop)
    mask = Mask(crop, large.x, large.y) if tight else Mask.from_bitmap(crop, large.x, large.y)
    if "area" in large.__dict__:
        mask.__dict__["area"] = large.area + small.area - 2 * shared
    return mask


def _combine(a: Mask, b: Mask, operation: Callable[..., Bitmap]) -> Mask:
    """Combine two masks on the smallest array that holds both."""
    if a.is_empty or b.is_empty:
        return b if a.is_empty else a  # right for union and xor
    left, top = min(a.x, b.x), min(a.y, b.y)
    right, bottom = max(a.box_xyxy[2], b.box_xyxy[2]), max(a.box_xyxy[3], b.box_xyxy[3])
    canvas = np.zeros((bottom - top, right - left), dtype=np.bool_)
    canvas[a.y - top : a.box_xyxy[3] - top, a.x - left : a.box_xyxy[2] - left] = a.crop
    region = canvas[b.y - top : b.box_xyxy[3] - top, b.x - left : b.box_xyxy[2] - left]
    operation(region, b.crop, out=region)
    return Mask(canvas, left, top) if _is_tight(canvas) else Mask.from_bitmap(canvas, left, top)
