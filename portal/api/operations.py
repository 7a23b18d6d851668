"""For operators: /healthz, and /metrics in Prometheus's format.

Several server processes add up their numbers in files, as prometheus-client does: PROMETHEUS_MULTIPROC_DIR is a
folder that is emptied at each start (tools/server.py). Without it, a process reports its own numbers only.
"""

from __future__ import annotations

import logging
import os
import time
from functools import lru_cache

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from portal import __version__
from portal.api.guards import operators, public
from portal.api.responses import json_response
from portal.api.routing import resource
from portal.extensions import db

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UP = {"status": "ok", "database": "ok", "version": __version__}
DOWN = {"status": "failing", "database": "does not answer", "version": __version__}

REQUESTS = Counter("portal_http_requests", "Requests answered.", ("endpoint", "method", "status"))
DURATION = Histogram(
    "portal_http_request_duration_seconds",
    "Seconds from the arrival of a request to its answer.",
    ("endpoint",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)

logger = logging.getLogger(__name__)


def healthz() -> Response:
    """200 while this process reaches its database, else 503; with the version."""
    try:
        db.session.execute(text("SELECT 1")).scalar_one()
    except SQLAlchemyError:
        logger.exception("The database does not answer")
        return json_response(DOWN, 503, {"Cache-Control": "no-store"})
    return json_response(UP, headers={"Cache-Control": "no-store"})


def metrics() -> Response:
    """The metrics of all processes. From this machine, or with a token of staff."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _begin() -> None:
    g.begun = time.perf_counter()


def _count(response: Response) -> Response:
    # By rule, never by path: requests must not be able to create new series.
    endpoint = request.url_rule.rule if request.url_rule else "(none)"
    method = request.method if request.method in METHODS else "(other)"
    begun = g.get("begun")
    count(endpoint, method, response.status_code, None if begun is None else time.perf_counter() - begun)
    return response


def count(rule: str, method: str, status: int, seconds: float | None) -> None:
    """Count a response of a route, and its duration if it is known."""
    number, duration = _counters(rule, method, status)
    number.inc()
    if seconds is not None:
        duration.observe(seconds)


@lru_cache(maxsize=4096)
def _counters(endpoint: str, method: str, status: int) -> tuple[Counter, Histogram]:
    # Finding them by their labels takes longer than counting.
    return REQUESTS.labels(endpoint, method, status), DURATION.labels(endpoint)


def register_operations(app: Flask) -> None:
    """Count and time every request."""
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request_funcs.setdefault(None, []).insert(0, _count)


resource("/healthz", "healthz", guard=public, get=healthz, produces=None)
resource("/metrics", "metrics", guard=operators, get=metrics, produces=None)
