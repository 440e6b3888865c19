"""Single fields of COCO records: read, checked, and mended where their meaning is plain."""

import json
import math
import re
import reprlib
from typing import Any, cast

import orjson

Record = dict[str, Any]

LARGEST_ID = 2**63 - 1  # what a database and JSON readers of 64 bits hold
LARGEST_SAFE_ID = 2**53 - 1  # above it, readers that hold numbers as doubles mix ids up
DEEPEST = 200  # levels of lists and objects in a record

_WHOLE = re.compile(r"\s*-?[0-9]{1,18}\s*", re.ASCII)

_shortened = reprlib.Repr()
_shortened.maxstring = _shortened.maxother = _shortened.maxlong = 60
_shortened.maxlevel = 3


class CocoError(ValueError):
    """A COCO file or record is wrong; the message names the record and the reason."""


def shown(value: object) -> str:
    """A value of a file as messages show it: short, however long or deep it is."""
    return _shortened.repr(value)


def whole(record: Record, key: str, where: str) -> int:
    """A whole number of 64 bits.

    Raises:
        CocoError: It is missing or anything else.
    """
    value = record.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_ID:
        raise CocoError(f"{where}: '{key}' must be a whole number of 64 bits, got {shown(value)}")
    return value


def mended_whole(value: object) -> int | None:
    """A whole number, also one in quotes or written as 7.0; None when it is none."""
    if type(value) is int and -LARGEST_ID <= value <= LARGEST_ID:
        return value
    if isinstance(value, str):
        value = int(value) if _WHOLE.fullmatch(value) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_ID:
        return None
    return value


def file_id(value: object) -> int | str | None:
    """What a file calls a record: a whole number, or a text that is none; None for all else."""
    number = mended_whole(value)
    if number is None and isinstance(value, str) and value.strip():
        return value
    return number


def text(record: Record, key: str, where: str) -> str:
    """A text that is not empty and can be written to a file.

    Raises:
        CocoError: It is missing or anything else.
    """
    value = record.get(key)
    if not isinstance(value, str) or not value or "\0" in value:
        raise CocoError(f"{where}: '{key}' must be a text, got {shown(value)}")
    return value


def is_number(value: object) -> bool:
    """Whether a value is a finite number that 64 bits hold."""
    if isinstance(value, int):
        return abs(value) <= LARGEST_ID
    return isinstance(value, float) and math.isfinite(value)


def are_plain(*values: object) -> bool:
    """Whether all are finite numbers of usual size: quick, for the many records in order."""
    if not _PLAIN.issuperset(map(type, values)):
        return False
    plain = cast("tuple[float, ...]", values)
    # The sum, once all are small: NaN hides from max.
    return max(map(abs, plain)) < _USUAL and not math.isnan(sum(plain))


_PLAIN = frozenset({int, float})
_USUAL = 2.0**53


def numbers(value: object, count: int) -> list[float] | None:
    """A list of so many finite numbers; None when it is none."""
    if isinstance(value, list) and len(value) == count and all(map(is_number, value)):
        return value
    return None


def canonical(record: Record, where: str) -> str:
    """A record as JSON: sorted keys, no spaces, so that equal records are equal text.

    Raises:
        CocoError: It holds what JSON has not: a number that is not finite, half a character; or
            it is nested too deeply.
    """
    try:
        quick = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number of more than 64 bits, half a character, very deep
        quick = b"null"
    # orjson writes null for what is not finite: `json` tells them apart.
    return quick.decode() if b"null" not in quick else _canonical_by_json(record, where)


def check_depth(value: Any, where: str) -> None:
    """Refuse what is nested so deeply that some reader's stack does not hold it.

    Raises:
        CocoError: There are more levels than `DEEPEST`.
    """
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise CocoError(f"{where}: it is nested in more than {DEEPEST} levels")
        parts = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for part in parts for each in part if isinstance(each, dict | list)]


def _canonical_by_json(record: Record, where: str) -> str:
    check_depth(record, where)  # orjson refuses 254 levels, so that all that are deep come here
    try:
        line = json.dumps(
            record, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        line.encode()
    except UnicodeEncodeError as error:
        raise CocoError(f"{where}: it has a text that is no Unicode: {error.reason}") from error
    except ValueError as error:
        raise CocoError(f"{where}: it has a number that JSON does not have: {error}") from error
    return line
