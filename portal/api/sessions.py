"""Sessions in a signed cookie, as Flask makes them, and none for the API and files."""

from __future__ import annotations

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from portal.domain.paths import is_api

# Pictures on pages: browsers send no token with these.
MEDIA = "/api/media/"


class Sessions(SecureCookieSessionInterface):
    """The API takes no cookie, except for pictures. A browser without one needs no signature checked."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        takes_none = is_api(request.path) and not request.path.startswith(MEDIA)
        if takes_none or f"{self.get_cookie_name(app)}=" not in request.environ.get("HTTP_COOKIE", ""):
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        # Flask-Login looks into each session, for which Flask would add `Vary: Cookie`.
        if response.mimetype == "text/html" or not (is_api(request.path) or request.endpoint == "static"):
            super().save_session(app, session, response)
