"""Image files as upright RGB arrays: the one place that decodes them and applies EXIF orientation.

libvips decodes; its binary has no BMP loader, which OpenCV reads instead. The headers of usual PNG
and JPEG files are read without it. Files are always opened with fail_on="truncated" (half a JPEG
loads silently otherwise), and nothing is cached, so that a replaced file is read again.
"""

import errno
import hashlib
import logging
import os
import re
import stat
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import pyvips
from numpy.typing import NDArray

from core.image_headers import HEAD_BYTES, usual_header

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"})

_BITS = {"uchar": 8, "char": 8, "ushort": 16, "short": 16, "uint": 32, "int": 32, "float": 32}
_BMP = b"BM"
_DIGITS = re.compile(r"(\d+)")
_FolderKey: TypeAlias = tuple[tuple[tuple[str | int, ...], ...], tuple[str, ...]]
_Found: TypeAlias = tuple[tuple[tuple[str | int, ...], ...], tuple[str, ...], str]

_TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height

LARGEST_IMAGE = 2**31 - 1  # pixels: COCO's masks count no further
LARGEST_DECODED = 2**29  # pixels that `read_rgb` decodes whole, 1.6 GB; a file of 1 MB may say more

pyvips.cache_set_max(0)
pyvips.concurrency_set(2)  # the other cores are for whoever reads the next image
logging.getLogger("pyvips").setLevel(logging.ERROR)  # what matters is raised


class ImageReadError(Exception):
    """An image file cannot be read; the message names the file and what is wrong."""

    def __init__(self, path: Path, reason: str) -> None:
        name = str(path).encode(errors="backslashreplace").decode()  # need not be UTF-8
        super().__init__(f"cannot read image {name}: {reason}")


@dataclass(frozen=True)
class ImageInfo:
    """What the header of an image file tells.

    Attributes:
        width: Upright width in pixels, after EXIF orientation.
        height: Upright height in pixels.
        pages: Number of pages (TIFF) or frames.
        bit_depth: Bits per channel as decoded: 8, 16 or 32.
        orientation: EXIF orientation of the stored pixels, 1-8.
    """

    width: int
    height: int
    pages: int
    bit_depth: int
    orientation: int = 1


def read_info(path: Path) -> ImageInfo:
    """Read size, pages and bit depth from the header alone.

    Raises:
        ImageReadError: The file is missing, empty, no image, or larger than masks can be.
    """
    head = _head(path, HEAD_BYTES)
    if head.startswith(_BMP):
        width, height = _bmp_size(path)
        _check_size(path, width, height, LARGEST_IMAGE)
        return ImageInfo(width, height, pages=1, bit_depth=8)
    usual = usual_header(head) if str(path).isprintable() else None  # half characters are refused
    if usual is not None:
        _check_size(path, usual.width, usual.height, LARGEST_IMAGE)
        return ImageInfo(usual.width, usual.height, pages=1, bit_depth=usual.bit_depth)
    image = open_vips(path)
    _check_size(path, image.width, image.height, LARGEST_IMAGE)
    orientation = orientation_of(image)
    turned = orientation in _TURNED
    width, height = (image.height, image.width) if turned else (image.width, image.height)
    pages = int(_field(image, "n-pages", 1))
    return ImageInfo(width, height, pages, _BITS.get(image.format, 64), orientation)


def read_rgb(path: Path, *, max_side: int | None = None) -> NDArray[np.uint8]:
    """Read the first page of an image file, upright.

    Args:
        path: The file.
        max_side: Shrink the image so that neither side is longer; never enlarges. JPEG and WebP
            files are then decoded at the smaller size, several times faster.

    Returns:
        uint8 [height, width, 3] RGB, contiguous and owned by the caller. Grey is repeated, alpha
        is flattened on white, deeper than 8 bit is stretched linearly from its minimum to its
        maximum.

    Raises:
        ImageReadError: The file is missing, empty, cut off, no image, or so large that it cannot
            be decoded whole: its header says so before memory is taken.
    """
    if _is_bmp(path):
        return _shrunk(_read_bmp(path), max_side)
    try:
        image = open_vips(path)
        shrinks = max_side is not None and image.format == "uchar" and image.bands <= 4
        _check_size(path, image.width, image.height, _most_pixels(image, shrinks))
        if shrinks:
            image = pyvips.Image.thumbnail(
                str(path), max_side, height=max_side, size="down", fail_on="truncated"
            )
        pixels = _to_rgb(image)
    except pyvips.Error as error:
        raise vips_error(path, error) from error
    return _shrunk(pixels, max_side)


def read_deep(path: Path) -> NDArray[np.uint16] | None:
    """Read the first page of an image deeper than 8 bit, upright, without losing depth.

    Returns:
        uint16 [height, width, 1 or 3]: 0 is the least value in the image, 65535 the greatest.
        None when the image has 8 bit.

    Raises:
        ImageReadError: As `read_rgb`.
    """
    if _is_bmp(path):
        return None
    try:
        image = open_vips(path)
        if image.format == "uchar":
            return None
        _check_size(path, image.width, image.height, _most_pixels(image, False))
        values = _pixels(_upright(image))
    except pyvips.Error as error:
        raise vips_error(path, error) from error
    channels = values[:, :, :1] if values.shape[2] < 3 else values[:, :, :3]
    return np.asarray(_scaled(channels, 65535.0), dtype=np.uint16)


def list_images(folder: Path) -> list[Path]:
    """All image files in a folder and its subfolders, as a person would sort them.

    Hidden files and folders are left out, and so are pipes, devices and links that lead nowhere;
    linked folders are followed, each folder once.

    Raises:
        NotADirectoryError: There is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    return [Path(path) for _, _, path in sorted(_walk(str(folder), ((), ()), set()))]


def content_hash(path: Path) -> str:
    """The BLAKE2b-128 hash of a file's bytes, in hexadecimal.

    Raises:
        OSError: The file cannot be read, or is no regular file.
    """
    with _open_regular(path) as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    return digest.hexdigest()


def _open_regular(path: Path) -> BufferedReader:
    """Open a file for reading; a pipe would block for ever, a device may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path.open("rb")


def open_vips(path: Path, *, access: str = "sequential", **options: Any) -> Any:
    """Open a file with libvips; nothing is decoded yet.

    Args:
        path: The file.
        access: "sequential" when it is read once from top to bottom, else "random".
        **options: Of the loader of its format.

    Raises:
        ImageReadError: The file is no image.
    """
    try:
        return pyvips.Image.new_from_file(
            str(path), access=access, fail_on="truncated", revalidate=True, **options
        )
    except UnicodeEncodeError as error:
        raise ImageReadError(path, "its name is not valid UTF-8: rename it") from error
    except pyvips.Error as error:
        raise vips_error(path, error) from error


def _most_pixels(image: Any, shrinks: bool) -> int:
    """How many pixels may be read: as many as there are where they shrink on the way."""
    if shrinks:
        return LARGEST_IMAGE
    return LARGEST_DECODED if image.format == "uchar" else LARGEST_DECODED // 4


def _check_size(path: Path, width: int, height: int, most: int) -> None:
    if width * height > most:
        raise ImageReadError(
            path, f"it has {width:,} x {height:,} pixels, more than the {most:,} that can be used"
        )


def _field(image: Any, name: str, default: Any) -> Any:
    return image.get(name) if image.get_typeof(name) else default


def orientation_of(image: Any) -> int:
    """The EXIF orientation of stored pixels, 1-8; 1 when there is none."""
    value = int(_field(image, "orientation", 1))
    return value if 1 <= value <= 8 else 1  # others mean nothing, and viewers ignore them


def _to_rgb(image: Any) -> NDArray[np.uint8]:
    """Decode: upright, three channels, 8 bit."""
    image = _upright(image)
    if image.format != "uchar":
        return _stretched(_pixels(image))
    if image.interpretation != "multiband":
        image = image.colourspace("srgb")
    return np.asarray(_three_channels(_pixels(image)), dtype=np.uint8)


def _upright(image: Any) -> Any:
    """Turned as the EXIF orientation says, without alpha and further bands."""
    if orientation_of(image) > 1 or image.format != "uchar":
        image = image.copy_memory()  # turning and stretching read the pixels out of order
    image = image.autorot()
    if image.bands > 4:  # satellites and microscopes: no alpha, whatever the file says
        image = image.extract_band(0, n=3)
    if image.hasalpha():
        white = {"ushort": 65535, "uchar": 255}.get(image.format, 1)
        image = image.flatten(background=white)
    return image


def _pixels(image: Any) -> NDArray[Any]:
    """[height, width, bands] in memory of its own; `Image.numpy` drops sides that are 1 long."""
    return np.asarray(image.numpy()).reshape(image.height, image.width, image.bands)


def _stretched(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(_scaled(_three_channels(values), 255.0), dtype=np.uint8)


def _scaled(values: NDArray[Any], white: float) -> NDArray[np.float32]:
    """Whole numbers: 0 for the least value, `white` for the greatest."""
    channels: NDArray[np.float32] = values.astype(np.float32)
    finite = channels[np.isfinite(channels)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    scale = white / (high - low) if high > low else 0.0
    scaled = (np.nan_to_num(channels, nan=low, posinf=high, neginf=low) - low) * scale
    return np.asarray(np.rint(scaled), dtype=np.float32)


def _three_channels(values: NDArray[Any]) -> NDArray[Any]:
    """Repeat one channel, or keep the first three of more."""
    if values.shape[2] < 3:
        return np.repeat(values[:, :, :1], 3, axis=2)
    return np.ascontiguousarray(values[:, :, :3])


def _shrunk(pixels: NDArray[np.uint8], max_side: int | None) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if max_side is None or max(height, width) <= max_side:
        return pixels
    scale = max_side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _is_bmp(path: Path) -> bool:
    """Look at the first bytes, whatever the suffix says; also names files that are not there."""
    return _head(path, len(_BMP)) == _BMP


def _head(path: Path, size: int) -> bytes:
    try:
        with _open_regular(path) as file:
            head = file.read(size)
    except OSError as error:
        raise ImageReadError(path, error.strerror or str(error)) from error
    if not head:
        raise ImageReadError(path, "the file is empty")
    return head


def _bmp_size(path: Path) -> tuple[int, int]:
    """Width and height of a BMP file; a negative height means rows from the top down."""
    with path.open("rb") as file:
        head = file.read(26)
    if len(head) < 26:
        raise ImageReadError(path, "the file is cut off")
    (header_size,) = struct.unpack_from("<I", head, 14)
    width, height = struct.unpack_from("<HH" if header_size == 12 else "<ii", head, 18)
    if width <= 0 or height == 0:
        raise ImageReadError(path, f"the BMP header gives a size of {width} x {height}")
    return width, abs(height)


def _read_bmp(path: Path) -> NDArray[np.uint8]:
    """Decode from bytes: OpenCV cannot open every non-ASCII path."""
    _check_size(path, *_bmp_size(path), LARGEST_DECODED)
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 2)
    if len(data) < length:
        raise ImageReadError(path, f"the file is cut off: {len(data)} of {length} bytes")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise ImageReadError(path, str(error)) from error
    if pixels is None:
        raise ImageReadError(path, "not a BMP file that can be decoded")
    return np.asarray(pixels, dtype=np.uint8)


def vips_error(path: Path, error: pyvips.Error) -> ImageReadError:
    """What libvips says about a file, in words for people."""
    lines = str(error.detail or error.message).strip().splitlines()
    if any("not a known file format" in line for line in lines):
        return ImageReadError(path, "not an image of a known format")
    if not lines or lines[0].startswith("unable to call"):  # libvips gave no reason
        return ImageReadError(path, "the file is damaged or cut off")
    return ImageReadError(path, lines[0])


def _walk(folder: str, key: _FolderKey, visited: set[tuple[int, int]]) -> Iterator[_Found]:
    """The images in a folder and below it, with what they are sorted by.

    The folder's listing tells what is a file: a hundred thousand are not looked at one by one.
    """
    status = os.stat(folder)  # noqa: PTH116 - a Path costs more than the call
    if (status.st_dev, status.st_ino) in visited:
        return
    visited.add((status.st_dev, status.st_ino))
    subfolders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if name[name.rfind(".") :].lower() in IMAGE_SUFFIXES and _is_regular(entry):
                yield (*key[0], _natural(name)), (*key[1], name), entry.path
            elif _is_folder(entry):
                subfolders.append(name)
    for name in sorted(subfolders):
        below = (*key[0], _natural(name)), (*key[1], name)
        with suppress(OSError):  # one that may not be looked into has no images for us
            yield from _walk(os.path.join(folder, name), below, visited)  # noqa: PTH118


def _is_regular(entry: "os.DirEntry[str]") -> bool:
    """Whether this is a file, or a link that leads to one."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _natural(name: str) -> tuple[str | int, ...]:
    """Text, number, text, …: case-insensitive, numbers by their value."""
    parts = _DIGITS.split(name.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts))
