"""Static files under addresses that can be cached for ever, sent compressed where the set-up compressed them.

An address holds a digest of everything under static/: /static/~<digest>/css/base.css. Style sheets and modules name
each other by relative paths, and so lead to the same digest. Whoever changes a file starts the server anew.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brotli
from flask import Flask, Response, abort, current_app, request

FONTS = ("vendor/fonts/instrument-sans-latin.woff2",)
HTMX = "vendor/htmx.min.js"
FOR_EVER = "public, max-age=31536000, immutable"
# Whoever comes with an older digest, or without one, asks again each time.
ASK_AGAIN = "public, no-cache"
_VERSION = "~"
# How the set-up names what it compressed, beside the file itself (tools/assets.py).
_ENDINGS = {"br": ".br", "gzip": ".gz"}
_DECOMPRESS = {"br": brotli.decompress, "gzip": gzip.decompress}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """The digest of a file, and which of its compressed forms lie beside it."""

    digest: str
    encodings: tuple[str, ...]


@cache
def static_files(folder: str) -> Mapping[str, StaticFile]:
    """All files under a folder, by name. Read once in a process."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_compressed = path.suffix in _ENDINGS.values() and path.with_suffix("").is_file()
        if path.is_file() and not name.startswith(".") and not is_compressed:
            body = path.read_bytes()
            encodings = tuple(encoding for encoding in _ENDINGS if _decompressed(path, encoding) == body)
            found[name] = StaticFile(hashlib.sha256(body).hexdigest()[:32], encodings)
    return found


def _decompressed(path: Path, encoding: str) -> bytes | None:
    """What the compressed form of a file holds: another text, where the file changed since."""
    try:
        body: bytes = _DECOMPRESS[encoding](path.with_name(path.name + _ENDINGS[encoding]).read_bytes())
    except (OSError, EOFError, brotli.error, zlib.error):
        return None
    return body


@cache
def version_of(folder: str) -> str:
    """Changes with any of the files."""
    names = "\n".join(f"{name} {file.digest}" for name, file in static_files(folder).items())
    return hashlib.sha256(names.encode()).hexdigest()[:12]


def register_assets(app: Flask) -> None:
    """Answer /static/ by `send`."""
    mimetypes.add_type("font/woff2", ".woff2")
    mimetypes.add_type("text/javascript", ".js")
    app.view_functions["static"] = send


def _folder() -> str:
    return current_app.static_folder or ""


def send(filename: str) -> Response:
    """A static file, with or without the digest ahead of its name."""
    version = ""
    if filename.startswith(_VERSION):
        version, _, filename = filename[1:].partition("/")
    file = static_files(_folder()).get(filename)
    if file is None:
        abort(404)
    # A range is one of the file as it is.
    encoding = "" if "Range" in request.headers else request.headers["Accept-Encoding"]
    ending = _ENDINGS[encoding] if encoding in file.encodings else ""
    body = Path(_folder(), filename + ending).read_bytes()
    response = Response(body, mimetype=mimetypes.guess_type(filename)[0] or "application/octet-stream")
    response.set_etag(file.digest)
    response.headers["Cache-Control"] = FOR_EVER if version == version_of(_folder()) else ASK_AGAIN
    response.make_conditional(request, accept_ranges=True, complete_length=len(body))
    if ending and response.status_code == 200:
        response.content_encoding = encoding
    return response


def static_url(name: str) -> str:
    """The address of a file under static/, with the digest in it."""
    version = f"{_VERSION}{version_of(_folder())}/" if present(name) else ""
    return f"{request.script_root}{current_app.static_url_path}/{version}{name}"


def present(name: str) -> str | None:
    """The name itself where there is such a static file: what comes from npm may be missing."""
    return name if name in static_files(_folder()) else None
