import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.formats import json_stream
from core.formats.json_stream import JsonStreamError, elements, first_character, members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stream") / "file.json"


def read(file: Path, text: str | bytes, chunk: int) -> list[tuple[str, Any]]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        return list(members(file, {"a", "b"}))


@given(
    a=st.lists(VALUES, max_size=5),
    rest=st.dictionaries(st.text().filter(lambda key: key != "a"), VALUES, max_size=3),
    chunk=st.integers(1, 70),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_a_file_is_read_as_json_reads_it(
    file: Path, a: list[Any], rest: dict[str, Any], chunk: int, indent: int | None, ascii_only: bool
) -> None:
    rest.pop("b", None)
    try:
        text = json.dumps({"a": a, **rest}, indent=indent, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:  # half a character
        return
    found = read(file, text, chunk)
    assert [value for key, value in found if key == "a"] == a
    assert {key: value for key, value in found if key != "a"} == rest


def test_a_byte_order_mark_is_passed_over(file: Path) -> None:
    assert read(file, b'\xef\xbb\xbf{"a":[1]}', 2) == [("a", 1)]


RECORDS = st.fixed_dictionaries(
    {"id": st.integers(-(2**70), 2**70) | st.floats(), "segmentation": VALUES}
)


@given(
    records=st.lists(RECORDS, max_size=12),
    block=st.integers(1, 400),
    chunk=st.integers(1, 400),
)
def test_many_records_at_once_are_those_that_json_reads(
    file: Path, records: list[dict[str, Any]], block: int, chunk: int
) -> None:
    text = json.dumps({"a": records})  # with NaN, infinity, and halves of characters
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_BLOCK", block)
        found = [value for _, value in read(file, text, chunk)]
    assert repr(found) == repr(json.loads(text)["a"])


@pytest.mark.parametrize(
    "record", ['{"a": 1e400}', '{"a": 18446744073709551616}', '{"a": "\\ud800"}']
)
def test_what_only_json_reads_stands_among_the_others(file: Path, record: str) -> None:
    text = '{"a": [' + ",".join(['{"b": 1}', record, '{"b": {"c": 2}}'] * 5) + "]}"
    assert repr([value for _, value in read(file, text, 1 << 20)]) == repr(json.loads(text)["a"])


def test_records_before_a_wrong_one_are_read(file: Path) -> None:
    file.write_text('[{"id": 1}, {"id": 2}, {"id": tru}, {"id": 4}]')
    stream = elements(file)
    assert [next(stream), next(stream)] == [{"id": 1}, {"id": 2}]
    with pytest.raises(JsonStreamError, match=r"not JSON .* at character 23"):
        next(stream)


def test_records_in_order_are_read_many_at_once(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [{"id": place, "segmentation": {"counts": "abc"}, "x": 1} for place in range(5000)]
    file.write_text(json.dumps(records))
    one_by_one: list[Any] = []
    value = json_stream._Window.value

    def counted(window: json_stream._Window) -> Any:
        one_by_one.append(value(window))
        return one_by_one[-1]

    monkeypatch.setattr(json_stream._Window, "value", counted)
    assert list(elements(file)) == records
    assert len(one_by_one) < 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "object is missing"),
        ("[]", r"expected a JSON object, got '\['"),
        ('{"a": 3}', "expected a list under 'a'"),
        ('{"a": [1 2]}', "expected ',' or"),
        ('{"a": [1,]}', "not JSON"),
        ('{"a": [{"b": nul}]}', "not JSON"),
        ('{"a" [1]}', "expected ':'"),
        ("{3: 1}", "expected a key"),
        ('{"a": []} 1', "end of the file"),
        ('{"c": ' + "[" * 200_000, "nested too deeply"),
        (b'{"c": "\xff"}', "not UTF-8"),
    ],
)
def test_what_is_no_such_file_is_told(file: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(JsonStreamError, match=message):
        read(file, text, 1 << 20)


def test_a_file_that_is_cut_off_anywhere_is_told(file: Path) -> None:
    text = json.dumps({"a": [{"x": 1.5, "ü": "é"}, [2]], "c": {"d": "e"}}).encode()
    for size in range(len(text)):
        with pytest.raises(JsonStreamError):
            read(file, text[:size], 3)


def test_an_endless_record_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_LARGEST_RECORD", 1000)
    with pytest.raises(JsonStreamError, match=r"more than 1,000 characters at character 7"):
        read(file, '{"a": ["' + "x" * 5000 + '"]}', 100)


def test_endless_members_are_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_LARGEST_RECORD", 1000)
    members = ",".join(f'"key {number}": 1' for number in range(500))
    with pytest.raises(JsonStreamError, match=r"the members have more than 1,0\d\d characters"):
        read(file, "{" + members + "}", 100)


def test_an_error_says_where(file: Path) -> None:
    with pytest.raises(JsonStreamError, match="character 1,510"):
        read(file, '{"a": [' + "1," * 750 + "   ?]}", 64)


def test_a_list_is_read_element_by_element(file: Path) -> None:
    file.write_text(' [{"id": 1}, 2 ] ')
    assert list(elements(file)) == [{"id": 1}, 2]
    assert first_character(file) == "["
    file.write_text("{}")
    with pytest.raises(JsonStreamError, match="expected a JSON list"):
        list(elements(file))
