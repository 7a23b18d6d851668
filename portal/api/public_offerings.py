"""/api/marketplace-public-offerings/{uuid}/: an offering and its plans, as Waldur's web client reads them."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from portal.api.auth import current_actor
from portal.api.errors import no_match
from portal.api.guards import token
from portal.api.paging import base_url
from portal.api.params import offering_uuid, selected, wanted_fields, wanted_uuid
from portal.api.responses import tagged_response
from portal.api.routing import resource
from portal.documents.read import read_one
from portal.models.base import utcnow


def marketplace_public_offerings_retrieve(segment: str) -> Response:
    """The same offering as below /api/booking-offerings/, with its calendar in two other fields."""
    return tagged_response(orjson.dumps(selected(_document(segment), wanted_fields())))


def marketplace_public_offerings_plans_retrieve(segment: str, plan_uuid: str) -> Response:
    """A plan of an offering, the address of which is in the offering."""
    uuid = str(wanted_uuid(plan_uuid, "Plan"))
    found = next((it for it in _document(segment)["plans"] if it["uuid"] == uuid), None)
    if found is None:
        raise no_match("Plan")
    return tagged_response(orjson.dumps(selected(found, wanted_fields())))


def _document(segment: str) -> dict[str, Any]:
    uuid, base = offering_uuid(segment), base_url()
    found = read_one(current_actor(), uuid, base, (), utcnow())
    if found is None:
        raise no_match("Offering")
    document = dict(found.content)
    # Absent for readers who may not know of it.
    calendar = document.pop("googlecalendar", None)
    return {
        **document,
        "url": f"{base}/api/marketplace-public-offerings/{uuid}/",
        "google_calendar_is_public": calendar["public"] if calendar else None,
        "google_calendar_link": calendar["http_link"] if calendar else None,
    }


_ONE = "/api/marketplace-public-offerings/<segment>/"
resource(_ONE, "marketplace_public_offerings_retrieve", guard=token, get=marketplace_public_offerings_retrieve)
resource(
    f"{_ONE}plans/<plan_uuid>/",
    "marketplace_public_offerings_plans_retrieve",
    guard=token,
    get=marketplace_public_offerings_plans_retrieve,
)
