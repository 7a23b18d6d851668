"""POST /batch/calendar/v3: several calls in one HTTP request, each with its own response.

Google handles the parts in any order, so they and their responses are shuffled here: a client that relies on an order
fails.
"""

import json
import random
import secrets
from email.message import Message
from email.parser import BytesParser, FeedParser
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from flask import Blueprint, Response, current_app, request
from werkzeug.test import run_wsgi_app

from portal.dev.google_emulator.errors import bad_request
from portal.dev.google_emulator.state import current_state

blueprint = Blueprint("batch", __name__)
_SHUFFLE = random.Random()  # noqa: S311 - no secret


@blueprint.post("/batch/calendar/v3")
def perform() -> Response:
    """Perform every part; the request as a whole fails only where it cannot be parsed or has too many parts."""
    head = f"Content-Type: {request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + request.get_data())
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list) or not parts:
        raise bad_request("Failed to parse batch request, error: 0 items in batch.", "badRequest")
    limit = current_state().batch_limit
    if len(parts) > limit:
        raise bad_request(f"The batch request has {len(parts)} calls; at most {limit} are allowed.", "badRequest")
    order = list(parts)
    _SHUFFLE.shuffle(order)
    boundary = f"batch_{secrets.token_urlsafe(16)}"
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), _answer(part)) for part in order)
    body += b"--%s--\r\n" % boundary.encode()
    return Response(body, content_type=f"multipart/mixed; boundary={boundary}")


def _answer(part: Message) -> bytes:
    """One part of the response, in application/http."""
    status, headers, content = _part(str(part.get_payload()))
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers)]
    head = "Content-Type: application/http\r\n"
    if "Content-ID" in part:
        name = str(part["Content-ID"]).replace("\r\n", "").replace("\n", "").removeprefix("<")
        head += f"Content-ID: <response-{name}\r\n"
    return (head + "\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + content


def _part(text: str) -> tuple[int, list[tuple[str, str]], bytes]:
    current_state().counters.part()
    first, _, rest = text.lstrip("\r\n").partition("\n")
    words = first.strip().split(" ")
    parser = FeedParser()
    parser.feed(rest)
    inner = parser.close()
    if len(words) != 3 or not urlsplit(words[1]).path.startswith("/calendar/v3/"):
        content = json.dumps(bad_request("Failed to parse batch part.", "badRequest").body()).encode()
        return 400, [("Content-Type", "application/json; charset=UTF-8")], content
    target = urlsplit(words[1])
    return _perform_part(words[0].upper(), target.path, target.query, inner)


def _perform_part(verb: str, path: str, query: str, inner: Message) -> tuple[int, list[tuple[str, str]], bytes]:
    """Perform one part through the whole application, like a request of its own."""
    content = str(inner.get_payload() or "").encode()
    environ: dict[str, Any] = {
        **{name: request.environ[name] for name in ("SERVER_NAME", "SERVER_PORT", "HTTP_HOST", "wsgi.url_scheme")},
        "REQUEST_METHOD": verb,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(content)),
        "CONTENT_TYPE": str(inner.get("Content-Type", "")),
        "wsgi.version": (1, 0),
        "wsgi.input": BytesIO(content),
        "wsgi.errors": request.environ["wsgi.errors"],
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "emulator.part": True,
        "emulator.fault": current_state().faults.take(verb, path, part=True),
    }
    if "HTTP_AUTHORIZATION" in request.environ:
        environ["HTTP_AUTHORIZATION"] = request.environ["HTTP_AUTHORIZATION"]
    for name, value in inner.items():
        if name.lower() not in ("content-type", "content-length", "host"):
            environ["HTTP_" + name.upper().replace("-", "_")] = str(value)
    chunks, status, headers = run_wsgi_app(current_app.wsgi_app, environ)
    body = b"".join(chunks)
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "x-emulator")]
    return int(status.split()[0]), [*kept, ("Content-Length", str(len(body)))], body
