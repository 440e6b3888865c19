"""The size of usual PNG and JPEG files from their first bytes, in a tenth of libvips's time.

PNG: https://www.w3.org/TR/png-3/, JPEG: ITU-T T.81, annex B. Whatever is unusual, might turn the
image, or is wrong belongs to libvips: it is told as unknown here.
"""

import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

HEAD_BYTES = 8192  # of a file; headers that are longer are unknown here

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 4: (8, 16), 6: (8, 16)}  # by colour type
_PNG_LONGEST = 2**31  # bytes of a chunk
_LONGEST_SIDE = 65_500  # libjpeg's limit; what is larger is rare enough for libvips

_JPEG = b"\xff\xd8"
_STARTS_SCAN = 0xDA
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive


class Header(NamedTuple):
    """Width and height as stored, in pixels, and bits per channel; orientation 1, one page."""

    width: int
    height: int
    bit_depth: int


def usual_header(head: bytes) -> Header | None:
    """What the first bytes of a file tell; None where libvips has to look.

    Args:
        head: The first `HEAD_BYTES` of the file, or all.
    """
    if head.startswith(_PNG):
        return _png_header(head)
    if head.startswith(_JPEG):
        return _jpeg_header(head)
    return None


def _png_header(head: bytes) -> Header | None:
    place, found = len(_PNG), None
    while place + 12 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, place)
        if kind == b"IDAT":
            return found if length < _PNG_LONGEST else None
        end = place + 8 + length
        body = head[place + 8 : end]
        if head[end : end + 4] != zlib.crc32(kind + body).to_bytes(4):
            return None
        if found is None:
            found = _png_size(kind, body)
        elif not _PNG_CHUNKS.get(kind, _never)(body):
            return None
        if found is None:
            return None
        place = end + 4
    return None


def _png_size(kind: bytes, body: bytes) -> Header | None:
    if kind != b"IHDR" or len(body) != 13:
        return None
    width, height, depth, colour, compression, order, interlaced = struct.unpack(">IIBBBBB", body)
    usual = depth in _PNG_DEPTHS.get(colour, ()) and not compression | order | interlaced
    if not usual or not 0 < min(width, height) <= max(width, height) <= _LONGEST_SIDE:
        return None
    return Header(width, height, max(8, depth))


def _jpeg_header(head: bytes) -> Header | None:
    place, frame = len(_JPEG), b""
    while place + 4 <= len(head):
        start, marker, length = struct.unpack_from(">BBH", head, place)
        place += 2 + length
        body = head[place - length + 2 : place]
        if start != 0xFF or len(body) != length - 2:
            return None
        if marker == _STARTS_SCAN:
            return _jpeg_size(frame) if _is_scan(body, frame) else None
        if marker in _FRAMES and not frame:
            frame = body
        elif not _JPEG_SEGMENTS.get(marker, _never)(body):
            return None
    return None


def _jpeg_size(frame: bytes) -> Header | None:
    depth, height, width, channels = struct.unpack_from(">BHHB", frame)
    sampling = frame[7::3]
    usual = (
        depth == 8
        and channels in (1, 3)
        and all(1 <= each >> 4 <= 4 and 1 <= each & 15 <= 4 for each in sampling)
        and 0 < min(width, height) <= max(width, height) <= _LONGEST_SIDE
    )
    return Header(width, height, depth) if usual else None


def _is_scan(scan: bytes, frame: bytes) -> bool:
    """Whether a scan's header is whole, and names the channels that the frame has."""
    channels = frame[6::3]
    if len(frame) < 9 or len(frame) != 6 + 3 * frame[5] or len(set(channels)) != len(channels):
        return False
    named = scan[1:-3:2]
    return (
        len(scan) >= 6
        and len(scan) == 4 + 2 * scan[0]
        and len(set(named)) == len(named)
        and set(named) <= set(channels)
    )


def _are_quantizers(body: bytes) -> bool:
    place = 0
    while place < len(body):
        kind = body[place]
        if kind >> 4 > 1 or kind & 15 > 3:
            return False
        place += 1 + 64 * (1 + (kind >> 4))
    return place == len(body)


def _are_codes(body: bytes) -> bool:
    """Whether these are Huffman tables, each as long as it says."""
    place = 0
    while place < len(body):
        if body[place] & ~0x13:
            return False
        count = sum(body[place + 1 : place + 17])
        if count > 256:
            return False
        place += 17 + count
    return place == len(body)


def _never(_: bytes) -> bool:
    return False


_PNG_CHUNKS: dict[bytes, Callable[[bytes], bool]] = {
    b"gAMA": lambda body: len(body) == 4 and 0 < int.from_bytes(body) < 2**31,
    b"sRGB": lambda body: len(body) == 1 and body[0] < 4,
    b"pHYs": lambda body: len(body) == 9 and body[8] < 2,
}
_JPEG_SEGMENTS: dict[int, Callable[[bytes], bool]] = {
    0xDB: _are_quantizers,
    0xC4: _are_codes,
    0xDD: lambda body: len(body) == 2,
    0xE0: lambda body: body.startswith(b"JFIF\0"),
    0xE2: lambda body: body.startswith(b"ICC_PROFILE\0"),
    0xEE: lambda body: body.startswith(b"Adobe"),
    0xFE: lambda _: True,
}
