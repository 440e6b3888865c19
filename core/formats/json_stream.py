"""JSON files of any size, read record by record.

`json` reads a whole file at once: a COCO file of a million annotations takes gigabytes so. Here
the file goes through a window of text, and its C decoder reads one record at a time from that.
Where records are objects in order, `orjson` reads some hundred of them at once.
"""

import codecs
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

_CHUNK = 1 << 20
_LARGEST_RECORD = 128 << 20  # characters: an endless record would take all memory
_SPACE = " \t\n\r"
_NEAR = 32  # an error this near to the end of the window may come from the cut alone
_ATTEMPTS = 3  # to find the end of an object that is none of its parts
_BLOCK = 1 << 13  # characters that are read at once; more no longer fit a core's own memory
_DIGITS_ALONE = bytes(ord("0") if chr(code) in "0123456789" else 0 for code in range(256))
_LONG_NUMBER = b"0" * 19  # may be more than 64 bits: `orjson` would round it


class JsonStreamError(ValueError):
    """The file is no JSON of the form that was asked for; the message says why and where."""


def members(
    path: Path, streamed: Collection[str], on_read: Callable[[int], None] | None = None
) -> Iterator[tuple[str, Any]]:
    """Yield the members of the object in a file, in their order.

    Args:
        path: The file: UTF-8, with or without a byte order mark.
        streamed: Keys whose arrays are yielded element by element, as (key, element); all other
            members come whole, as (key, value).
        on_read: Called with the number of bytes read so far, about every megabyte.

    Raises:
        JsonStreamError: It is no JSON object, the value of a streamed key is no array, or what
            comes whole is too large.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        window = _Window(_reading(file, on_read), path.name)
        window.expect("{", "a JSON object")
        whole = 0  # characters of what comes whole
        for _ in window.items("}"):
            start = window.position
            key = window.value()
            if not isinstance(key, str):
                raise window.error("expected a key in quotes")
            window.expect(":", f"':' behind the key {key[:80]!r}")
            if key not in streamed:
                yield key, window.value()
                whole += window.position - start
                if whole > _LARGEST_RECORD:
                    raise window.error(f"the members have more than {whole:,} characters")
                continue
            window.expect("[", f"a list under {key!r}")
            for value in window.elements():
                yield key, value
        window.expect_end()


def elements(path: Path, on_read: Callable[[int], None] | None = None) -> Iterator[Any]:
    """Yield the elements of the array in a file.

    Args:
        path: The file: UTF-8, with or without a byte order mark.
        on_read: Called with the number of bytes read so far, about every megabyte.

    Raises:
        JsonStreamError: It is no JSON array.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        window = _Window(_reading(file, on_read), path.name)
        window.expect("[", "a JSON list")
        yield from window.elements()
        window.expect_end()


def _reading(file: BinaryIO, on_read: Callable[[int], None] | None) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        data = file.read(size)
        if on_read is not None:
            on_read(file.tell())
        return data

    return read


def first_character(path: Path) -> str:
    """The character that a JSON file begins with: "{" for an object, "[" for a list."""
    with path.open("rb") as file:
        return _Window(file.read, path.name).peek()


class _Window:
    """A part of the file's text, and the place in it up to which it was read."""

    def __init__(self, read: Callable[[int], bytes], name: str) -> None:
        self._read, self._name = read, name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder().raw_decode
        self._text, self._place, self._passed = "", 0, 0
        self._ended = False

    @property
    def position(self) -> int:
        """How many characters were read."""
        return self._passed + self._place

    def error(self, what: str) -> JsonStreamError:
        return JsonStreamError(f"{self._name}: {what} at character {self.position:,}")

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            text, place, size = self._text, self._place, len(self._text)
            while place < size and text[place] in _SPACE:
                place += 1
            self._place = place
            if place < size:
                return text[place]
            if not self._more():
                return ""

    def expect(self, character: str, what: str) -> None:
        found = self.peek()
        if found != character:
            raise self.error(f"expected {what}, got {found!r}" if found else f"{what} is missing")
        self._place += 1

    def expect_end(self) -> None:
        if self.peek():
            raise self.error("expected the end of the file")

    def items(self, closing: str) -> Iterator[None]:
        """Stop before each item of an object or array; the caller reads it."""
        if self.peek() == closing:
            self._place += 1
            return
        while True:
            yield
            found = self.peek()
            if found not in (closing, ",") or not found:
                raise self.error(f"expected ',' or {closing!r}, got {found!r}")
            self._place += 1
            if found == closing:
                return

    def elements(self) -> Iterator[Any]:
        """Read the values of an array, behind its bracket."""
        one_by_one_to = 0
        for _ in self.items("]"):
            if self.position >= one_by_one_to:
                values = self._block()
                if values:
                    yield from values
                    continue
                one_by_one_to = self.position + _BLOCK
            yield self.value()

    def _block(self) -> list[Any]:
        """Read the objects that stand next in an array; none where that cannot be done at once.

        What is a list when brackets are put around it ends where one of its values ends.
        """
        end = min(len(self._text), self._place + _BLOCK)
        for _ in range(_ATTEMPTS):
            end = self._text.rfind("}", self._place, end)
            if end < 0:
                break
            block = self._text[self._place : end + 1].encode()
            try:
                values: list[Any] = orjson.loads(b"[%b]" % block)
            except ValueError:
                continue
            if _LONG_NUMBER in block.translate(_DIGITS_ALONE):
                break
            self._place = end + 1
            return values
        return []

    def value(self) -> Any:
        """Read one value, wherever the window ends."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._text, self._place)
            except RecursionError as error:
                raise self.error("nested too deeply") from error
            except ValueError as error:
                self._grow_for(error)
                continue
            # The number 1.5e+3 may be cut into 1 and ".", or 1.5 and "e+".
            if end < len(self._text) - 2 or not self._more():
                self._place = end
                return value

    def _grow_for(self, error: ValueError) -> None:
        """Read on where the value was cut by the window's end; raise where it is no JSON."""
        at = getattr(error, "pos", len(self._text))
        cut = at >= len(self._text) - _NEAR or str(error).startswith("Unterminated string")
        if not cut or not self._more(len(self._text) - self._place):
            raise self.error(f"not JSON ({error.args[0].split(':')[0]})") from error

    def _more(self, least: int = 0) -> bool:
        """Drop what was read and read on, at least a chunk; False at the end of the file."""
        if self._ended:
            return False
        if least > _LARGEST_RECORD:
            raise self.error(f"a record has more than {_LARGEST_RECORD:,} characters")
        data = self._read(max(_CHUNK, least))
        self._ended = not data
        try:
            text = self._decode(data, self._ended)
        except UnicodeDecodeError as error:
            raise self.error(f"not UTF-8 ({error.reason}) behind the record") from error
        if self._ended:
            return False
        self._text = self._text[self._place :] + text
        self._passed, self._place = self._passed + self._place, 0
        return True
