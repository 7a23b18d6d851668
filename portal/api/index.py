"""/api/: the addresses of the API; /api/schema/: the OpenAPI document."""

from __future__ import annotations

from functools import cache

import orjson
from flask import Response

from portal.api.guards import public
from portal.api.paging import base_url
from portal.api.responses import json_response, tagged_response
from portal.api.routing import resource
from portal.api.schema import document


def api_root() -> Response:
    """The addresses of the main resources."""
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
def _schema() -> bytes:
    return orjson.dumps(document())


def api_schema() -> Response:
    """The OpenAPI 3.1 document."""
    return tagged_response(_schema())


resource("/api/", "api_root", guard=public, get=api_root)
resource("/api/schema/", "api_schema", guard=public, get=api_schema)
