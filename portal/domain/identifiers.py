"""UUIDs as text. The Waldur API contract: dashed and 32-digit hexadecimal are read, in any case; dashed is written."""

from __future__ import annotations

import re
from uuid import UUID

_FORM = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE
)


def parse_uuid(text: object) -> UUID:
    """The UUID that a text writes in one of the two forms; a UUID is returned as it is.

    Nothing else is taken (no braces, no `urn:uuid:`, no dashes elsewhere, no blanks), although Python's own `UUID`
    would. Raises ValueError.
    """
    if isinstance(text, UUID):
        return text
    if not isinstance(text, str) or _FORM.fullmatch(text) is None:
        raise ValueError("is not a UUID")
    return UUID(text)


def format_uuid(uuid: UUID) -> str:
    """A UUID dashed and in lower case, the one form the portal writes."""
    return str(uuid)
