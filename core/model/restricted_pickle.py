"""Reading detectron2's pickled weights without running what a pickle may contain.

A pickle can call any function. This reader knows the few that rebuild NumPy arrays and ordered
dictionaries; everything else is refused before it is looked up.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct
from numpy._core.numeric import _frombuffer  # type: ignore[attr-defined]


def load_arrays(path: Path) -> Any:
    """Return what a pickle of plain arrays, texts, numbers and their containers holds.

    Raises:
        pickle.UnpicklingError: it asks for anything else, or for arrays of objects; the message
            names it.
        EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError: it is damaged.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        # latin1 is what NumPy needs for the pickles that Python 2 wrote.
        return _Unpickler(file, encoding="latin1").load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is refused: it is no array") from None


def _plain_dtype(*arguments: Any) -> np.dtype[Any]:
    dtype = np.dtype(*arguments)
    if dtype.hasobject:
        raise pickle.UnpicklingError("arrays of objects are refused")
    return dtype


def _reconstruct_array(kind: type, shape: tuple[int, ...], code: bytes) -> Any:
    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"arrays of the kind {kind!r} are refused")
    return _reconstruct(kind, shape, code)


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Return bytes that a pickle of protocol 2 holds as text."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"the encoding {encoding!r} is refused")
    return text.encode("latin1")


def _frombuffer_plain(buffer: Any, dtype: Any, shape: Any, order: Any) -> Any:
    return _frombuffer(buffer, _plain_dtype(dtype), shape, order)


_ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    **{
        (f"{module}.multiarray", "_reconstruct"): _reconstruct_array
        for module in ("numpy", "numpy.core", "numpy._core")
    },
    **{
        (f"{module}.numeric", "_frombuffer"): _frombuffer_plain
        for module in ("numpy.core", "numpy._core")
    },
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _plain_dtype,
    ("_codecs", "encode"): _encode_latin1,
    ("collections", "OrderedDict"): OrderedDict,
}
