"""Sessions in a signed cookie, as Flask makes them, and none for the JSON face."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from portal.api.responses import is_api

# Pictures on pages: no browser sends a token with these.
MEDIA = "/api/media/"


class Sessions(SecureCookieSessionInterface):
    """The API takes no cookie, but for pictures. A browser without one needs no signature checked."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        takes_none = is_api(request.path) and not request.path.startswith(MEDIA)
        if takes_none or f"{self.get_cookie_name(app)}=" not in request.environ.get("HTTP_COOKIE", ""):
            return self.session_class()
        return super().open_session(app, request)
