"""Static files under addresses that can be cached for ever, packed beforehand where the set-up did so.

An address holds a digest of everything under static/: /static/~<digest>/css/base.css. Style sheets and modules name
each other by relative paths, and so lead to the same digest. Files are read once; whoever changes one starts anew.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flask import Flask, Response, abort, current_app, request, session

from portal.domain.encodings import IDENTITY, SUFFIXES, packed_name, wanted

FONTS = ("vendor/fonts/instrument-sans-latin.woff2",)
HTMX = "vendor/htmx.min.js"
PACKED = "packed"
FOR_EVER = "public, max-age=31536000, immutable"
# Whoever comes with an older digest, or without one, asks again each time.
ASK_AGAIN = "public, no-cache"
_EXTENSION = "portal.static"
_VERSION = "~"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file with its bodies by encoding, identity always among them."""

    mimetype: str
    digest: str
    bodies: dict[str, bytes]


class Shelf:
    """All files under static/, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def files(self) -> dict[str, StaticFile]:
        """Read when they are first asked for."""
        found = {}
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if path.is_file() and not name.startswith((".", f"{PACKED}/")):
                found[name] = self._read(path)
        return found

    @cached_property
    def version(self) -> str:
        """Changes with any of the files."""
        names = "\n".join(f"{name} {file.digest}" for name, file in self.files.items())
        return hashlib.sha256(names.encode()).hexdigest()[:12]

    def _read(self, path: Path) -> StaticFile:
        body = path.read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:32]
        bodies = {IDENTITY: body}
        for encoding in SUFFIXES:
            packed = self._folder / PACKED / packed_name(digest, encoding)
            if packed.is_file():
                bodies[encoding] = packed.read_bytes()
        return StaticFile(mimetypes.guess_type(path.name)[0] or "application/octet-stream", digest, bodies)


def register_assets(app: Flask) -> None:
    """Answer /static/ from the shelf."""
    mimetypes.add_type("font/woff2", ".woff2")
    mimetypes.add_type("text/javascript", ".js")
    app.extensions[_EXTENSION] = Shelf(Path(app.static_folder or ""))
    app.view_functions["static"] = send
    # Functions after a request run in reverse, and this one has to be the last.
    app.after_request_funcs.setdefault(None, []).insert(0, _forget_session)


def _forget_session(response: Response) -> Response:
    """A file is the same for everybody. (Flask-Login looks into each session, and Flask says `Vary: Cookie` for it.)"""
    if request.endpoint == "static" and response.mimetype != "text/html":
        session.accessed = False
    return response


def _shelf() -> Shelf:
    found: Shelf = current_app.extensions[_EXTENSION]
    return found


def send(filename: str) -> Response:
    """A static file, with or without the digest ahead of its name."""
    shelf = _shelf()
    version = ""
    if filename.startswith(_VERSION):
        version, _, filename = filename[1:].partition("/")
    file = shelf.files.get(filename)
    if file is None:
        abort(404)
    # A part is a part of the file as it is.
    accepted = "" if "Range" in request.headers else request.headers.get("Accept-Encoding", "")
    encoding = wanted(accepted, tuple(name for name in SUFFIXES if name in file.bodies))
    body = file.bodies[encoding]
    response = Response(body, mimetype=file.mimetype)
    response.set_etag(file.digest)
    response.headers["Cache-Control"] = FOR_EVER if version == shelf.version else ASK_AGAIN
    response.make_conditional(request, accept_ranges=True, complete_length=len(body))
    if encoding != IDENTITY and response.status_code == 200:
        response.headers["Content-Encoding"] = encoding
    return response


def static_url(name: str) -> str:
    """The address of a file under static/, with the digest in it."""
    shelf = _shelf()
    version = f"{_VERSION}{shelf.version}/" if name in shelf.files else ""
    return f"{request.script_root}{current_app.static_url_path}/{version}{name}"


def present(name: str) -> str | None:
    """The name itself where there is such a static file: what comes from npm may be missing."""
    return name if name in _shelf().files else None
