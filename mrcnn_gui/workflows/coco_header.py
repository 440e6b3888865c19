"""The images, categories and other keys of a COCO file, read before its annotations stream by."""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.formats.coco_fields import CocoError
from core.formats.json_stream import JsonStreamError, first_character, members

_LISTS = ("images", "categories", "annotations")
_MOST = 2_000_000  # images or categories: they are all held at once


@dataclass
class CocoHeader:
    """What stands beside the annotations.

    Attributes:
        images: The entries of `images`, as they stand in the file.
        categories: The entries of `categories`.
        rest: The other top-level keys; whole once all annotations were read.
    """

    images: list[Any] = field(default_factory=list)
    categories: list[Any] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)


def file_size(path: Path) -> int:
    """The size of a JSON file in bytes.

    Raises:
        CocoError: It is not there, or no file: a pipe cannot be read twice, a device never ends.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise CocoError(f"cannot read {path}: {error.strerror or error}") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise CocoError(f"{path} is {kind}, expected a JSON file")
    if not status.st_size:
        raise CocoError(f"{path} is empty, expected a JSON file")
    return status.st_size


def read_header(
    path: Path, on_read: Callable[[int], None] | None = None
) -> tuple[CocoHeader, Iterator[Any]]:
    """Read a COCO file up to its annotations.

    The keys may come in any order: where images or categories follow the annotations, the file is
    read twice.

    Returns:
        The header, and the entries of `annotations`, which are read as they are asked for.

    Raises:
        CocoError: The file is no COCO file; also while the annotations are read.
    """
    stream = _members(path, on_read)
    header = CocoHeader()
    for key, value in stream:
        if key != "annotations":
            _take(header, key, value)
        elif header.images and header.categories:
            return header, _annotations(header, value, stream)
    if not header.images:
        raise CocoError(f"{path.name} is not a COCO dataset: it has no 'images'")
    again = _members(path, on_read)
    return header, (value for key, value in again if key == "annotations")


def _annotations(
    header: CocoHeader, first: Any, stream: Iterator[tuple[str, Any]]
) -> Iterator[Any]:
    yield first
    for key, value in stream:
        if key == "annotations":
            yield value
        elif key in _LISTS:
            raise CocoError(f"the key {key!r} stands twice in the file")
        else:
            header.rest[key] = value


def _take(header: CocoHeader, key: str, value: Any) -> None:
    target = header.categories if key == "categories" else header.images
    if key not in _LISTS:
        header.rest[key] = value
    elif len(target) < _MOST:
        target.append(value)
    else:
        raise CocoError(f"there are more than {_MOST:,} {key}")


def _members(path: Path, on_read: Callable[[int], None] | None) -> Iterator[tuple[str, Any]]:
    try:
        if first_character(path) == "[":
            raise CocoError(f"{path.name} holds a list (results?), expected a COCO dataset object")
        yield from members(path, _LISTS, on_read)
    except OSError as error:
        raise CocoError(f"cannot read {path}: {error.strerror or error}") from error
    except JsonStreamError as error:
        raise CocoError(f"{error}; expected a COCO dataset") from error
