"""The same bytes with nothing around them: a bare Flask view, and a bare WSGI callable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Response

BODIES = Path(os.environ.get("BENCH_BODIES", "."))
_bodies = {file.name: file.read_bytes() for file in BODIES.glob("*.body")}

flask_app = Flask("bare")


@flask_app.get("/<name>")
def body(name: str) -> Response:
    """One of the bodies."""
    return Response(_bodies[name], mimetype="application/json")


@flask_app.get("/304/<name>")
def not_modified(name: str) -> Response:
    """A 304."""
    response = Response(status=304)
    response.set_etag(name)
    return response


def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The same without a framework."""
    found = _bodies[environ["PATH_INFO"].rpartition("/")[2]]
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(found)))])
    return [found]
