"""The pixels of a mask's crop as compressed bits: quick and small for shapes and for noise."""

import zlib

import numpy as np
from numpy.typing import NDArray

_PROBE = 2**14  # bytes that tell whether a large crop is worth compressing
_NOISE = 0.8  # of its size is what is left of noise


def pack_crop(crop: NDArray[np.bool_]) -> bytes:
    """The bits of a crop, row by row, as a zlib stream; large noise is not compressed."""
    bits = np.packbits(crop).tobytes()
    probe = bits[len(bits) // 2 :][:_PROBE]
    noisy = len(probe) == _PROBE and len(zlib.compress(probe, level=1)) > _NOISE * _PROBE
    return zlib.compress(bits, level=0 if noisy else 1)


def unpack_crop(data: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """Inverse of `pack_crop`: bool [height, width].

    Raises:
        ValueError: The bytes are no such crop.
    """
    try:
        packed = np.frombuffer(zlib.decompress(data), dtype=np.uint8)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if packed.size != (height * width + 7) // 8:
        raise ValueError(f"expected the bits of {height} x {width} pixels, got {packed.size} bytes")
    return np.unpackbits(packed, count=width * height).reshape(height, width).view(np.bool_)
