"""Checks of links in a record. Earlier versions stored other texts, which pages do not turn into links."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from portal.domain.links import SRC_SCHEMES, is_link
from portal.domain.messages import Message
from portal.schema.checks import Check, InvalidValue, checked_text

# Links into this portal, which get the host of the request.
OWN = "/api/"


def link(schemes: Collection[str] = SRC_SCHEMES, limit: int | None = None) -> Check:
    """An absolute link of these schemes, or one into this portal; unset is ""."""
    return lambda value: "" if value is None else _checked(value, schemes, limit)


def link_or_null(schemes: Collection[str] = SRC_SCHEMES, limit: int | None = None) -> Check:
    """The same; unset is null."""
    return lambda value: None if value is None else _checked(value, schemes, limit)


def _checked(value: Any, schemes: Collection[str], limit: int | None) -> str:
    found = checked_text(value, limit)
    whole = f"https://portal{found}" if found.startswith(OWN) else found
    if found and not is_link(whole, schemes):
        names = sorted(schemes)
        kinds = Message("%(first)s or %(last)s", first=", ".join(names[:-1]), last=names[-1])
        raise InvalidValue(
            Message("must be a whole address (%(kinds)s) without blanks, such as https://example.org/page", kinds=kinds)
        )
    return found
