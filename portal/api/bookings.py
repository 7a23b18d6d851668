"""/api/booking-resources/ and /api/marketplace-bookings/: bookings (docs/api.md, Bookings).

List, retrieve, accept and reject are Waldur's; requesting, cancelling and moving a booking are this portal's.
"""

from __future__ import annotations

import hashlib
import uuid as uuidlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from flask import Response, request

from portal.api.auth import current_actor
from portal.api.bodies import (
    NOT_NULL,
    REQUIRED,
    link_field,
    optional_object,
    read_object,
    strange_text,
    text_field,
    unknown_keys,
)
from portal.api.booking_document import booking_document, whole_document
from portal.api.booking_filters import wanted_clauses, wanted_order
from portal.api.errors import Refused
from portal.api.guards import token
from portal.api.paging import base_url, link_header
from portal.api.params import offering_uuid, selected, wanted_fields, wanted_page, wanted_uuid
from portal.api.responses import json_response, tagged_response
from portal.api.routing import resource
from portal.domain.booking_states import BookingStateConflict
from portal.domain.instants import format_instant, parse_instant
from portal.domain.order_form import InvalidAnswers
from portal.domain.periods import Period, PeriodError
from portal.policies import LISTED_STATES, Actor
from portal.queries import bookings as queries
from portal.queries.occupied import occupied
from portal.queries.offerings import visible_offering_row
from portal.services import bookings as services
from portal.services.booking_requests import MAX_PERIODS, BookingRequest, IdempotencyKey
from portal.services.slot_allocation import SlotTaken

KEY = "Idempotency-Key"
REQUEST_KEYS = ("offering", "slots", "name", "description", "plan", "project", "options")
RESCHEDULE_KEYS = ("slots", "reason")
CANCEL_KEYS = ("reason",)
PERIOD_KEYS = ("start", "end")
# Lists with more entries than any request can have are refused as a whole.
_MAX_SLOTS = MAX_PERIODS * 5


def booking_resources_list() -> Response:
    """The bookings that the reader may see, filtered and ordered. A fixed number of statements."""
    actor, base, fields = current_actor(), base_url(), wanted_fields()
    wanted, clauses, order = wanted_page(), wanted_clauses(actor), wanted_order()
    total = queries.bookings_count(actor, clauses)
    number, last = wanted.of(total)
    headers = {"X-Result-Count": str(total), "Link": link_header(number, last)}
    found = queries.bookings_slice(actor, clauses, order, (number - 1) * wanted.size, wanted.size, total)
    return tagged_response(orjson.dumps([selected(booking_document(it, base), fields) for it in found]), headers)


def booking_resources_create() -> Response:
    """201 with the requested booking. With a key in Idempotency-Key, the request can be repeated."""
    actor = current_actor()
    body = read_object()
    booking_request = _booking_request(body)
    sent = request.headers.get(KEY)
    key = None if sent is None else IdempotencyKey(sent, _digest(body))
    with conflicts():
        view = services.request_booking(actor, booking_request, key=key)
    headers = {"Location": f"{base_url()}/api/booking-resources/{view.uuid}/"}
    return json_response(whole_document(view, base_url()), 201, headers)


def booking_resources_retrieve(segment: str) -> Response:
    """One booking with its order and history."""
    view = queries.get_booking(current_actor(), _uuid(segment))
    return tagged_response(orjson.dumps(selected(whole_document(view, base_url()), wanted_fields())))


def booking_resources_accept(segment: str) -> Response:
    """Confirm a request."""
    actor, uuid = current_actor(), _uuid(segment)
    with conflicts():
        services.accept_booking(actor, uuid)
    return _order(actor, uuid)


def booking_resources_reject(segment: str) -> Response:
    """Reject a request, with an optional `reason`; the booker's own rejection is a cancellation.

    As in Waldur, other keys are ignored.
    """
    actor, uuid = current_actor(), _uuid(segment)
    _visible(actor, uuid)
    reason = _reason(optional_object())
    with conflicts():
        services.reject_booking(actor, uuid, reason)
    return _order(actor, uuid)


def booking_resources_cancel(segment: str) -> Response:
    """Cancel the booking, with an optional `reason`. Returns the booking."""
    actor, uuid = current_actor(), _uuid(segment)
    _visible(actor, uuid)
    body = optional_object()
    if problems := unknown_keys(body, CANCEL_KEYS):
        raise Refused(400, problems)
    reason = _reason(body)
    with conflicts():
        services.cancel_booking(actor, uuid, reason)
    return _answer(actor, uuid)


def booking_resources_reschedule(segment: str) -> Response:
    """Move the booking to other slots under the same rules. Returns the booking."""
    actor, uuid = current_actor(), _uuid(segment)
    _visible(actor, uuid)
    body = read_object()
    problems: dict[str, Any] = {**unknown_keys(body, RESCHEDULE_KEYS)}
    periods = _slots(body, problems)
    reason = text_field(body, "reason", problems)
    if problems:
        raise Refused(400, problems)
    with conflicts():
        services.reschedule_booking(actor, uuid, periods, reason)
    return _answer(actor, uuid)


def marketplace_bookings_list(segment: str) -> Response:
    """The occupied periods of an offering, unpaged, with the bookers' names where they are shown."""
    actor = current_actor()
    offering_id, _, _ = visible_offering_row(actor, offering_uuid(segment), LISTED_STATES)
    found = [
        {
            "created_by_full_name": it.name,
            "start": format_instant(it.period.start),
            "end": format_instant(it.period.end),
        }
        for it in occupied(actor, offering_id)
    ]
    return tagged_response(orjson.dumps(found))


def _uuid(segment: str) -> uuidlib.UUID:
    return wanted_uuid(segment, "Resource")


def _visible(actor: Actor, uuid: uuidlib.UUID) -> None:
    """Raise NotFound before the body is checked (order of refusals: 401, 404, 403, 409, 400)."""
    queries.get_booking(actor, uuid)


def _answer(actor: Actor, uuid: uuidlib.UUID, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    view = queries.get_booking(actor, uuid)
    return json_response(whole_document(view, base_url()), status, headers)


def _order(actor: Actor, uuid: uuidlib.UUID) -> Response:
    view = queries.get_booking(actor, uuid)
    return json_response({"order_uuid": str(view.booking.order_uuid)})


@contextmanager
def conflicts() -> Iterator[None]:
    """Respond to the errors that only bookings have."""
    try:
        yield
    except BookingStateConflict as conflict:
        states = ", ".join(conflict.valid)
        text = f"Valid states for operation: {states}." if not conflict.over else conflict.message
        raise Refused(409, {"detail": text}) from None
    except SlotTaken as taken:
        body = {
            "detail": taken.message,
            "asked": _wire(taken.asked),
            "rival": _wire(taken.rival),
            "free": [_wire(it) for it in taken.alternatives],
        }
        raise Refused(409, body) from None
    except InvalidAnswers as wrong:
        raise Refused(400, {"options": {key: [reason] for key, reason in wrong.errors.items()}}) from None


def _wire(period: Period) -> dict[str, str]:
    return {"start": format_instant(period.start), "end": format_instant(period.end)}


def _digest(body: Any) -> str:
    """A digest of the body that does not depend on the order of its keys."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _booking_request(body: dict[str, Any]) -> BookingRequest:
    """The request in a body. Raises Refused (400) with the problems of each field."""
    problems: dict[str, Any] = {**unknown_keys(body, REQUEST_KEYS)}
    offering = link_field(body, "offering", problems, required=True)
    periods = _slots(body, problems)
    options = body.get("options")
    if options is None:
        options = {}
    elif not isinstance(options, dict):
        problems["options"] = ["Expected an object of answers by the keys of the order form."]
    elif strange_text(options):
        problems["options"] = ["This contains a character that can't be stored."]
    name, note = (text_field(body, key, problems) for key in ("name", "description"))
    plan, project = (link_field(body, key, problems) for key in ("plan", "project"))
    if problems or offering is None:
        raise Refused(400, problems)
    return BookingRequest(offering, periods, name, note, plan, project, options)


def _reason(body: dict[str, Any]) -> str:
    problems: dict[str, Any] = {}
    found = text_field(body, "reason", problems)
    if problems:
        raise Refused(400, problems)
    return found


def _slots(body: dict[str, Any], problems: dict[str, Any]) -> list[Period]:
    given = body.get("slots")
    if given is None:
        problems["slots"] = [REQUIRED if "slots" not in body else NOT_NULL]
        return []
    if not isinstance(given, list) or len(given) > _MAX_SLOTS:
        problems["slots"] = [
            "Expected a list of periods, each with a start and an end."
            if not isinstance(given, list)
            else f"At most {MAX_PERIODS} periods go into one booking."
        ]
        return []
    errors = []
    periods = []
    for number, entry in enumerate(given, 1):
        try:
            periods.append(_period(entry))
        except ValueError as error:
            errors.append(f"Period {number}: {error}")
    if errors:
        problems["slots"] = errors
    return periods


def _period(entry: Any) -> Period:
    if not isinstance(entry, dict):
        raise ValueError("expected an object with a start and an end.")
    if unknown := unknown_keys(entry, PERIOD_KEYS):
        raise ValueError(f"it has the unknown key “{next(iter(unknown))}”; only start and end are known.")
    ends = []
    for key in ("start", "end"):
        if entry.get(key) is None:
            raise ValueError(f"the {key} is missing.")
        try:
            ends.append(parse_instant(entry[key]))
        except ValueError as error:
            raise ValueError(f"{key} {error}.") from None
    try:
        return Period(*ends)
    except PeriodError:
        raise ValueError("it ends before it starts, or at once.") from None


_RESOURCES = "/api/booking-resources/"
resource(
    _RESOURCES,
    "booking_resources_list",
    guard=token,
    get=booking_resources_list,
    post=booking_resources_create,
)
resource(f"{_RESOURCES}<segment>/", "booking_resources_retrieve", guard=token, get=booking_resources_retrieve)
for _name, _act in (
    ("accept", booking_resources_accept),
    ("reject", booking_resources_reject),
    ("cancel", booking_resources_cancel),
    ("reschedule", booking_resources_reschedule),
):
    resource(f"{_RESOURCES}<segment>/{_name}/", f"booking_resources_{_name}", guard=token, post=_act)
resource(
    "/api/marketplace-bookings/<segment>/",
    "marketplace_bookings_list",
    guard=token,
    get=marketplace_bookings_list,
)
