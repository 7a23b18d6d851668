"""Page tokens and sync tokens: opaque to the client, self-contained for the server."""

import base64
import binascii
import json
from typing import Any

from portal.dev.google_emulator.errors import Json


class InvalidToken(Exception):
    """Not a token of this kind."""


def encode_token(kind: str, value: Json) -> str:
    """A token that carries `value`."""
    text = json.dumps({"t": kind, **value}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_token(token: str, kind: str) -> dict[str, Any]:
    """The value that `encode_token` put in.

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
