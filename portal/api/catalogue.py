"""/api/booking-offerings/: the list and one offering, sent as prepared bytes (portal.documents)."""

from __future__ import annotations

from flask import Response

from portal.api.auth import current_actor
from portal.api.errors import no_match
from portal.api.guards import token
from portal.api.paging import base_url, link_header
from portal.api.params import offering_uuid, wanted_fields, wanted_page
from portal.api.responses import bytes_response, client_has, not_modified
from portal.api.routing import resource
from portal.documents.read import count, one_tag, page_tag, read_one, read_page
from portal.models.base import utcnow


def booking_offerings_list() -> Response:
    """The offerings that the reader may see, by case-folded name. Three statements, the token's included."""
    actor, base, fields, now = current_actor(), base_url(), wanted_fields(), utcnow()
    wanted = wanted_page()
    total = count(actor)
    number, last = wanted.of(total)
    offset = (number - 1) * wanted.size
    headers = {"X-Result-Count": str(total), "Link": link_header(number, last)}

    etag = client_has(lambda: page_tag(actor, base, fields, offset, wanted.size, now, total=total).etag)
    if etag:
        return not_modified(etag, headers)
    page = read_page(actor, base, fields, offset, wanted.size, now, total=total)
    return bytes_response(page.body, headers={**headers, "ETag": page.tag.etag})


def booking_offerings_retrieve(segment: str) -> Response:
    """One offering. Two statements, the token's included."""
    actor, base, fields, now = current_actor(), base_url(), wanted_fields(), utcnow()
    uuid = offering_uuid(segment)

    def tag() -> str | None:
        found = one_tag(actor, uuid, base, fields, now)
        return found.etag if found else None

    etag = client_has(tag)
    if etag:
        return not_modified(etag)
    document = read_one(actor, uuid, base, fields, now)
    if document is None:
        raise no_match("Offering")
    return bytes_response(document.body, headers={"ETag": document.tag.etag})


resource("/api/booking-offerings/", "booking_offerings_list", guard=token, get=booking_offerings_list)
resource("/api/booking-offerings/<segment>/", "booking_offerings_retrieve", guard=token, get=booking_offerings_retrieve)
