"""Parameters of lists and offerings: page, page_size, field (docs/api.md, Lists). Others are ignored."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

from portal.api.errors import no_match, not_found
from portal.domain.identifiers import parse_uuid

DEFAULT_PAGE_SIZE = 10
MAX_PAGE_SIZE = 300
INVALID_PAGE = "Invalid page."
# More digits than any list has pages.
_LONGEST = 15


@dataclass(frozen=True, slots=True)
class WantedPage:
    """A page by number, counted from 1; `number` None is the last one."""

    number: int | None
    size: int

    def of(self, total: int) -> tuple[int, int]:
        """The number of this page and of the last one in a list of `total` items.

        Raises Refused (404) where there is no such page; an empty list has one, empty page.
        """
        last = max(1, -(-total // self.size))
        number = last if self.number is None else self.number
        if not 1 <= number <= last:
            raise not_found(INVALID_PAGE)
        return number, last


def wanted_page() -> WantedPage:
    """The page that the request asks for. Raises Refused (404) where it is no page number."""
    text = _last("page").strip()
    size = min(_whole(_last("page_size")) or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    if text == "last":
        return WantedPage(None, size)
    if not text:
        return WantedPage(1, size)
    number = _whole(text)
    if not number:
        raise not_found(INVALID_PAGE)
    return WantedPage(number, size)


def wanted_fields() -> list[str]:
    """The names that `field` gives, as given; empty for the whole object."""
    return request.args.getlist("field")


def offering_uuid(segment: str) -> uuidlib.UUID:
    """The UUID that a segment of a path gives: dashed or 32 hex digits, in any case. Raises Refused (404)."""
    if "." in segment:
        raise not_found("Not found.")
    return wanted_uuid(segment, "Offering")


def wanted_uuid(segment: str, what: str) -> uuidlib.UUID:
    """The same for anything: `what` is the noun of the refusal."""
    try:
        return parse_uuid(segment)
    except ValueError:
        raise no_match(what) from None


def selected(document: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """These fields of a document, or all if none of them is known."""
    wanted = set(fields)
    kept = {name: value for name, value in document.items() if name in wanted}
    return kept or document


def _last(name: str) -> str:
    values = request.args.getlist(name)
    return values[-1] if values else ""


def _whole(text: str) -> int:
    """A whole number above 0, or 0 for anything else."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return 0
    return int(digits) if len(digits) <= _LONGEST else 10**_LONGEST
