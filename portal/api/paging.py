"""The Link header of a list (docs/api.md, Lists): first, prev, next, last, as complete URLs without raw commas."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qs, urlencode

from flask import request
from werkzeug.sansio.utils import get_current_url

from portal.api.errors import Refused


def base_url() -> str:
    """The address of this portal as the client called it, without a slash at the end.

    Raises Refused (400) where the Host header is none: the framework leaves such a host out of the address.
    """
    host = request.host
    if not host:
        raise Refused(400, {"detail": "Invalid Host header."})
    return _base_url(request.scheme, host, request.root_path)


@lru_cache(maxsize=256)
def _base_url(scheme: str, host: str, root: str) -> str:
    return get_current_url(scheme, host, root).rstrip("/")


# Bytes of a Link header: room for 100 values of a filter. Proxies take as much for all headers of an answer.
LONGEST_LINK = 8000
LONGEST_KEPT = 1000


def link_header(number: int, last: int) -> str:
    """The Link header of page `number` of `last`. The first page's address has no `page`.

    With a long query only the next page is named, which is what clients follow (on the last page, that one). Raises
    Refused (414) where the query is too long for that.
    """
    # Long ones are not kept: there may be many.
    make = _link_header if len(request.query_string) <= LONGEST_KEPT else _link_header.__wrapped__
    header = make(f"{base_url()}{request.path}", request.query_string, number, last)
    if len(header) > LONGEST_LINK:
        raise Refused(414, {"detail": "The query is too long: use fewer or shorter parameters."})
    return header


@lru_cache(maxsize=256)
def _link_header(path: str, query_string: bytes, number: int, last: int) -> str:
    query = parse_qs(query_string.decode("utf-8", "replace"), keep_blank_values=True)

    def entry(rel: str, page: int) -> str:
        wanted = {**query, "page": [str(page)]} if page > 1 else {k: v for k, v in query.items() if k != "page"}
        # urlencode() escapes the comma, at which the published client cuts the header.
        encoded = urlencode(sorted(wanted.items()), doseq=True)
        return f'<{path}{"?" if encoded else ""}{encoded}>; rel="{rel}"'

    entries = [entry("first", 1)]
    if number > 1:
        entries.append(entry("prev", number - 1))
    if number < last:
        entries.append(entry("next", number + 1))
    entries.append(entry("last", last))
    header = ", ".join(entries)
    if len(header) <= LONGEST_LINK:
        return header
    return entry("next", number + 1) if number < last else entry("last", last)
