"""Browsers in which somebody has signed in before: each holds a signed cookie that says so, and nothing about whom.

The cookie lets nobody in. It only decides which guesses a password counts against (portal.services.throttle). An entry
hangs on the person's `session_key`: after a new password, or being deactivated, every browser is unknown again.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from hmac import compare_digest

from itsdangerous import BadData, URLSafeTimedSerializer

from portal.extensions import settings
from portal.models import User

# As long as browsers keep a cookie. Each sign-in begins it anew.
LASTS = timedelta(days=400)
# People who may share a browser; of more, those who signed in last.
MAX_PEOPLE = 8


def recognize(cookie: str, user: User | None) -> str:
    """What the browser with this cookie is called where this person signed in there before, else "".

    The same work where there is no such person.
    """
    for name, proof in _entries(cookie):
        if compare_digest(proof, _proof(name, user)):
            return name
    return ""


def remember(cookie: str, user: User) -> str:
    """The cookie for a browser in which this person has just proved who they are; `cookie` is what it had."""
    known = recognize(cookie, user)
    name = known or secrets.token_urlsafe(12)
    others = [entry for entry in _entries(cookie) if entry[0] != known]
    return str(_serializer().dumps([[name, _proof(name, user)], *others][:MAX_PEOPLE]))


def _entries(cookie: str) -> list[tuple[str, str]]:
    try:
        entries = _serializer().loads(cookie, max_age=int(LASTS.total_seconds()))
    except BadData:
        return []
    # Signed with the portal's own key, for this purpose: it has the shape it was made with.
    return [(str(name), str(proof)) for name, proof in entries]


def _proof(name: str, user: User | None) -> str:
    # No cookie has the proof of nobody: only people sign in.
    owner = (user.uuid, user.session_key) if user is not None else ("nobody", "")
    return hashlib.sha256("\n".join(map(str, (name, *owner))).encode()).hexdigest()[:32]


def _serializer() -> URLSafeTimedSerializer:
    # The library signs with the last key and takes any; the setting names the present one first.
    return URLSafeTimedSerializer(settings().secret_key.split(",")[::-1], salt="known-browser")
