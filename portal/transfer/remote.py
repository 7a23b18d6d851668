"""Reads offerings from another portal's API, page after page, and sends the token nowhere else.

A Link or a redirect to another origin (scheme, host or port) is refused, not followed without the token: whoever
asked named one portal, and offerings from elsewhere are not what they asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import IO, Any, cast
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from portal.errors import PortalError
from portal.transfer.importer import Unreadable, read_records

CONNECT_SECONDS = 10
READ_SECONDS = 60
RETRIES = 4
CONNECT_RETRIES = 2
PAGE_SIZE = 100
MAX_REDIRECTS = 5
# Of an answer that is no success, so many bytes are read.
MOST_SAID = 64 * 1024
_PORTS = {"http": 80, "https": 443}


class RemoteError(PortalError):
    """The other portal did not answer as its documentation says; the message says how."""


class _TokenAuth(requests.auth.AuthBase):
    """The token, or nothing. Being there keeps passwords of a .netrc file out of the requests."""

    def __init__(self, token: str) -> None:
        self._token = token

    @property
    def given(self) -> bool:
        """Whether there is a token at all."""
        return bool(self._token)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Token {self._token}"
        return request


class RemoteOfferings:
    """The offerings at `url`, an address of `/api/booking-offerings/` or of one offering.

    Iterating asks for the pages, one at a time. `total` is what the first answer said about their number.
    `backoff` is the time (seconds) that retries start from. Raises RemoteError where the address is none.
    """

    def __init__(self, url: str, token: str = "", *, backoff: float = 1.0) -> None:
        self.total: int | None = None
        self._first = _with_page_size(url)
        self._origin = _origin(url)
        if not self._origin:
            raise RemoteError(f"{url} is not an http or https address.")
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise RemoteError("The token holds characters that no token has.")
        self._auth = _TokenAuth(token)
        self._retry = Retry(
            total=RETRIES,
            # Nobody there at all is rarely a matter of seconds.
            connect=CONNECT_RETRIES,
            backoff_factor=backoff,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods=("GET",),
            raise_on_status=False,
            redirect=False,
        )

    def __iter__(self) -> Iterator[Any]:
        seen: set[str] = set()
        url: str | None = self._first
        with requests.Session() as session:
            session.auth = self._auth
            session.headers["Accept"] = "application/json"
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=self._retry))
            while url is not None:
                if url in seen:
                    raise RemoteError(f"The pages go round in a circle: {url} was there before.")
                seen.add(url)
                with closing(self._get(session, url)) as response:
                    yield from self._records(response)
                    url = self._next(response)

    def _get(self, session: requests.Session, url: str) -> requests.Response:
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = session.get(url, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True, allow_redirects=False)
            except requests.RequestException as error:
                raise RemoteError(f"{_host(url)} could not be reached ({_reason(error)}).") from error
            if response.status_code not in (301, 302, 303, 307, 308):
                self._check(response, url)
                return response
            response.close()
            url = self._same_origin(urljoin(url, response.headers.get("Location", "")), "redirects to")
        raise RemoteError(f"{_host(url)} redirects again and again.")

    def _check(self, response: requests.Response, url: str) -> None:
        status = response.status_code
        if status == 200:
            kind = response.headers.get("Content-Type", "")
            if "html" in kind:
                response.close()
                raise RemoteError(f"{url} answers with a web page, not with JSON: is it the address of the API?")
            return
        said = _said(response)
        response.close()
        if status in (401, 403):
            if self._auth.given:
                raise RemoteError(f"{_host(url)} does not accept the token ({status}{said}).")
            raise RemoteError(f"{_host(url)} wants a token ({status}{said}). Give one with --token or --token-stdin.")
        if status == 404:
            raise RemoteError(f"There is nothing at {url} (404{said}).")
        raise RemoteError(f"{_host(url)} answered with {status}{said}.")

    def _records(self, response: requests.Response) -> Iterator[Any]:
        if self.total is None:
            total = response.headers.get("X-Result-Count", "")
            self.total = int(total) if total.isascii() and total.isdigit() else None
        response.raw.decode_content = True
        try:
            yield from read_records(cast(IO[bytes], response.raw))
        except Unreadable as error:
            raise RemoteError(f"{response.url}: {error.message}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise RemoteError(f"{_host(response.url)} stopped answering ({_reason(error)}).") from error

    def _next(self, response: requests.Response) -> str | None:
        link = response.links.get("next", {}).get("url")
        return None if link is None else self._same_origin(urljoin(response.url, link), "names the next page at")

    def _same_origin(self, url: str, how: str) -> str:
        if _origin(url) != self._origin:
            raise RemoteError(f"{_host(self._first)} {how} another address ({url}); it is not followed.")
        return url


def is_url(text: str) -> bool:
    """Whether a text names something to fetch rather than a file."""
    return text.lower().startswith(("http://", "https://"))


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2]


def _with_page_size(url: str) -> str:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not any(name == "page_size" for name, _ in query):
        query.append(("page_size", str(PAGE_SIZE)))
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def _said(response: requests.Response) -> str:
    """What the other portal says about it, if that is short."""
    try:
        # Bounded: whatever else is at that address may send without end.
        body = response.raw.read(MOST_SAID, decode_content=True)
        detail = json.loads(body).get("detail", "")
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError):
        return ""
    return f": {detail[:200]}" if isinstance(detail, str) and detail else ""


def _reason(error: Exception) -> str:
    """The innermost cause, without the addresses of objects that the libraries put around it."""
    cause: BaseException = error
    while cause.args and isinstance(cause.args[0], BaseException):
        cause = cause.args[0]
    found = getattr(cause, "reason", None)
    text = str(found if isinstance(found, BaseException) else cause)
    return text.rpartition(">: ")[2] or type(cause).__name__
