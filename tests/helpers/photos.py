"""Small generated photos."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 64, 48


def photo(seed: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """RGB noise, another one for each seed."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_photo(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """Write RGB pixels in the format that the suffix names."""
    _, data = cv2.imencode(path.suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    path.write_bytes(data.tobytes())
    return path


def write_photos(folder: Path, count: int) -> list[Path]:
    """Write photo_1.png, photo_2.png, … into a folder."""
    return [
        write_photo(folder / f"photo_{number}.png", photo(number)) for number in range(1, count + 1)
    ]


def write_bomb(path: Path, width: int, height: int) -> Path:
    """A PNG file that says it has so many pixels; a few bytes of them are there."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )
    return path
