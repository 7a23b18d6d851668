"""Addresses of static files, with a digest of the content in them, so that they can be cached for ever."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import current_app, url_for

FONTS = ("vendor/fonts/instrument-sans-latin.woff2",)
HTMX = "vendor/htmx.min.js"


@lru_cache(maxsize=256)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _file(name: str) -> Path:
    return Path(current_app.static_folder or "") / name


def static_url(name: str) -> str:
    """The address of a file under static/, with its content's digest as `v`."""
    path = _file(name)
    if not path.is_file():
        return url_for("static", filename=name)
    return url_for("static", filename=name, v=_digest(path, path.stat().st_mtime_ns))


def present(name: str) -> str | None:
    """The name itself where there is such a static file: what comes from npm may be missing."""
    return name if _file(name).is_file() else None
