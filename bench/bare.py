"""The same bytes with nothing around them: a bare Flask view, and a bare WSGI callable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Response

from portal.asgi import AsgiApplication

BODIES = Path(os.environ.get("BENCH_BODIES", "."))
_bodies = {file.name: file.read_bytes() for file in BODIES.glob("*.body")}

_THREADS = min(8, 2 * (os.cpu_count() or 1))
_flask = Flask("bare")


@_flask.get("/<name>")
def body(name: str) -> Response:
    """One of the bodies."""
    return Response(_bodies[name], mimetype="application/json")


@_flask.get("/304/<name>")
def not_modified(name: str) -> Response:
    """A 304."""
    response = Response(status=304)
    response.set_etag(name)
    return response


def _wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The same without a framework."""
    found = _bodies[environ["PATH_INFO"].rpartition("/")[2]]
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(found)))])
    return [found]


flask_app = AsgiApplication(_flask, _wsgi, threads=_THREADS, most_bytes=0)
wsgi_app = AsgiApplication(_wsgi, _wsgi, threads=_THREADS, most_bytes=0)
