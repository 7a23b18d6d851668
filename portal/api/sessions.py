"""Sessions in a signed cookie, as in Flask, and none for the API."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from portal.domain.paths import is_api

# Pictures on pages: browsers send no token with these.
MEDIA = "/api/media/"


class Sessions(SecureCookieSessionInterface):
    """The API accepts no cookie, except for pictures. Without a cookie, no signature has to be checked."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        takes_none = is_api(request.path) and not request.path.startswith(MEDIA)
        if takes_none or f"{self.get_cookie_name(app)}=" not in request.environ.get("HTTP_COOKIE", ""):
            return self.session_class()
        return super().open_session(app, request)
