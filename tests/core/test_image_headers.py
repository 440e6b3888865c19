import random
import struct
import zlib
from pathlib import Path

import cv2
import pytest

from core import images
from core.image_headers import HEAD_BYTES, Header, usual_header
from core.images import ImageInfo, ImageReadError, read_info
from tests.helpers.photos import photo

_PIXELS = photo(0, 53, 37)
_GREY = _PIXELS[:, :, 0]
_JPEG_OPTIONS = {
    "baseline": [],
    "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "optimised": [cv2.IMWRITE_JPEG_OPTIMIZE, 1],
    "restarting": [cv2.IMWRITE_JPEG_RST_INTERVAL, 4],
}


def jpeg(grey: bool = False, options: str = "baseline") -> bytes:
    return cv2.imencode(".jpg", _GREY if grey else _PIXELS, _JPEG_OPTIONS[options])[1].tobytes()


def chunk(kind: bytes, body: bytes) -> bytes:
    data = kind + body
    return struct.pack(">I", len(body)) + data + struct.pack(">I", zlib.crc32(data))


def png(*chunks: bytes, deep: bool = False) -> bytes:
    pixels = _GREY.astype("uint16") * 200 if deep else _PIXELS
    data = cv2.imencode(".png", pixels)[1].tobytes()
    return data[:33] + b"".join(chunks) + data[33:]


_GAMMA, _SRGB = chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"sRGB", b"\0")
_SIZE = chunk(b"pHYs", struct.pack(">IIB", 2834, 2834, 1))
_SEEDS = [
    *(jpeg(grey, options) for grey in (False, True) for options in _JPEG_OPTIONS),
    *(png(), png(deep=True), png(_GAMMA, _SRGB, _SIZE), png(_SIZE, deep=True)),
]


def by_libvips(path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageInfo | None:
    with monkeypatch.context() as patch:
        patch.setattr(images, "usual_header", lambda _: None)
        try:
            return read_info(path)
        except ImageReadError:
            return None


@pytest.mark.parametrize("data", _SEEDS, ids=[f"seed {place}" for place in range(len(_SEEDS))])
def test_usual_files_need_no_libvips(
    tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "image"
    path.write_bytes(data)
    expected = by_libvips(path, monkeypatch)
    monkeypatch.setattr(images, "open_vips", None)
    assert read_info(path) == expected


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Another file: some bytes of the header differ, are gone, or were put in."""
    is_png = data.startswith(b"\x89PNG")
    end = data.find(b"IDAT") + 8 if is_png else data.find(b"\xff\xda") + 16
    head, rest = bytearray(data[:end]), data[end:]
    for _ in range(chance.randint(1, 2)):
        place = chance.randrange(len(head))
        match chance.randrange(6):
            case 0:
                del head[place : place + chance.randint(1, 4)]
            case 1:
                head[place:place] = chance.randbytes(chance.randint(1, 4))
            case 2:
                head[place] = chance.choice((0, 1, 255))
            case 3:
                return with_new_checksums(bytes(head[:place]), is_png)
            case _:
                head[place] ^= 1 << chance.randrange(8)
    return with_new_checksums(bytes(head) + rest, is_png)


def with_new_checksums(data: bytes, is_png: bool) -> bytes:
    place = 8
    while is_png and place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4])
        checksum = zlib.crc32(data[place + 4 : end]).to_bytes(4)
        data = data[:end] + checksum + data[end + 4 :] if end + 4 <= len(data) else data
        place = end + 4
    return data


def test_what_is_read_quickly_is_what_libvips_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(0)
    path = tmp_path / "image"
    quick = 0
    for _ in range(4000):
        data = mutated(chance.choice(_SEEDS), chance)
        header = usual_header(data[:HEAD_BYTES])
        if header is not None:
            quick += 1
            path.write_bytes(data)
            expected = ImageInfo(header.width, header.height, 1, header.bit_depth)
            assert by_libvips(path, monkeypatch) == expected, data[:1000]
    assert quick > 400


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff\xe1\0\x08Exif\0\0" + jpeg()[2:],
        b"\xff\xd8\xff\xe2\0\x06MPF\0" + jpeg()[2:],
        b"\xff\xd8\xff\xfe" + struct.pack(">H", 60_000) + bytes(59_998) + jpeg()[2:],
        png(chunk(b"eXIf", b"II*\0")),
        png(chunk(b"acTL", bytes(8))),
        png()[:30] + bytes(3) + png()[33:],
        b"RIFF\0\0\0\0WEBP",
        b"",
    ],
    ids=["exif", "pictures", "long", "png-exif", "animated", "checksum", "webp", "empty"],
)
def test_what_is_not_usual_is_left_to_libvips(data: bytes) -> None:
    assert usual_header(data[:HEAD_BYTES]) is None


def test_sides_and_depth_are_told() -> None:
    assert usual_header(png(deep=True)) == Header(53, 37, 16)
    assert usual_header(jpeg()) == Header(53, 37, 8)
