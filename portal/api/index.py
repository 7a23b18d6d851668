"""/api/: where the JSON face begins; /api/schema/: what it is, as an OpenAPI document."""

from __future__ import annotations

from functools import cache

import orjson
from flask import Response

from portal.api.guards import public
from portal.api.paging import base_url
from portal.api.responses import bytes_response, client_has, json_response, not_modified, tag_of, validators
from portal.api.routing import resource
from portal.api.schema import document
from portal.documents.read import Tag


def api_root() -> Response:
    """The addresses to go on from."""
    base = base_url()
    return json_response(
        {
            "booking-offerings": f"{base}/api/booking-offerings/",
            "booking-resources": f"{base}/api/booking-resources/",
            "token": f"{base}/api-auth/password/",
            "schema": f"{base}/api/schema/",
            "documentation": f"{base}/api/docs/",
        }
    )


@cache
def _schema() -> tuple[bytes, Tag]:
    body = orjson.dumps(document())
    return body, tag_of(body)


def api_schema() -> Response:
    """The OpenAPI 3.1 document."""
    body, tag = _schema()
    if client_has(lambda: tag):
        return not_modified(tag)
    return bytes_response(body, headers=validators(tag))


resource("/api/", "api_root", guard=public, get=api_root)
resource("/api/schema/", "api_schema", guard=public, get=api_schema)
