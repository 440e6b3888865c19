"""Reading detectron2's pickled weights without running what a pickle may contain.

A pickle can call any function. This reader knows the names that rebuild NumPy arrays and ordered
dictionaries; everything else is refused before it is looked up. Even those names do not reach NumPy
(a damaged state can crash it): they make stand-ins, which check what they are given.
"""

import math
import pickle
import re
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

# Floating, whole, whole without sign, bool; and how many bytes each has.
_NUMBERS = re.compile(r"[fiub]\d\d?")
_ORDERS = ("<", ">", "=", "|")


def load_arrays(path: Path) -> Any:
    """Return what a pickle of plain arrays, texts, numbers and their containers holds.

    Raises:
        pickle.UnpicklingError: it asks for anything else, or for arrays of objects; the message
            names it.
        EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError,
            MemoryError: it is damaged.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        try:
            # latin1 is what NumPy needs for the pickles that Python 2 wrote.
            return _resolved(_Unpickler(file, encoding="latin1").load(), {})
        except (struct.error, AssertionError) as error:
            raise pickle.UnpicklingError(f"damaged: {error}") from error


class _NdArray:
    """Stands for `numpy.ndarray`, which pickles only name."""


class _Dtype:
    """Stands for a `numpy.dtype` of numbers."""

    def __init__(self, code: str, *_flags: object) -> None:
        if isinstance(code, str) and code.startswith("O"):
            raise pickle.UnpicklingError("arrays of objects are refused")
        if not isinstance(code, str) or not _NUMBERS.fullmatch(code):
            raise pickle.UnpicklingError(f"arrays of the type {code!r} are refused")
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, order, *structure = state[:5]
        if structure != [None] * 3 or order not in _ORDERS:
            raise pickle.UnpicklingError(f"the type {state!r} is refused")
        self.value = self.value.newbyteorder(order)


class _Array:
    """Stands for an array until its bytes are known."""

    def __init__(self, kind: object, _shape: object, _code: object) -> None:
        if kind is not _NdArray:
            raise pickle.UnpicklingError(f"arrays of the kind {kind!r} are refused")
        self.value: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, dtype, is_fortran, data = state
        self.value = _array(data, dtype, shape, "F" if is_fortran else "C")


def _array(data: object, dtype: object, shape: tuple[int, ...], order: str) -> NDArray[Any]:
    if not isinstance(dtype, _Dtype):
        raise pickle.UnpicklingError("arrays of anything but numbers are refused")
    if isinstance(data, str):  # Python 2's bytes
        data = data.encode("latin1")
    if not isinstance(data, bytes | bytearray) or order not in ("C", "F"):
        raise pickle.UnpicklingError("an array without bytes is refused")
    if math.prod(shape) * dtype.value.itemsize != len(data):
        raise pickle.UnpicklingError(f"{len(data)} bytes are no array of the shape {shape}")
    flat = np.frombuffer(bytes(data), dtype.value)
    return flat.reshape(shape[::-1]).T if order == "F" else flat.reshape(shape)


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Return bytes that a pickle of protocol 2 holds as text."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"the encoding {encoding!r} is refused")
    return text.encode("latin1")


def _resolved(value: Any, done: dict[int, Any]) -> Any:
    """Put the arrays in the places of their stand-ins; other stand-ins have no business there.

    Each container is walked through once (`done`, by identity): a small file may hold a thing very
    many times, or within itself.
    """
    if isinstance(value, _Array):
        if value.value is None:
            raise pickle.UnpicklingError("an array without bytes is refused")
        return value.value
    if not isinstance(value, dict | list | tuple):
        return value
    if id(value) not in done:
        done[id(value)] = None  # what a container finds of itself
        if isinstance(value, dict):
            done[id(value)] = {key: _resolved(each, done) for key, each in value.items()}
        else:
            done[id(value)] = [_resolved(each, done) for each in value]
    return done[id(value)]


_ADMITTED: dict[tuple[str, str], Any] = {
    **{
        (f"{module}.multiarray", "_reconstruct"): _Array
        for module in ("numpy", "numpy.core", "numpy._core")
    },
    **{(f"{module}.numeric", "_frombuffer"): _array for module in ("numpy.core", "numpy._core")},
    ("numpy", "ndarray"): _NdArray,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode_latin1,
    ("collections", "OrderedDict"): OrderedDict,
}


# The one written in Python: the other's buffers complain on stderr about damaged files, and it
# would set attributes of whatever is admitted.
class _Unpickler(pickle._Unpickler):  # noqa: SLF001
    stack: list[Any]
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(
        pickle._Unpickler.dispatch  # noqa: SLF001
    )

    def find_class(self, module: str, name: str, /) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is refused: it is no array") from None

    def load_build(self) -> None:
        """Give a stand-in its state; nothing else has one."""
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, _Array | _Dtype):
            raise pickle.UnpicklingError(f"a state for {target!r} is refused")
        target.__setstate__(state)

    dispatch[pickle.BUILD[0]] = load_build
