"""Which links are accepted, and which stored links a page may use as `href` or `src`.

Earlier versions accepted any link from imports and forms, so pages show other links as plain text. Allowed schemes are
listed, since the dangerous ones (javascript, data, vbscript, blob, file …) cannot all be listed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from urllib.parse import SplitResult, urlsplit

# The web, mail, telephone, and ways to log in to a machine or to fetch data. Not smb and file, which can send a Windows
# password hash to the host.
HREF_SCHEMES = frozenset({"http", "https", "mailto", "tel", "ssh", "sftp", "ftp", "ftps", "rdp", "vnc"})
SRC_SCHEMES = frozenset({"http", "https"})
# Web pages and mail addresses.
PAGE_SCHEMES = SRC_SCHEMES | {"mailto"}
_PORTS = {"http": 80, "https": 443}
_WITHOUT_HOST = frozenset({"mailto", "tel"})
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.ASCII | re.IGNORECASE)


def safe_href(link: object) -> str | None:
    """The stripped link if it may be an `href`, else None.

    It has to be absolute, with one of `HREF_SCHEMES`, and a host if the scheme needs one. Refused are characters that
    browsers drop or interpret differently (control characters, spaces, backslashes, invisible characters), and web
    links with a user name before the host, which look like another site.
    """
    return _allowed(link, HREF_SCHEMES)


def safe_src(link: object) -> str | None:
    """The link if a page may load it as a picture or file: as `safe_href`, but http and https only."""
    return _allowed(link, SRC_SCHEMES)


def is_link(text: str, schemes: Collection[str]) -> bool:
    """Whether a text is exactly an absolute link of one of these schemes."""
    return _allowed(text, schemes) == text


def is_from(link: str, sources: Iterable[str]) -> bool:
    """Whether a web link leads to one of these sources: https://host, https://host:port or https://*.host."""
    parts = urlsplit(link.strip(" "))
    for source in sources:
        allowed = urlsplit(source)
        if parts.scheme != allowed.scheme or _port(parts) != _port(allowed):
            continue
        host, wanted = parts.hostname or "", allowed.hostname or ""
        if host == wanted or (wanted.startswith("*.") and host.endswith(wanted[1:])):
            return True
    return False


def _port(parts: SplitResult) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)


def _allowed(link: object, schemes: Collection[str]) -> str | None:
    if not isinstance(link, str):
        return None
    link = link.strip(" ")
    if "\\" in link or any(sign == " " or not sign.isprintable() for sign in link):
        return None
    scheme = _SCHEME.match(link)
    if scheme is None or (name := scheme[1].lower()) not in schemes:
        return None
    if name in _WITHOUT_HOST:
        return link if len(link) > scheme.end() else None
    try:
        parts = urlsplit(link)
        host, user, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        return None
    if not host or (name in SRC_SCHEMES and user is not None):
        return None
    return link
