"""COCO run lengths, byte-identical with pycocotools, straight from and to a mask's crop.

The format is that of `maskApi.c` in https://github.com/cocodataset/cocoapi: lengths of the runs of
zeros and ones in column-major order, the first run being zeros (0 long if the first pixel is set);
compressed, each count from the fourth on is the difference to the count two before, written in
groups of five bits, lowest first, as the characters 48 to 111.
"""

import operator
from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from core.masks.mask import Mask

_FIRST_CHARACTER = 48
_MORE = 0x20  # another group of five bits follows
_SIGN = 0x10  # in the last group: the number is negative
_MAX_GROUPS = 12  # 60 bits: more cannot be a run length, and would overflow an int64


class RunLengths(TypedDict):
    """A COCO RLE segmentation: `size` is [height, width], `counts` compressed or a list."""

    size: list[int]
    counts: str | bytes | list[int]


def encode_rle(mask: Mask, height: int, width: int) -> RunLengths:
    """Encode a mask as compressed COCO run lengths.

    Args:
        mask: The mask; pixels outside the image are left out.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Returns:
        What `pycocotools.mask.encode` gives for the whole bitmap, with `counts` as text.
    """
    counts = _run_counts(mask.clip(width, height), height, width)
    return {"size": [height, width], "counts": _compress(counts)}


def encode_changes(places: NDArray[np.int64], height: int, width: int) -> RunLengths:
    """Encode what is known by where it changes.

    Args:
        places: Sorted, counted down the columns one after the other: where outside changes to
            inside or back. An even number of changes at one place is none.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
    """
    pixels = height * width
    places = odd_ones(places)
    places = places[: np.searchsorted(places, pixels)]
    counts = np.diff(places, prepend=0, append=pixels)
    return {"size": [height, width], "counts": _compress(counts)}


def odd_ones(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sorted places that are there an odd number of times, each once."""
    if not (places[1:] == places[:-1]).any():
        return places
    found, times = np.unique(places, return_counts=True)
    odd: NDArray[np.int64] = found[times % 2 == 1]
    return odd


def empty_counts(height: int, width: int) -> bytes:
    """The compressed run lengths of an image of which nothing is inside."""
    return _compress(np.array([height * width], dtype=np.int64)).encode("ascii")


def decode_rle(rle: RunLengths) -> Mask:
    """Decode COCO run lengths, compressed (text or bytes) or a list of counts.

    Raises:
        ValueError: The size or the counts are wrong; the message says how.
    """
    height, _ = _size(rle)
    return _from_counts(_checked_counts(rle), height)


def canonical_counts(rle: RunLengths) -> bytes:
    """Run lengths as `encode_rle` writes them, compressed; the mask itself is never built.

    Raises:
        ValueError: The size or the counts are wrong; the message says how.
    """
    counts = _checked_counts(rle)
    bounds = np.cumsum(counts)[:-1]
    if bounds.size and (counts[1:] == 0).any():
        # Where a run is empty, its neighbours are one: both of its bounds go.
        places, times = np.unique(bounds, return_counts=True)
        bounds = places[times % 2 == 1]
        bounds = bounds[bounds < counts.sum()]
        counts = np.diff(bounds, prepend=0, append=counts.sum())
    return _compress(counts).encode("ascii")


def _checked_counts(rle: RunLengths) -> NDArray[np.int64]:
    """The run lengths as numbers, which fit the size."""
    height, width = _size(rle)
    counts = _counts(rle)
    if (counts < 0).any():
        raise ValueError(f"an RLE count is negative: {int(counts.min())}")
    total = sum(counts.tolist())  # Python's integers: absurd counts must not wrap around
    if total != height * width:
        raise ValueError(
            f"the RLE counts add up to {total}, expected {height} x {width} = {height * width}"
        )
    return counts


def _run_counts(mask: Mask, height: int, width: int) -> NDArray[np.int64]:
    """Run lengths of a mask that lies within the image; the whole bitmap is never built."""
    pixels = height * width
    if mask.is_empty:
        return np.array([pixels], dtype=np.int64)
    crop_height, crop_width = mask.crop.shape
    # One zero under every column of the crop parts the columns, unless they touch in the image.
    stride = crop_height if crop_height == height else crop_height + 1
    columns = np.zeros((crop_width, stride), dtype=np.bool_)
    columns[:, :crop_height] = mask.crop.T
    flat = np.concatenate(([False], columns.reshape(-1), [False]))
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    column, row = np.divmod(changes, stride)
    positions = (mask.x + column) * height + mask.y + row
    ends = positions if positions[-1] == pixels else np.append(positions, pixels)
    return np.diff(ends, prepend=0)


def _from_counts(counts: NDArray[np.int64], height: int) -> Mask:
    ends = np.cumsum(counts)
    starts, stops = ends[: ends.size - ends.size % 2].reshape(-1, 2).T
    starts, stops = starts[starts < stops], stops[starts < stops]
    if starts.size == 0:
        return Mask.empty()
    first_column, first_row = np.divmod(starts, height)
    last_column, last_row = np.divmod(stops - 1, height)
    x, crop_width = int(first_column[0]), int(last_column[-1] - first_column[0]) + 1
    if (first_column == last_column).all():
        y, crop_height = int(first_row.min()), int(last_row.max() - first_row.min()) + 1
    else:  # a run that goes on in the next column holds the bottom and the top row
        y, crop_height = 0, height
    offsets = (first_column - x) * crop_height + first_row - y
    bounds = np.stack([offsets, offsets + stops - starts], axis=1).reshape(-1)
    lengths = np.diff(bounds, prepend=0, append=crop_width * crop_height)
    values = np.arange(lengths.size) % 2 == 1
    columns = np.repeat(values, lengths).reshape(crop_width, crop_height)
    return Mask(np.ascontiguousarray(columns.T), x, y)


def _compress(counts: NDArray[np.int64]) -> str:
    values = counts.copy()
    values[3:] -= counts[1:-2]
    groups = []
    written = []
    going = np.ones(values.shape, dtype=np.bool_)
    while going.any():
        group = values & 0x1F
        values >>= 5
        more = np.where(group & _SIGN, values != -1, values != 0)
        groups.append(group + _MORE * more + _FIRST_CHARACTER)
        written.append(going)
        going = going & more
    characters = np.stack(groups, axis=1)[np.stack(written, axis=1)]
    return characters.astype(np.uint8).tobytes().decode("ascii")


def _decompress(data: bytes) -> NDArray[np.int64]:
    groups = np.frombuffer(data, dtype=np.uint8).astype(np.int64) - _FIRST_CHARACTER
    if ((groups < 0) | (groups > 63)).any():
        raise ValueError("the RLE counts hold a character that no COCO writer uses")
    if groups.size == 0:
        return groups
    if groups[-1] & _MORE:
        raise ValueError("the RLE counts are cut off: the last number is incomplete")
    lasts = np.flatnonzero((groups & _MORE) == 0)
    firsts = np.concatenate(([0], lasts[:-1] + 1))
    sizes = lasts - firsts + 1
    if sizes.max() > _MAX_GROUPS:
        raise ValueError("the RLE counts hold a number that is too large")
    places = np.arange(groups.size) - np.repeat(firsts, sizes)
    values = np.add.reduceat((groups & 0x1F) << (5 * places), firsts)
    values -= np.where(groups[lasts] & _SIGN, np.int64(1) << (5 * sizes), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def _size(rle: RunLengths) -> tuple[int, int]:
    size = rle.get("size")
    if not isinstance(size, Sequence) or len(size) != 2:
        raise ValueError(f"an RLE needs a size [height, width], got {size!r:.60}")
    try:
        height, width = operator.index(size[0]), operator.index(size[1])
    except TypeError as error:
        raise ValueError(f"an RLE size must be two whole numbers, got {size!r:.60}") from error
    if height < 0 or width < 0:
        raise ValueError(f"an RLE size cannot be negative, got {size!r:.60}")
    return height, width


def _counts(rle: RunLengths) -> NDArray[np.int64]:
    counts: object = rle.get("counts")
    if isinstance(counts, str):
        if not counts.isascii():
            raise ValueError("the RLE counts hold a character that is not ASCII")
        counts = counts.encode("ascii")
    if isinstance(counts, bytes):
        return _decompress(counts)
    if not isinstance(counts, Sequence | np.ndarray):
        kind = type(counts).__name__
        raise ValueError(f"RLE counts must be text or a list, got {kind}")  # noqa: TRY004
    array = np.asarray(counts)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError("a list of RLE counts must hold whole numbers only")
    return array.astype(np.int64)
