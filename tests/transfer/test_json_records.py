"""Records are cut out of JSON by what the JSON means, in whatever pieces it comes; what is too much is never parsed."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.transfer import json_records
from portal.transfer.json_records import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_PARTS,
    MAX_RECORD,
    MAX_SKIPPED,
    Entry,
    Unreadable,
    read_records,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8") | st.sampled_from('"\\[]{},')),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


class Pieces:
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self.rest, self.size, self.read_bytes = io.BytesIO(data), size, 0

    def read(self, size: int) -> bytes:
        piece = self.rest.read(min(size, self.size))
        self.read_bytes += len(piece)
        return piece


def read(data: bytes, size: int = 1 << 20) -> list[Entry]:
    return list(read_records(Pieces(data, size)))


@settings(max_examples=150)
@given(st.lists(VALUES, max_size=5), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans(), st.booleans())
def test_the_records_are_those_of_the_whole(
    values: list[Any], size: int, indent: int | None, ascii_only: bool, mark: bool
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    data = (b"\xef\xbb\xbf" if mark else b"") + b" \r\n" + text + b"\n "
    entries = read(data, size)
    assert [it.data for it in entries] == values
    assert all(not it.problem and it.size > 0 for it in entries)


def test_one_object_is_one_record_and_numbers_are_exact() -> None:
    [entry] = read(b'{"a": [{"b": "}"}], "price": 123456789012.1234567891, "n": 12345678901234567890}\n', 3)
    assert entry.data["price"] == Decimal("123456789012.1234567891")
    assert entry.data["n"] == 12345678901234567890
    assert read(b"[]") == read(b" [ \n ] ", 1) == []


@pytest.mark.parametrize(
    "text",
    [
        *(b"[{}", b"[{},", b"[{},]", b"[,]", b"[{},,{}]", b"[{}}", b"{]", b'["', b'["\\', b"[{}] {}", b"{} {}", b"[}"),
        *(b"[nul]", b"[1 2]", b"[{'a': 1}]", b'[{"a"}]', b"[Infinity]", b"[01]", b'["\x01"]', b'["\xff"]', b"[\xff]"),
    ],
)
def test_what_is_no_json_is_refused_where_it_is(text: bytes) -> None:
    for size in (1, 2, 100):
        with pytest.raises(Unreadable, match="not valid JSON"):
            read(text, size)


GOOD = b'{"name": "good"}'
TEXT = b'{"name": "' + b"x" * (MAX_RECORD - 20) + b'"}'


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (TEXT + b" " * 30, "is larger than 4 MB: shorten its texts"),
        (b'{"name": "' + b"\\n" * (MAX_RECORD // 2) + b'"}', "is larger than 4 MB"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "is nested deeper than 100 levels"),
        (b"[" + b"{}," * MAX_PARTS + b"1]", "has more than 100,000 objects and lists"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "is nested deeper than 100 levels"),
        (b'{"n": ' + b"9" * 4301 + b"}", "holds a number of 4,301 digits, at most 1,000 are read"),
        (b'{"n": -0.' + b"9" * 4301 + b"}", "holds a number of 4,304 digits, at most 1,000 are read"),
        (b'{"n": 1e' + b"9" * MAX_DIGITS + b"}", "holds a number of 1,002 digits"),
    ],
)
@pytest.mark.parametrize("size", [1 << 16, 1 << 30])
def test_a_record_that_is_too_much_spoils_no_other(bad: bytes, problem: str, size: int) -> None:
    found = read(b"[" + GOOD + b"," + bad + b"," + GOOD + b"]", size)
    assert [it.data for it in found] == [{"name": "good"}, None, {"name": "good"}]
    assert problem in found[1].problem
    assert found[1].size == len(bad)


def test_what_is_just_allowed_is_read() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    many = b"[" + b"{}," * (MAX_PARTS - 1) + b"1]"
    found = read(b"[" + b",".join([TEXT, deep, many, b"9" * MAX_DIGITS]) + b"]")
    assert [it.problem for it in found] == [""] * 4


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            b"[" + b'"' + b"x" * (2 * MAX_SKIPPED),
            "is larger than 4 MB: .*goes on beyond 16 MB, so the rest was not read",
        ),
        (b"[" * 100_000, "is nested deeper than 100 levels.*goes on ever deeper, so the rest was not read"),
        (b"[" * 500, "is nested deeper than 100 levels.*ends too early"),
        (b'{"a":' * 100_000, "goes on ever deeper"),
        (b"[" + b"{}," * 1000, "more than 500 records"),
        (b'["a' + b"\\" * 99, "ends too early"),
    ],
)
def test_what_goes_on_and_on_is_not_read_to_its_end(data: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_RECORDS", 500)
    stream = Pieces(data, 1 << 16)
    with pytest.raises(Unreadable, match=reason):
        list(read_records(stream))
    assert stream.read_bytes <= MAX_SKIPPED + (1 << 16)


@pytest.mark.parametrize("text", [b"[[1,2]," + b"{}," * 50_000 + b"{}]", b"[" + b'"\\"",' * 50_000 + b"1]"])
def test_the_work_is_linear_in_the_input(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte is looked at by one regular expression, once."""
    looked = 0
    original = json_records._end

    def counting(pattern: Any, piece: bytes, at: int) -> int:
        nonlocal looked
        end = original(pattern, piece, at)
        looked += 1 + end - at
        return end

    monkeypatch.setattr(json_records, "_end", counting)
    read(text, 1 << 16)
    assert looked <= 3 * len(text)
