"""Reads offerings from another portal's API, page after page, and sends the token nowhere else.

A Link or a redirect to another origin (scheme, host or port) is refused, not followed without the token: whoever
asked named one portal, and offerings from elsewhere are not what they asked for.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from urllib3.util import parse_url

from portal.domain.texts import visible
from portal.transfer.json_records import MAX_RECORDS, Entry, Unreadable, read_records
from portal.transfer.remote_response import RemoteError, ResponseStream, call_within

CONNECT_SECONDS = 10
READ_SECONDS = 60
# For each answer: until its headers are there, and again until its body is.
ANSWER_SECONDS = 300
RETRIES = 4
CONNECT_RETRIES = 2
RETRIED = frozenset({429, 500, 502, 503, 504})
# Whatever Retry-After says.
LONGEST_PAUSE = 60
PAGE_SIZE = 100
MAX_REDIRECTS = 5
MAX_PAGES = 100_000
# Of an answer that is no success, so many bytes are read, and for so many seconds.
ERROR_BYTES = 64 * 1024
ERROR_SECONDS = 10
LONGEST_URL = 8000
_PORTS = {"http": 80, "https": 443}


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


class _Session(requests.Session):
    """A session that leaves redirects to its caller."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # Else the body of a redirect would be read whole, even of one that is not followed.
        return None


class RemoteOfferings:
    """The offerings at `url`, an address of `/api/booking-offerings/` or of one offering.

    Iterating asks for the pages, one at a time. `total` is their number according to the first answer. `missing` says
    after that, as a sentence, how many the server counted and did not send; "" if it sent them all. `before_wait` is
    called, with a sentence, before each time that it waits for a busy server.
    `backoff` is the time (seconds) that retries start from, `patience` how long each answer is waited for. Raises
    RemoteError where the address is none.
    """

    def __init__(self, url: str, token: str = "", *, backoff: float = 1.0, patience: float = ANSWER_SECONDS) -> None:
        self.total: int | None = None
        self.missing = ""
        self.before_wait: list[Callable[[str], None]] = []
        self._counted: int | None = None
        self._first = _with_page_size(url)
        self._origin = _origin(url)
        if not self._origin:
            raise RemoteError(f"{visible(url, 200)} is not an http or https address.")
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise RemoteError("The token holds characters that no token has.")
        self._auth = _TokenAuth(token)
        self._backoff = backoff
        self._patience = patience

    def __iter__(self) -> Iterator[Entry]:
        seen: set[str] = set()
        records = 0
        url: str | None = self._first
        with _Session() as session:
            session.auth = self._auth
            session.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip"})
            while url is not None:
                if url in seen:
                    raise RemoteError(f"The pages go round in a circle: {visible(url, 200)} was there before.")
                seen.add(url)
                with closing(self._get(session, url)) as response:
                    before = records
                    for entry in self._records(response):
                        records += 1
                        yield entry
                    url = self._next(response)
                if url is not None and (records == before or records > MAX_RECORDS or len(seen) >= MAX_PAGES):
                    what = "An empty page names another one" if records == before else "There are too many pages"
                    raise RemoteError(f"{what}, so the import ended: is it the address of a list of offerings?")
        self._compare(records)

    def _compare(self, records: int) -> None:
        """Compare what came with what the server counts (X-Result-Count), unless the address is of a later page."""
        first_page = dict(parse_qsl(urlsplit(self._first).query)).get("page", "1") == "1"
        if first_page and self._counted is not None and records < self._counted:
            self.missing = (
                f"{_host(self._first)} counts {self._counted:,} offerings and sent {records:,}, without naming a next "
                "page: the import is incomplete."
            )

    def _get(self, session: requests.Session, url: str) -> requests.Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._request(session, url)
            if response.status_code not in (301, 302, 303, 307, 308):
                self._check(response, url)
                return response
            response.close()
            url = self._same_origin(url, response.headers.get("Location", ""), "redirects to")
        raise RemoteError(f"{_host(url)} redirects again and again.")

    def _request(self, session: requests.Session, url: str) -> requests.Response:
        """The answer, asked for again where the server is busy or the connection breaks."""
        timeout = (CONNECT_SECONDS, READ_SECONDS)
        call = partial(session.get, url, timeout=timeout, stream=True, allow_redirects=False)
        late = f"{_host(url)} did not answer within {self._patience:g} seconds."
        for attempt in range(RETRIES + 1):
            pause = self._backoff * 2**attempt
            try:
                response = call_within(call, self._patience, late)
            except requests.RequestException as error:
                # Nobody there at all is rarely a matter of seconds.
                if attempt >= CONNECT_RETRIES:
                    raise RemoteError(f"{_host(url)} could not be reached ({_reason(error)}).") from error
            else:
                if response.status_code not in RETRIED or attempt == RETRIES:
                    return response
                response.close()
                wanted = _retry_after(response)
                pause = max(pause, wanted)
                self._announce(f"{_host(url)} is busy ({response.status_code})", min(pause, LONGEST_PAUSE), wanted)
            time.sleep(min(pause, LONGEST_PAUSE))
        raise AssertionError("the last attempt returns or raises")

    def _announce(self, what: str, pause: float, wanted: int) -> None:
        asked = f" and asks to wait {wanted:,} seconds" if wanted else ""
        for call in self.before_wait:
            call(f"{what}{asked}. Trying again in {pause:,.0f} seconds.")

    def _check(self, response: requests.Response, url: str) -> None:
        status = response.status_code
        if status == 200:
            kind = response.headers.get("Content-Type", "")
            if "html" in kind:
                response.close()
                raise RemoteError(
                    f"{visible(url, 200)} answers with a web page, not with JSON: is it the address of the API?"
                )
            return
        said = _error_detail(response)
        response.close()
        if status in (401, 403):
            if self._auth.given:
                raise RemoteError(f"{_host(url)} does not accept the token ({status}{said}).")
            raise RemoteError(f"{_host(url)} wants a token ({status}{said}). Give one with --token or --token-stdin.")
        if status == 404:
            raise RemoteError(f"There is nothing at {visible(url, 200)} (404{said}).")
        later = _retry_after(response)
        when = f" It asks to wait {later:,} seconds: run the import again after that." if later else ""
        raise RemoteError(f"{_host(url)} answered with {status}{said}.{when}")

    def _records(self, response: requests.Response) -> Iterator[Entry]:
        total = response.headers.get("X-Result-Count", "")
        self._counted = int(total) if total.isascii() and total.isdigit() and len(total) < 12 else self._counted
        if self.total is None:
            self.total = self._counted
        try:
            yield from read_records(ResponseStream(response, self._patience))
        except (Unreadable, RemoteError) as error:
            raise RemoteError(f"{visible(response.url, 200)}: {error.message}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise RemoteError(f"{_host(response.url)} stopped answering ({_reason(error)}).") from error

    def _next(self, response: requests.Response) -> str | None:
        link = response.links.get("next", {}).get("url")
        return None if link is None else self._same_origin(response.url, link, "names the next page at")

    def _same_origin(self, base: str, link: str, how: str) -> str:
        """The address that a link leads to, if that is at the same origin."""
        try:
            url = urljoin(base, link)
        except ValueError:
            url = link
        shown = visible(url, 200)
        if _origin(url) != self._origin:
            raise RemoteError(f"{_host(self._first)} {how} another address ({shown}); it is not followed.")
        if len(url) > LONGEST_URL:
            raise RemoteError(f"{_host(self._first)} {how} an address of {len(url):,} characters ({shown} …).")
        return url


def is_url(text: str) -> bool:
    """Whether a text names something to fetch rather than a file."""
    return text.lower().startswith(("http://", "https://"))


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port as the request will have them; None where there would be none.

    Read by the parser that the connection is made with: others take another part of http://one\\@two/ for the host.
    """
    try:
        parts = parse_url(requests.Request("GET", url).prepare().url or "")
    except (ValueError, requests.RequestException):
        return None
    if parts.scheme not in _PORTS or not parts.host:
        return None
    return parts.scheme, parts.host.lower(), parts.port or _PORTS[parts.scheme]


def _host(url: str) -> str:
    found = _origin(url)
    if found is None:
        return "The server"
    scheme, host, port = found
    return visible(host if port == _PORTS[scheme] else f"{host}:{port}", 200)


def _with_page_size(url: str) -> str:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not any(name == "page_size" for name, _ in query):
        query.append(("page_size", str(PAGE_SIZE)))
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def _retry_after(response: requests.Response) -> int:
    """The seconds, given as a number or a time, that a busy server asks to wait; 0 if it does not say."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    # Such times are UTC, whether they say so or not.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, math.ceil(moment.timestamp() - time.time()))


def _error_detail(response: requests.Response) -> str:
    """What the other portal says about it, if that is short."""
    try:
        # Bounded: whatever else is at that address may send without end.
        body, said = ResponseStream(response, ERROR_SECONDS), b""
        while len(said) < ERROR_BYTES and (piece := body.read(ERROR_BYTES - len(said))):
            said += piece
        detail = json.loads(said).get("detail", "")
    except (
        *(requests.RequestException, urllib3.exceptions.HTTPError, RemoteError, OSError, ValueError),
        *(AttributeError, RecursionError),
    ):
        return ""
    return f": {visible(detail, 200)}" if isinstance(detail, str) and detail else ""


def _reason(error: Exception) -> str:
    """The innermost cause, without the addresses of objects that the libraries put around it."""
    cause: BaseException = error
    while cause.args and isinstance(cause.args[0], BaseException):
        cause = cause.args[0]
    found = getattr(cause, "reason", None)
    text = str(found if isinstance(found, BaseException) else cause)
    return visible(text.rpartition(">: ")[2], 300) or type(cause).__name__
