"""Page tokens and sync tokens: opaque to the client, self-contained for us."""

import base64
import binascii
import json
from typing import Any

from portal.standin.errors import Json


class InvalidToken(Exception):
    """Not a token of this kind made by this stand-in."""


def pack(kind: str, value: Json) -> str:
    """A token that carries `value`."""
    text = json.dumps({"t": kind, **value}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(token: str, kind: str) -> dict[str, Any]:
    """What `pack` put in.

    Raises:
        InvalidToken: garbled, or of another kind.
    """
    try:
        value = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        raise InvalidToken from None
    if not isinstance(value, dict) or value.pop("t", None) != kind:
        raise InvalidToken
    return value
