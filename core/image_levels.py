"""Images of a hundred megapixels and more at several sizes, without ever holding one whole.

A file of levels is a tiled TIFF with one page for each size. Some image files are such files
already; for all others one is built, row by row. JPEG files are decoded at a smaller size by
themselves, and of other tiled files a few tiles tell how they look from afar.
"""

import errno
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from core.files import atomic_path
from core.images import open_vips, orientation_of, read_info, vips_error

Pixels = NDArray[np.uint8]
Progress = Callable[[float], object]

TILE = 512
_SAMPLE_SECONDS = 0.8
_FROM_AFAR = 1250  # longest side of an image seen from afar, about


class StoredLevel:
    """One size of an image in a file of levels: reads the part that is asked for.

    May be read from several threads.

    Attributes:
        shape: Height, width, 3.
        depth: Of its values: uint8, or uint16 where `stored_levels` was asked to keep depth.
    """

    nbytes = 0

    def __init__(
        self,
        path: Path,
        page: int,
        window: tuple[float, float] | None = None,
        depth: type[np.uint8 | np.uint16] = np.uint8,
    ) -> None:
        self._path = path
        self.depth = depth
        source = open_vips(path, access="random", page=page)
        self._image = _displayed(source, window, np.iinfo(depth).max)
        self.shape = (self._image.height, self._image.width, 3)

    def __getitem__(self, part: tuple[slice, slice]) -> NDArray[Any]:
        """[height, width, 3] RGB of its depth.

        Raises:
            ImageReadError: The file is damaged, or not there any more.
        """
        top, bottom, _ = part[0].indices(self.shape[0])
        left, right, _ = part[1].indices(self.shape[1])
        try:
            seen = self._image.crop(left, top, right - left, bottom - top).numpy()
        except pyvips.Error as error:
            raise vips_error(self._path, error) from error
        return np.asarray(seen, dtype=self.depth).reshape(bottom - top, right - left, 3)


def stored_levels(path: Path, *, keep_depth: bool = False) -> list[StoredLevel]:
    """The levels in a file, largest first; none when it is no file of levels.

    Args:
        path: The file.
        keep_depth: Read what is deeper than 8 bit as uint16, 0 for the least value.

    Raises:
        ImageReadError: The file cannot be read.
    """
    info = read_info(path)
    image = open_vips(path)
    if info.pages < 2 or not image.get_typeof("tile-width") or info.orientation != 1:
        return []
    sizes = [_page_size(path, page) for page in range(info.pages)]
    for (width, height), (next_width, next_height) in itertools.pairwise(sizes):
        halved = abs(next_width - width / 2) <= 1 and abs(next_height - height / 2) <= 1
        if not halved:
            return []  # pages that are no smaller versions of the first
    window = _window(open_vips(path, page=info.pages - 1))
    depth = np.uint16 if keep_depth and window is not None else np.uint8
    return [StoredLevel(path, page, window, depth) for page in range(info.pages)]


def read_jpeg_from_afar(path: Path, shrink: int) -> Pixels:
    """Decode a JPEG file at a half, a quarter or an eighth of its size, upright.

    Raises:
        ImageReadError: The file cannot be read.
    """
    try:
        image = open_vips(path, shrink=shrink)
        if orientation_of(image) > 1:
            image = image.copy_memory().autorot()
        return np.asarray(_displayed(image, None).numpy(), dtype=np.uint8)
    except pyvips.Error as error:
        raise vips_error(path, error) from error


def sample_from_afar(path: Path) -> Pixels | None:
    """How a tiled image looks from afar, after a second, from as many tiles as can be read.

    Returns:
        About 1250 pixels wide or high; tiles that were not read look like one near them. None
        when the file is not tiled, or not upright.

    Raises:
        ImageReadError: The file cannot be read.
    """
    image = open_vips(path, access="random")
    if not image.get_typeof("tile-width") or orientation_of(image) != 1:
        return None
    shrink = max(2 ** int(np.log2(max(image.width, image.height) / _FROM_AFAR)), 1)
    try:
        # Of two bands the second is alpha.
        afar = _sampled(image.extract_band(0, n=3 if image.bands >= 3 else 1), shrink)
    except pyvips.Error as error:
        raise vips_error(path, error) from error
    if image.format != "uchar":
        low, high = float(afar.min()), float(afar.max())
        afar = (afar - low) * (255.0 / (high - low) if high > low else 0.0)
    return np.repeat(np.rint(afar), 3 // afar.shape[2], axis=2)[:, :, :3].astype(np.uint8)


def build_levels(
    path: Path, target: Path, *, on_progress: Progress, should_stop: Callable[[], bool]
) -> None:
    """Write a file of levels of an image; the target appears when it is complete.

    Args:
        path: The image.
        target: The new file.
        on_progress: Gets the share that is done, 0 to 1.
        should_stop: Polled; when true, nothing is written.

    Raises:
        ImageReadError: The image cannot be read.
        OSError: The target cannot be written.
    """
    window = _window(open_vips(path))
    upright = orientation_of(open_vips(path)) == 1
    image = open_vips(path, access="sequential" if upright else "random").autorot()
    image = _displayed(image, window)

    def follow(followed: Any, progress: Any) -> None:
        if should_stop():
            followed.set_kill(True)
        on_progress(progress.percent / 100)

    image.set_progress(True)
    image.signal_connect("eval", follow)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with atomic_path(target) as temporary:
            image.tiffsave(
                str(temporary),
                tile=True,
                tile_width=TILE,
                tile_height=TILE,
                pyramid=True,
                region_shrink="mean",
                bigtiff=True,
            )
    except pyvips.Error as error:
        if should_stop():
            return
        said = str(error.detail)
        if temporary.name in said:  # else it is about the image
            reason = said.partition("system error: ")[2].partition("\n")[0]
            raise OSError(errno.EIO, reason or "write error", str(target)) from error
        raise vips_error(path, error) from error


def _page_size(path: Path, page: int) -> tuple[int, int]:
    image = open_vips(path, page=page)
    return image.width, image.height


def _window(image: Any) -> tuple[float, float] | None:
    """The values that are shown black and white; None for 8 bit, which is shown as it is."""
    if image.format == "uchar":
        return None
    statistics = image.stats()
    return float(statistics(0, 0)[0]), float(statistics(1, 0)[0])


def _displayed(image: Any, window: tuple[float, float] | None, white: int = 255) -> Any:
    """Three channels of 8 bit, or of 16 when white is 65535."""
    if image.bands > 4:
        image = image.extract_band(0, n=3)
    if image.hasalpha():
        image = image.flatten(background={"ushort": 65535}.get(image.format, 255))
    if window is not None:
        low, high = window
        scale = white / (high - low) if high > low else 0.0
        image = image.linear(scale, -low * scale).rint().cast("uchar" if white == 255 else "ushort")
    elif image.interpretation != "multiband":
        image = image.colourspace("srgb")
    if image.bands >= 3:
        return image.extract_band(0, n=3).copy(interpretation="srgb")
    grey = image.extract_band(0)
    return grey.bandjoin([grey, grey]).copy(interpretation="srgb")


def _sampled(image: Any, shrink: int) -> NDArray[np.float32]:
    """The image shrunk, from blocks read far apart at first, then between those."""
    width, height = -(-image.width // shrink), -(-image.height // shrink)
    afar = np.zeros((height, width, image.bands), dtype=np.float32)
    side = max(TILE // shrink, 1)
    deadline = time.monotonic() + _SAMPLE_SECONDS
    rows, columns = -(-height // side), -(-width // side)
    for row, column, stride in _spread(rows, columns):
        if stride < 8 and time.monotonic() > deadline:
            break
        top, left = row * side, column * side
        block = image.crop(
            left * shrink,
            top * shrink,
            min(side * shrink, image.width - left * shrink),
            min(side * shrink, image.height - top * shrink),
        )
        pixels = np.asarray(block.shrink(shrink, shrink, ceil=True).numpy(), dtype=np.float32)
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        place = afar[top : top + stride * side, left : left + stride * side]
        place[:] = pixels.mean(axis=(0, 1))
        place[: pixels.shape[0], : pixels.shape[1]] = pixels[: place.shape[0], : place.shape[1]]
    return afar


def _spread(rows: int, columns: int) -> list[tuple[int, int, int]]:
    """All places of a grid, wide apart first, each with the stride at which it comes."""
    places, seen = [], set()
    for stride in (8, 4, 2, 1):
        for row in range(0, rows, stride):
            for column in range(0, columns, stride):
                if (row, column) not in seen:
                    seen.add((row, column))
                    places.append((row, column, stride))
    return places
