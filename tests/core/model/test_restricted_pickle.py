import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model.restricted_pickle import load_arrays

ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "floats": np.arange(6, dtype=np.float32).reshape(2, 3),
    "halves": np.ones(3, np.float16),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "scalar": np.array(3),
}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_come_back_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    content = {"model": OrderedDict(ARRAYS), "__author__": "someone", "numbers": [1, 2.5, None]}
    read = load_arrays(write(tmp_path / "a.pkl", pickle.dumps(content, protocol)))
    assert read["__author__"] == "someone"
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read["model"][name], array)
        assert read["model"][name].dtype == array.dtype


def test_empty_arrays_come_back(tmp_path: Path) -> None:
    data = pickle.dumps(np.zeros((0, 4), np.float32), 4)
    assert load_arrays(write(tmp_path / "a.pkl", data)).shape == (0, 4)


@pytest.mark.parametrize("package", ["numpy", "numpy.core", "numpy._core"])
def test_arrays_of_old_and_new_numpy_come_back(tmp_path: Path, package: str) -> None:
    data = pickle.dumps(ARRAYS["floats"], 2)
    assert b"numpy._core.multiarray" in data
    data = data.replace(b"numpy._core.multiarray", package.encode() + b".multiarray")
    np.testing.assert_array_equal(load_arrays(write(tmp_path / "a.pkl", data)), ARRAYS["floats"])


class _Calls:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self._reduced = function, arguments

    def __reduce__(self) -> Any:
        return self._reduced


@pytest.mark.parametrize(
    "content",
    [
        _Calls(eval, "1 + 1"),
        _Calls(getattr, "text", "join"),
        _Calls(np.load, "somewhere"),
        _Calls(np.frombuffer, b"1234"),
        np.float32(1.0),  # numpy.core.multiarray.scalar
        {1, 2}.__class__,
        np.matrix,
        pickle.Unpickler,
    ],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_everything_else_is_refused(tmp_path: Path, content: Any, protocol: int) -> None:
    path = write(tmp_path / "a.pkl", pickle.dumps({"model": content}, protocol))
    with pytest.raises(pickle.UnpicklingError, match="is refused"):
        load_arrays(path)


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize(
    "array",
    [np.array([{}, None], dtype=object), np.zeros(2, dtype=[("a", "f4"), ("b", "O")])],
)
def test_arrays_of_objects_are_refused(tmp_path: Path, array: Any, protocol: int) -> None:
    path = write(tmp_path / "a.pkl", pickle.dumps(array, protocol))
    with pytest.raises(pickle.UnpicklingError, match=r"arrays of (objects|the type) .*refused"):
        load_arrays(path)


def test_subclasses_of_arrays_and_other_encodings_are_refused(tmp_path: Path) -> None:
    reconstruct = np._core.multiarray._reconstruct  # type: ignore[attr-defined]
    for call in (
        _Calls(reconstruct, OrderedDict, (0,), b"b"),
        _Calls(_codecs_encode(), "a", "zip"),
    ):
        path = write(tmp_path / "a.pkl", pickle.dumps(call, 4))
        with pytest.raises(pickle.UnpicklingError, match="refused"):
            load_arrays(path)


def _codecs_encode() -> Any:
    import _codecs

    return _codecs.encode


@pytest.mark.parametrize("name", [b"numpy\ndtype", b"numpy\nndarray", b"_codecs\nencode"])
def test_what_is_admitted_cannot_be_changed(tmp_path: Path, name: bytes) -> None:
    """A state of the form (None, attributes) would set them on the class or function itself."""
    data = b"c" + name + b"\n(N}X\x01\x00\x00\x00aK\x01stb."
    with pytest.raises(pickle.UnpicklingError, match=r"a state for .* is refused"):
        load_arrays(write(tmp_path / "a.pkl", data))


def test_exactly_the_listed_names_are_admitted() -> None:
    from core.model.restricted_pickle import _ADMITTED

    assert set(_ADMITTED) == {
        ("numpy.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
        ("collections", "OrderedDict"),
    }


DAMAGED = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
)


@settings(max_examples=300, deadline=None)
@given(
    protocol=st.sampled_from([2, 4, 5]),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_damaged_bytes_give_an_error_and_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, protocol: int, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(pickle.dumps({"model": ARRAYS}, protocol))
    for place, byte in changes:
        data[place % len(data)] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    try:
        load_arrays(write(path, bytes(data)))
    except DAMAGED:
        return


def test_a_persistent_id_is_refused(tmp_path: Path) -> None:
    data = b"Pmodule\n."
    with pytest.raises(pickle.UnpicklingError):
        load_arrays(write(tmp_path / "a.pkl", data))


def test_what_is_held_very_often_or_by_itself_is_read_once(tmp_path: Path) -> None:
    deep: list[Any] = [ARRAYS["floats"]]
    for _ in range(60):  # 2**60 arrays, one by one
        deep = [deep, deep]
    read = load_arrays(write(tmp_path / "a.pkl", pickle.dumps(deep, 4)))
    while isinstance(read, list):
        read = read[-1]
    np.testing.assert_array_equal(read, ARRAYS["floats"])
    itself: list[Any] = []
    itself.append(itself)
    assert load_arrays(write(tmp_path / "b.pkl", pickle.dumps(itself, 4))) == [None]
