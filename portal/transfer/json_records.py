"""Reads the records of a JSON array (or the one that is there) from bytes, each within limits that hold before parsing.

A scanner that knows quotes, brackets and commas alone cuts the bytes into records; only what is small enough is handed
to the JSON parser. A record that is too large or too deep is passed over, and the ones behind it are read. So memory
is bounded by the largest record that is allowed, whatever comes in.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, Protocol

from portal.domain.texts import visible
from portal.errors import PortalError

# Bytes of one record. Descriptions may hold pictures, so there are records of a megabyte.
MAX_RECORD = 4 * 1024 * 1024
# So much of one that is too large is passed over before the import ends.
MAX_SKIPPED = 4 * MAX_RECORD
MAX_RECORDS = 1_000_000
# Objects and lists in one record, and how deep they are nested in each other.
MAX_PARTS = 100_000
MAX_DEPTH = 100
ABORT_DEPTH = 1000
MAX_DIGITS = 1000
PIECE = 64 * 1024
_MEGABYTE = 1024 * 1024
TOO_LARGE = f"is larger than {MAX_RECORD // _MEGABYTE} MB: shorten its texts, or the pictures in them, at its source"
TOO_MANY = f"has more than {MAX_PARTS:,} objects and lists: leave out what is not needed, at its source"
TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels, as no offering is: correct it at its source"
_BLANK = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Possessive, so that the time is linear in the input whatever it holds.
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_INSIDE = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+", re.DOTALL)
_BETWEEN = re.compile(rb'(?:[^"\[\]{},]++|' + _STRING + rb")*+", re.DOTALL)
_REST_OF_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)


class Unreadable(PortalError):
    """The input as a whole cannot be read (any further)."""


class Stream(Protocol):
    """Bytes that come one after the other; b"" at the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it came in. `size` in bytes; `problem`: why it was not even parsed, as a phrase behind its name."""

    data: Any = None
    size: int = 0
    problem: str = ""


def read_records(stream: Stream) -> Iterator[Entry]:
    """The records, one after the other as they arrive. Raises Unreadable where the bytes are no JSON."""
    start = _beginning(stream)
    if not start:
        raise Unreadable("The input is empty.")
    if start[:1] == b"<":
        raise Unreadable("This is a web page, not JSON: is it the address of the API?")
    if start[:1] not in (b"[", b"{"):
        raise Unreadable("This is not JSON: an array of offerings is expected, or one offering.")
    splitter = _Splitter(array=start[:1] == b"[")
    piece, number = start, 0
    while piece:
        for entry in splitter.feed(piece):
            number += 1
            if number > MAX_RECORDS:
                raise Unreadable(f"There are more than {MAX_RECORDS:,} records: import them in several parts.")
            yield entry
        piece = stream.read(PIECE)
    splitter.end()


def _beginning(stream: Stream) -> bytes:
    """The first bytes behind blanks and a byte order mark; empty where there are none."""
    start = b""
    while True:
        text = start.removeprefix(_BYTE_ORDER_MARK).lstrip(_BLANK)
        piece = b"" if len(text) >= len(_BYTE_ORDER_MARK) else stream.read(PIECE)
        if not piece:
            return text
        start = (start + piece).lstrip(_BLANK)


class _Splitter:
    """Cuts the text of an array into its elements; that of one object is one element."""

    def __init__(self, *, array: bool) -> None:
        # Brackets that are open around an element.
        self._level = 1 if array else 0
        self._depth = 0
        self._in_string = self._escaped = False
        self._kept = bytearray()
        self._size = self._parts = 0
        self._problem = ""
        self._elements = 0
        self._ended = False

    def feed(self, piece: bytes) -> Iterator[Entry]:
        """The elements that end in this piece."""
        at = start = 0
        if self._depth == 0 and self._level == 1 and not self._ended:
            at = start = self._depth = 1
        while at < len(piece):
            if self._ended:
                if piece[at:].strip(_BLANK):
                    raise Unreadable("From here on this is not valid JSON (something follows its end).")
                return
            if self._in_string:
                at = self._string(piece, at)
                continue
            outside = self._depth == self._level
            at = _end(_BETWEEN if outside else _INSIDE, piece, at)
            if at == len(piece):
                break
            character, at = piece[at : at + 1], at + 1
            if character == b'"':
                self._in_string = True
            elif character == b",":
                yield self._element(piece[start : at - 1])
                start = at
            elif character in b"[{":
                self._depth += 1
                self._parts += 1
                if self._parts > MAX_PARTS:
                    self._problem = self._problem or TOO_MANY
                if self._depth > self._level + MAX_DEPTH:
                    self._problem = self._problem or TOO_DEEP
                    if self._depth > ABORT_DEPTH:
                        self._refuse("It goes on ever deeper")
            else:
                self._depth -= 1
                if self._depth < self._level or self._depth == 0:
                    last = piece[start:at] if self._level == 0 else piece[start : at - 1]
                    if character != (b"]" if self._level else b"}"):
                        raise Unreadable("From here on this is not valid JSON (brackets do not match).")
                    self._ended = True
                    if self._elements or self._problem or (self._kept + last).strip(_BLANK):
                        yield self._element(last)
                    start = at
        self._keep(piece[start:])

    def end(self) -> None:
        """Say that nothing more comes. Raises Unreadable where something is missing."""
        if not self._ended:
            self._refuse("The input ends too early")

    def _string(self, piece: bytes, at: int) -> int:
        """Where to go on behind a part of a string that began in an earlier piece."""
        if self._escaped:
            self._escaped = False
            return at + 1
        at = _end(_REST_OF_STRING, piece, at)
        if at < len(piece):
            # The end of the string, or a backslash as the last byte of the piece.
            self._in_string = self._escaped = piece[at : at + 1] == b"\\"
            at += 1
        return at

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MAX_RECORD and not self._problem:
            self._problem = TOO_LARGE
        if self._problem:
            self._kept.clear()
            if self._size > MAX_SKIPPED:
                self._refuse(f"It goes on beyond {MAX_SKIPPED // _MEGABYTE} MB")
        else:
            self._kept += part

    def _refuse(self, reason: str) -> NoReturn:
        if self._problem:
            raise Unreadable(f"{self._problem}. {reason}, so the rest was not read.")
        raise Unreadable(f"From here on this is not valid JSON. {reason}.")

    def _element(self, part: bytes) -> Entry:
        self._keep(part)
        text, size, problem = bytes(self._kept), self._size, self._problem
        self._kept, self._size, self._parts, self._problem = bytearray(), 0, 0, ""
        self._elements += 1
        if problem:
            return Entry(size=size, problem=problem)
        try:
            return Entry(_parse(text), size)
        except _NotTaken as error:
            return Entry(size=size, problem=str(error))


class _NotTaken(Exception):
    """Valid JSON that nobody means; says why, as a phrase that follows the name of the record."""


def _parse(text: bytes) -> Any:
    try:
        return json.loads(
            text.decode("utf-8"),
            parse_int=_whole,
            parse_float=_decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError:
        raise Unreadable("From here on this is not valid JSON (it is not in UTF-8).") from None
    except ValueError as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise Unreadable(f"From here on this is not valid JSON ({reason}).") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a key that comes twice, readers take different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _value in pairs).most_common(1)[0][0]
        raise _NotTaken(f"has the key “{visible(twice)}” twice in one object: leave out one of them, at its source")
    return found


def _whole(digits: str) -> int:
    return int(_checked(digits))


def _decimal(digits: str) -> Decimal:
    return Decimal(_checked(digits))


def _checked(digits: str) -> str:
    if len(digits) > MAX_DIGITS:
        raise _NotTaken(
            f"holds a number of {len(digits):,} digits, at most {MAX_DIGITS:,} are read: correct it at its source"
        )
    return digits


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _end(pattern: re.Pattern[bytes], piece: bytes, at: int) -> int:
    found = pattern.match(piece, at)
    return at if found is None else found.end()
