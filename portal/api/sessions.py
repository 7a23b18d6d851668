"""Sessions in a signed cookie, as Flask makes them, and none for the JSON face."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from portal.api.responses import is_api


class Sessions(SecureCookieSessionInterface):
    """The API takes no cookie, and a browser without one needs no signature checked (nor what checks it made)."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if is_api(request.path) or f"{self.get_cookie_name(app)}=" not in request.environ.get("HTTP_COOKIE", ""):
            return self.session_class()
        return super().open_session(app, request)
