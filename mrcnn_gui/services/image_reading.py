"""How an image file becomes a pyramid: small ones whole, large ones from afar, then in detail."""

import contextlib
import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np

from mrcnn_gui.services.deep_levels import DeepLevel, Values, deep_pyramid
from mrcnn_gui.services.jobs import Job
from mrcnn_gui.services.pyramid import Pixels, Pyramid, halvings

LARGE_PIXELS = 40_000_000  # from here on an image is not held in memory
CACHE_BYTES = 4_000_000_000  # of levels on disk
_VIEW = (1600, 1000)  # what an image seen from afar must fill sharply
_JPEG = b"\xff\xd8"


def read_pyramid(path: Path, cache: Path | None, *, job: Job) -> Pyramid | str:
    """Read an image file; a job.

    Args:
        path: The image.
        cache: Folder of the levels that were built before.
        job: Unused.

    Returns:
        The pyramid, of a large image perhaps only its smaller levels; or why it cannot be read.
    """
    from core.images import (
        ImageReadError,
        read_deep,
        read_info,
        read_rgb,
    )  # loads libvips: not at start-up

    try:
        info = read_info(path)
        if info.width * info.height < LARGE_PIXELS:
            deep = read_deep(path) if info.bit_depth > 8 else None
            return Pyramid.of(read_rgb(path)) if deep is None else deep_pyramid(deep)
        stored = _stored(path, cache)
        if stored is not None:
            return stored
        afar = _read_from_afar(path, info.width, info.height)
        if afar is None:
            return Pyramid.of(read_rgb(path))
        return Pyramid(halvings(afar), info.width, info.height)
    except ImageReadError as error:
        return str(error)


def build_pyramid(path: Path, cache: Path, *, job: Job) -> Pyramid | str:
    """Write the levels of a large image into the cache; a job that reports the share done.

    Returns:
        The whole pyramid, or why there is none.
    """
    from core.image_levels import build_levels
    from core.images import ImageReadError

    target = cache / f"{cache_key(path)}.tif"
    try:
        build_levels(path, target, on_progress=_steps(job.report), should_stop=job.should_stop)
        _forget_oldest(cache, keep=target)
        pyramid = None if job.should_stop() else _stored(path, cache)
    except ImageReadError as error:
        return str(error)
    except OSError as error:
        return f"The cache cannot be written: {error.strerror or error}"
    return pyramid or f"no levels of {path} were built"


def read_small(path: Path, side: int) -> Pixels:
    """An image no longer than `side`, read without ever holding a large one whole.

    Raises:
        ImageReadError: The file cannot be read.
    """
    import cv2

    from core.image_levels import stored_levels
    from core.images import read_info, read_rgb

    info = read_info(path)
    if info.width * info.height < LARGE_PIXELS:
        return read_rgb(path, max_side=side)
    levels = stored_levels(path)
    afar = levels[-1][:, :] if levels else _read_from_afar(path, info.width, info.height)
    if afar is None:
        return read_rgb(path, max_side=side)
    scale = min(side / max(afar.shape[:2]), 1.0)
    size = max(round(afar.shape[1] * scale), 1), max(round(afar.shape[0] * scale), 1)
    return np.asarray(cv2.resize(afar, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def cache_key(path: Path) -> str:
    """A name for what is kept about a file: another one when the file changes.

    Raises:
        OSError: The file is not there.
    """
    status = path.stat()
    key = f"{path}\0{status.st_mtime_ns}\0{status.st_size}".encode(errors="surrogatepass")
    return blake2b(key).hexdigest()[:32]


def _stored(path: Path, cache: Path | None) -> Pyramid | None:
    """The levels of a file that is one of levels itself, or has one in the cache."""
    from core.image_levels import stored_levels

    levels = stored_levels(path, keep_depth=True)
    if not levels and cache is not None:
        with contextlib.suppress(OSError):
            kept = cache / f"{cache_key(path)}.tif"
            if kept.exists():
                os.utime(kept)
                levels = stored_levels(kept)
    if not levels:
        return None
    height, width = levels[0].shape[:2]
    small = [level for level in levels if max(level.shape) <= 2500]
    fine = levels[: len(levels) - len(small)]
    in_memory = halvings(small[0][:, :]) if small else ()
    if levels[0].depth is np.uint8:
        return Pyramid((*fine, *in_memory), width, height)
    deep: list[Values] = [*fine, *in_memory]
    return Pyramid(tuple(map(DeepLevel, deep)), width, height)


def _read_from_afar(path: Path, width: int, height: int) -> Pixels | None:
    """A large image at a small size; None when it can only be read whole."""
    from core.image_levels import read_jpeg_from_afar, sample_from_afar

    with path.open("rb") as file:
        is_jpeg = file.read(2) == _JPEG
    if not is_jpeg:
        return sample_from_afar(path)
    room = max(width / _VIEW[0], height / _VIEW[1])
    shrink = next((shrink for shrink in (8, 4, 2) if shrink <= room), 1)
    return read_jpeg_from_afar(path, shrink)


def _steps(report: Callable[[float], object]) -> Callable[[float], None]:
    """Report hundredths only: libvips tells of every row."""
    told = -1

    def tell(share: float) -> None:
        nonlocal told
        if int(share * 100) > told:
            told = int(share * 100)
            report(share)

    return tell


def _forget_oldest(cache: Path, keep: Path) -> None:
    """Hold the cache to its size."""
    files = sorted(cache.glob("*.tif"), key=lambda file: -file.stat().st_mtime)
    total = 0
    for file in files:
        total += file.stat().st_size
        if total > CACHE_BYTES and file != keep:
            file.unlink(missing_ok=True)
