"""Known browsers: a signed cookie shows that a user has signed in with this browser before, without naming the user.

The cookie gives no access. It only selects the limit that password guesses count against (portal.services.throttle).
It depends on the user's `session_key`: after a new password or a deactivation every browser is unknown again.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from hmac import compare_digest

from itsdangerous import BadData, URLSafeTimedSerializer

from portal.extensions import settings
from portal.models import User

# The longest time for which browsers keep a cookie. Each sign-in renews it.
LASTS = timedelta(days=400)
# Users of a shared browser that are remembered; the latest ones, if there are more.
MAX_PEOPLE = 8


def recognize(cookie: str, user: User | None) -> str:
    """The name of the browser with this cookie if this user signed in there before, else "".

    Takes the same time if there is no such user.
    """
    for name, proof in _entries(cookie):
        if compare_digest(proof, _proof(name, user)):
            return name
    return ""


def remember(cookie: str, user: User) -> str:
    """The new cookie of a browser in which this user has just signed in; `cookie` is its old one."""
    known = recognize(cookie, user)
    name = known or secrets.token_urlsafe(12)
    others = [entry for entry in _entries(cookie) if entry[0] != known]
    return str(_serializer().dumps([[name, _proof(name, user)], *others][:MAX_PEOPLE]))


def _entries(cookie: str) -> list[tuple[str, str]]:
    try:
        entries = _serializer().loads(cookie, max_age=int(LASTS.total_seconds()))
    except BadData:
        return []
    # It was signed by the portal for this purpose, so its structure needs no check.
    return [(str(name), str(proof)) for name, proof in entries]


def _proof(name: str, user: User | None) -> str:
    # No cookie can contain the proof for "nobody".
    owner = (user.uuid, user.session_key) if user is not None else ("nobody", "")
    return hashlib.sha256("\n".join(map(str, (name, *owner))).encode()).hexdigest()[:32]


def _serializer() -> URLSafeTimedSerializer:
    # The library signs with the last key; the setting has the current one first.
    return URLSafeTimedSerializer(settings().secret_key.split(",")[::-1], salt="known-browser")
