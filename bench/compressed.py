"""What compression costs: CPU time for one request of the hot answers, in one process, by Accept-Encoding.

    .venv/bin/python -m bench.compressed

Makes 1,000 offerings in a database of its own under a temporary folder, asks each address some hundred times through
the WSGI application (no server, no network) and prints microseconds of CPU for a request, and the bytes of the answer.
The first column is the second request ever, when the answer is known and was not compressed before.
"""

from __future__ import annotations

import random
import secrets
import tempfile
import time
from collections.abc import Callable
from typing import Any

from flask_migrate import upgrade
from werkzeug.test import create_environ

from bench.data import fill
from portal.app import create_app
from portal.cli.register import register
from portal.config import load_settings
from portal.documents import store
from portal.extensions import transaction
from portal.models import Offering

REQUESTS = 500
API = "/api/booking-offerings/"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = {"SECRET_KEY": secrets.token_hex(32), "INSTANCE_PATH": folder, "LOG_LEVEL": "error"}
        app = create_app(load_settings(settings))
        register(app)
        with app.app_context():
            upgrade()
            key, busiest = fill(1_000, 5_000, 1_000)
            write_texts()
        signed = {"Authorization": f"Token {key}"}
        print(f"{'':28}{'first us':>12}{'us CPU':>12}{'bytes':>12}")
        for name, path, headers in (
            ("list of 10", f"{API}?page_size=10", signed),
            ("list of 100", f"{API}?page_size=100", signed),
            ("one offering", f"{API}{busiest}/", signed),
            ("catalogue page", "/", {}),
            ("style sheet", "/static/css/pages.css", {}),
        ):
            ask(app, environ(path, headers))
            for encoding in ("identity", "gzip", "br"):
                wanted = environ(path, {**headers, "Accept-Encoding": encoding})
                first = cpu(app, wanted, 1)
                again = cpu(app, wanted, REQUESTS)
                size = ask(app, wanted)
                print(f"{f'{name}, {encoding}':28}{first:12.0f}{again:12.0f}{size:12,}", flush=True)


def write_texts() -> None:
    """Give each offering a description of its own: the texts of bench.data repeat and compress to nothing."""
    chance = random.Random(2)
    words = ["".join(chance.choices("aeiounrtlsdm", k=chance.randint(2, 10))) for _ in range(2_000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    with transaction() as session:
        for offering in session.query(Offering):
            offering.full_description = f"<p>{' '.join(chance.choices(words, weights, k=1_100))}</p>"
        store.refresh_all(session)


def environ(path: str, headers: dict[str, str]) -> dict[str, Any]:
    return create_environ(path, headers=headers)


def ask(app: Callable[..., Any], wanted: dict[str, Any]) -> int:
    """Answer one request and return the length of its body."""
    status = []
    parts = app(dict(wanted), lambda line, _headers, _error=None: status.append(line))
    body = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    assert status == ["200 OK"], status
    return len(body)


def cpu(app: Callable[..., Any], wanted: dict[str, Any], times: int) -> float:
    """Microseconds of CPU for a request."""
    begun = time.process_time()
    for _ in range(times):
        ask(app, wanted)
    return (time.process_time() - begun) / times * 1e6


if __name__ == "__main__":
    main()
