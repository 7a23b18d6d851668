"""The headers of every response: security headers, cross-origin access, and whether it may be cached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from portal.config import Settings
from portal.domain.http_headers import (
    API_CACHE_CONTROL,
    API_VARY,
    COMMON_HEADERS,
    CROSS_ORIGIN_HEADERS,
    HSTS,
    NO_STORE,
    NON_PAGE_POLICY,
    PAGE_HEADERS,
    allows_cross_origin,
)
from portal.domain.paths import is_api

Wsgi = Callable[..., Iterable[bytes]]
Headers = list[tuple[str, str]]


def content_policy(settings: Settings) -> str:
    """The content security policy of pages: our own files, and pictures from PICTURE_HOSTS. Nothing inline.

    A picture from anywhere would tell its host who looks at which page, and when. Forms may also lead to Google's
    consent page: browsers apply form-action to where a form is redirected.
    """
    consent = urlsplit(settings.google_auth_uri)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(("img-src 'self' data:", *settings.picture_hosts)),
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            f"form-action 'self' {consent.scheme}://{consent.netloc}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class ResponseHeaders:
    """WSGI middleware: adds each header that the response does not have.

    Middleware and not an after_request function: one pass over a list costs less time than Flask's headers, and covers
    what Flask does not create.
    """

    def __init__(self, application: Wsgi, settings: Settings) -> None:
        self._application = application
        self._secure = settings.secure_cookies
        self._page: Headers = [
            *COMMON_HEADERS.items(),
            *PAGE_HEADERS.items(),
            ("Content-Security-Policy", content_policy(settings)),
        ]
        self._other: Headers = [*COMMON_HEADERS.items(), ("Content-Security-Policy", NON_PAGE_POLICY)]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: Headers, *problem: Any) -> Any:
            complete = self._complete(headers, environ, is_copy=status.startswith("304"))
            return start_response(status, complete, *problem)

        return self._application(environ, start)

    def _complete(self, given: Headers, environ: dict[str, Any], *, is_copy: bool) -> Headers:
        """`is_copy`: 304 Not Modified, whose headers a browser puts in place of those of its copy.

        It does not say of which type the copy is, so the copy keeps the policies that it came with.
        """
        present = {name.lower(): value for name, value in given}
        is_page = present.get("content-type", "").startswith("text/html")
        wanted = [] if is_copy else list(self._page if is_page else self._other)
        if self._secure or environ["wsgi.url_scheme"] == "https":
            wanted.append(("Strict-Transport-Security", HSTS))
        path = environ.get("PATH_INFO", "")
        if is_api(path):
            if allows_cross_origin(path):
                wanted += CROSS_ORIGIN_HEADERS.items()
            if "cache-control" not in present:
                wanted.append(("Cache-Control", API_CACHE_CONTROL))
                # A response that says how it may be cached says for whom, too.
                given = _vary(given, present.get("vary"))
        elif "cache-control" not in present and not is_copy:
            wanted.append(("Cache-Control", NO_STORE))
        return given + [header for header in wanted if header[0].lower() not in present]


def _vary(headers: Headers, present: str | None) -> Headers:
    if present is None:
        return [*headers, ("Vary", ", ".join(API_VARY))]
    known = {name.strip().lower() for name in present.split(",")}
    value = ", ".join((present, *(name for name in API_VARY if name.lower() not in known)))
    return [("Vary", value) if name.lower() == "vary" else (name, text) for name, text in headers]
