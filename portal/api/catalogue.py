"""/api/booking-offerings/: the list and one offering, sent as prepared bytes (portal.documents)."""

from __future__ import annotations

from flask import Response

from portal.api.auth import current_actor, current_stamp
from portal.api.errors import no_match
from portal.api.guards import token
from portal.api.paging import base_url, link_header
from portal.api.params import offering_uuid, wanted_fields, wanted_page
from portal.api.remembered import keep
from portal.api.responses import bytes_response, client_has, not_modified, validators
from portal.api.routing import resource
from portal.documents.read import one_tag, order, page_tag, read_one, read_page
from portal.models.base import utcnow


def booking_offerings_list() -> Response:
    """The offerings that the reader may see, by case-folded name. Three statements at most, the token's included."""
    actor, base, fields, now = current_actor(), base_url(), wanted_fields(), utcnow()
    wanted = wanted_page()
    ids = order(actor, current_stamp())
    total = len(ids)
    number, last = wanted.of(total)
    piece = ids[(number - 1) * wanted.size : number * wanted.size]
    headers = {"X-Result-Count": str(total), "Link": link_header(number, last)}

    tag = client_has(lambda: page_tag(actor, base, fields, piece, now, total=total))
    if tag:
        return keep(not_modified(tag, headers), tag)
    page = read_page(actor, base, fields, piece, now, total=total)
    return keep(bytes_response(page.body, headers={**headers, **validators(page.tag)}), page.tag)


def booking_offerings_retrieve(segment: str) -> Response:
    """One offering. Two statements at most, the token's included."""
    actor, base, fields, now = current_actor(), base_url(), wanted_fields(), utcnow()
    uuid = offering_uuid(segment)
    tag = client_has(lambda: one_tag(actor, uuid, base, fields, now))
    if tag:
        return keep(not_modified(tag), tag)
    document = read_one(actor, uuid, base, fields, now)
    if document is None:
        raise no_match("Offering")
    return keep(bytes_response(document.body, headers=validators(document.tag)), document.tag)


resource("/api/booking-offerings/", "booking_offerings_list", guard=token, get=booking_offerings_list)
resource("/api/booking-offerings/<segment>/", "booking_offerings_retrieve", guard=token, get=booking_offerings_retrieve)
