import json
from typing import Any

import pytest

from core.formats.coco_fields import (
    DEEPEST,
    CocoError,
    canonical,
    check_depth,
    file_id,
    mended_whole,
    shown,
)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((7, 7), ("7", 7), (" -7 ", -7), ("007", 7), (7.0, 7), (2**63 - 1, 2**63 - 1)),
        *((2**63, None), ("--5", None), ("²", None), ("7" * 30, None), ("", None), (7.5, None)),
        *((float("inf"), None), (True, None), (None, None), ([7], None), ("1e5", None)),
    ],
)
def test_a_whole_number_is_read_where_its_meaning_is_plain(
    value: object, number: int | None
) -> None:
    assert mended_whole(value) == number


@pytest.mark.parametrize(
    ("value", "key"), [(7, 7), ("7", 7), ("a7", "a7"), (" ", None), (7.5, None), ({}, None)]
)
def test_an_id_is_a_number_or_a_text(value: object, key: object) -> None:
    assert file_id(value) == key


@pytest.mark.parametrize("value", ["x" * 10_000, [0] * 10_000, {"a": "b" * 10_000}, 10**300])
def test_a_message_shows_little_of_what_is_long(value: object) -> None:
    assert len(shown(value)) < 200


def nested(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


def test_what_is_nested_deeply_is_refused() -> None:
    check_depth(nested(DEEPEST), "it")
    with pytest.raises(CocoError, match=f"it: it is nested in more than {DEEPEST} levels"):
        check_depth(nested(DEEPEST + 1), "it")
    with pytest.raises(CocoError, match="nested in more than"):
        canonical({"a": nested(900)}, "it")
    assert len(shown(nested(900))) < 200
