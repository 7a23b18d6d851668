"""/api/booking-offerings/: the list and one offering, made of stored documents (portal.documents).

Complete bodies are cached (portal.domain.cache) under a version that changes with the offerings they show and with
roles and groups: docs/caching.md.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from flask import Response, request

from portal.api.auth import current_actor, known_position
from portal.api.errors import no_match
from portal.api.guards import token
from portal.api.paging import base_url, link_header
from portal.api.params import offering_uuid, wanted_fields, wanted_page
from portal.api.responses import bytes_response, tag_of
from portal.api.routing import resource
from portal.documents.read import read_one, read_page, to_json
from portal.documents.view import COUNTED, wanted_names
from portal.extensions import cache, catalogue_index, db
from portal.models.base import utcnow
from portal.queries.catalogue_index import current_index, visible_ids
from portal.queries.counters import counters_version

_FOREVER = float("inf")


class Body(NamedTuple):
    """A complete body: its JSON, its ETag (without quotes), and when its content last changed."""

    json: bytes
    etag: str
    modified: datetime | None


def booking_offerings_list() -> Response:
    """The offerings that the caller may see, by case-folded name. Four statements at most, the token's included."""
    actor, base, fields, now = current_actor(), base_url(), wanted_fields(), utcnow()
    wanted = wanted_page()
    visible = visible_ids(actor, known_position())
    number, last = wanted.of(len(visible))
    ids = visible[(number - 1) * wanted.size : number * wanted.size]

    def make() -> tuple[Body, float]:
        documents = read_page(actor, base, fields, ids, now)
        json = to_json(documents)
        modified = max((it.modified for it in documents), default=None)
        return Body(json, tag_of(json), modified), min((it.until for it in documents), default=_FOREVER)

    body = _cached(("list", actor.visibility_key, base, tuple(fields), ids.tobytes()), ids, fields, make, now)
    headers = {"X-Result-Count": str(len(visible)), "Link": link_header(number, last)}
    # Clients cache the headers together with the body, so the total is part of the tag.
    return _answer(body._replace(etag=f"{body.etag}-{len(visible)}"), headers)


def booking_offerings_retrieve(segment: str) -> Response:
    """One offering. Two statements where the answer is cached, three at most, the token's included."""
    actor, base, fields, now = current_actor(), base_url(), wanted_fields(), utcnow()
    uuid = offering_uuid(segment)
    known = cache().get(("offering id", uuid), None)

    def make() -> tuple[Body, float]:
        document = read_one(actor, uuid, base, fields, now)
        if document is None:
            raise no_match("Offering")
        cache().put(("offering id", uuid), None, document.id, 30)
        json = orjson.dumps(document.content)
        return Body(json, tag_of(json), document.modified), document.until

    if known is None or catalogue_index().position is None:
        return _answer(make()[0], {})
    return _answer(
        _cached(("offering", actor.visibility_key, base, tuple(fields), uuid), [known], fields, make, now), {}
    )


def _cached(
    key: Hashable, ids: Sequence[int], fields: Sequence[str], make: Callable[[], tuple[Body, float]], now: datetime
) -> Body:
    """A body that shows these fields of these offerings: the cached one while it is right, else what `make` returns."""
    index = current_index(known_position())
    # The version is read first: it may be older than the body, which only wastes work, but never newer.
    version: tuple[int, ...] = (index.last_change(ids), index.access_generation)
    if not COUNTED.isdisjoint(wanted_names(fields)):
        version += (counters_version(ids),)
    found: Body | None = cache().get(key, version, now.timestamp())
    if found is None:
        # Another thread may have updated the index after the snapshot of the counters.
        db.session.commit()
        found, until = make()
        cache().put(key, version, found, len(found.json), until)
    return found


def _answer(body: Body, headers: dict[str, str]) -> Response:
    response = bytes_response(body.json, headers={**headers, "ETag": f'"{body.etag}"'})
    if "HTTP_IF_NONE_MATCH" in request.environ:
        response.make_conditional(request)
    # Set last, so that If-Modified-Since is ignored: removing an offering does not make a list newer.
    if body.modified:
        response.last_modified = body.modified
    return response


resource("/api/booking-offerings/", "booking_offerings_list", guard=token, get=booking_offerings_list)
resource("/api/booking-offerings/<segment>/", "booking_offerings_retrieve", guard=token, get=booking_offerings_retrieve)
