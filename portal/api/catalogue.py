"""/api/booking-offerings/: the list and one offering, sent as prepared bytes (portal.documents).

A complete answer is remembered for its reader and address until anything that it shows changes (portal.domain.memory).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Response, request

from portal.api.auth import current_actor, current_stamp
from portal.api.errors import no_match
from portal.api.guards import token
from portal.api.paging import base_url, link_header
from portal.api.params import offering_uuid, wanted_fields, wanted_page
from portal.api.responses import bytes_response, has, not_modified, validators
from portal.api.routing import resource
from portal.documents.read import Tag, one_tag, order, page_tag, read_one, read_page
from portal.extensions import memory
from portal.models.base import utcnow


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets: the bytes (None: not read yet, the tag alone is known), their tag, headers of its own."""

    body: bytes | None
    tag: Tag
    headers: dict[str, str] = field(default_factory=dict)


def booking_offerings_list() -> Response:
    """The offerings that the reader may see, by case-folded name. Three statements at most, the token's included."""
    return _remembered(_list)


def booking_offerings_retrieve(segment: str) -> Response:
    """One offering. Two statements at most, the token's included."""
    return _remembered(lambda base, *, tag_only: _one(segment, base, tag_only=tag_only))


def _remembered(build: Callable[..., Answer]) -> Response:
    known, stamp, base = memory(), current_stamp(), base_url()
    key = (current_actor().reader, base, request.path, request.query_string)
    answer: Answer | None = known.get(stamp, key, utcnow().timestamp())
    asked = "HTTP_IF_NONE_MATCH" in request.environ
    if answer is None and asked:
        # Whoever has it already needs no bytes; they are read for the next who has not.
        answer = _keep(stamp, key, build(base, tag_only=True))
    if asked and answer is not None and has(answer.tag):
        return not_modified(answer.tag, answer.headers)
    if answer is None or answer.body is None:
        answer = _keep(stamp, key, build(base, tag_only=False))
    assert answer.body is not None
    return bytes_response(answer.body, headers={**answer.headers, **validators(answer.tag)})


def _keep(stamp: tuple[int, int], key: tuple[object, ...], answer: Answer) -> Answer:
    memory().put(stamp, key, answer, len(answer.body or b"") + len(str(key)), answer.tag.until)
    return answer


def _list(base: str, *, tag_only: bool) -> Answer:
    actor, fields, now = current_actor(), wanted_fields(), utcnow()
    wanted = wanted_page()
    ids = order(actor, current_stamp())
    total = len(ids)
    number, last = wanted.of(total)
    piece = ids[(number - 1) * wanted.size : number * wanted.size]
    headers = {"X-Result-Count": str(total), "Link": link_header(number, last)}
    if tag_only:
        return Answer(None, page_tag(actor, base, fields, piece, now, total=total), headers)
    page = read_page(actor, base, fields, piece, now, total=total)
    return Answer(page.body, page.tag, headers)


def _one(segment: str, base: str, *, tag_only: bool) -> Answer:
    actor, fields, now = current_actor(), wanted_fields(), utcnow()
    uuid = offering_uuid(segment)
    if tag_only:
        tag = one_tag(actor, uuid, base, fields, now)
        if tag is None:
            raise no_match("Offering")
        return Answer(None, tag)
    document = read_one(actor, uuid, base, fields, now)
    if document is None:
        raise no_match("Offering")
    return Answer(document.body, document.tag)


resource("/api/booking-offerings/", "booking_offerings_list", guard=token, get=booking_offerings_list)
resource("/api/booking-offerings/<segment>/", "booking_offerings_retrieve", guard=token, get=booking_offerings_retrieve)
