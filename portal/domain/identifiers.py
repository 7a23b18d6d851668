"""UUIDs as text: read with or without dashes in any case, written with dashes (docs/api.md)."""

from __future__ import annotations

import re
from uuid import UUID

_FORM = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE
)


def parse_uuid(text: object) -> UUID:
    """The UUID in a text of 32 hexadecimal digits, with or without dashes; a UUID is returned as it is.

    Raises ValueError for other forms, some of which Python's `UUID` accepts (braces, `urn:uuid:`).
    """
    if isinstance(text, UUID):
        return text
    if not isinstance(text, str) or _FORM.fullmatch(text) is None:
        raise ValueError("is not a UUID")
    return UUID(text)


def format_uuid(uuid: UUID) -> str:
    """A UUID with dashes, in lower case."""
    return str(uuid)
