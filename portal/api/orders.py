"""/api/marketplace-orders/: booking as Waldur's web client does it (docs/api.md, Orders).

An order is a booking request in another form, under the same rules. The error messages are Waldur's where it has one.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from portal.api.auth import current_actor
from portal.api.bodies import link_field, read_object, strange_text, text_field
from portal.api.errors import Refused
from portal.api.guards import token
from portal.api.order_document import order_document
from portal.api.paging import base_url
from portal.api.params import selected, wanted_fields, wanted_uuid
from portal.api.responses import json_response, tagged_response
from portal.api.routing import resource
from portal.domain.instants import parse_instant
from portal.domain.order_form import InvalidAnswers, read_form
from portal.domain.periods import Period, PeriodError
from portal.domain.refusals import Code
from portal.errors import Invalid, NotFound
from portal.policies import Actor
from portal.queries.bookings import BookingView, get_booking_of_order
from portal.queries.offerings import order_form_of
from portal.services.booking_requests import MAX_PERIODS, BookingRequest
from portal.services.bookings import request_booking
from portal.services.slot_allocation import SlotRefused, SlotTaken

REQUIRED_SCHEDULES = "Schedules are required."
NO_KEY = "Key 'start' or 'end' does not exist in schedules item."
NO_VALUE = "Value 'start' or 'end' does not exist in schedules item."
FORMAT = "The value {} does not match the format."
PAST = "Past slots are not available for selection."
UNAVAILABLE = "Time period from {} to {} is not available"
ONLY_CREATE = "Only orders of the type “Create” are taken here."
NO_OFFERING = "Invalid hyperlink - Object does not exist."
# Attributes that are not answers to the order form.
_OWN = frozenset({"name", "description", "schedules"})


class _Schedules(dict[Period, tuple[str, str]]):
    """Periods, and their start and end as they were sent, for messages."""

    def unavailable(self, period: Period, ending: str) -> str:
        """The message that this period is not available."""
        return UNAVAILABLE.format(*self[period]) + ending


def marketplace_orders_create() -> Response:
    """201 with the order of a new booking."""
    actor, body = current_actor(), read_object()
    problems: dict[str, Any] = {}
    offering = link_field(body, "offering", problems, required=True)
    project = link_field(body, "project", problems, required=True)
    plan = link_field(body, "plan", problems)
    if body.get("type") not in (None, "Create"):
        problems["type"] = [ONLY_CREATE]
    attributes = body.get("attributes")
    if attributes is None:
        attributes = {}
    elif not isinstance(attributes, dict) or strange_text(attributes):
        problems["attributes"] = ["Expected an object of texts, numbers, booleans and lists."]
        attributes = {}
    wrong: dict[str, Any] = {}
    name, note = (text_field(attributes, key, wrong) for key in ("name", "description"))
    if wrong:
        problems["attributes"] = wrong
    if problems or offering is None:
        raise Refused(400, problems)
    try:
        form = order_form_of(actor, offering)
    except NotFound:
        raise Refused(400, {"offering": [NO_OFFERING]}) from None
    asked = {question.key for question in read_form(form)} - _OWN
    answers = {key: value for key, value in attributes.items() if key in asked}
    schedules = _schedules(attributes.get("schedules"))
    request = BookingRequest(offering, list(schedules), name, note, plan, project, answers)
    view = _request(actor, request, schedules)
    headers = {"Location": f"{base_url()}/api/marketplace-orders/{view.booking.order_uuid}/"}
    return json_response(order_document(view, base_url()), 201, headers)


def marketplace_orders_retrieve(segment: str) -> Response:
    """The order of a booking."""
    view = get_booking_of_order(current_actor(), wanted_uuid(segment, "Order"))
    return tagged_response(orjson.dumps(selected(order_document(view, base_url()), wanted_fields())))


def _request(actor: Actor, request: BookingRequest, schedules: _Schedules) -> BookingView:
    """Request the booking. Raises Refused (400) with Waldur's message where it has one for the reason."""
    try:
        return request_booking(actor, request)
    except InvalidAnswers as wrong:
        raise Refused(400, {"attributes": {key: [reason] for key, reason in wrong.errors.items()}}) from None
    except SlotTaken as taken:
        requested = " Other booking request exists." if taken.code is Code.REQUESTED else ""
        raise _invalid(schedules.unavailable(taken.asked, f".{requested}")) from None
    except SlotRefused as refused:
        if refused.code is Code.PAST:
            raise _invalid(PAST) from None
        if refused.code is Code.OUTSIDE_SCHEDULE and refused.asked is not None:
            raise _invalid(schedules.unavailable(refused.asked, " for selected offering.")) from None
        raise _invalid(refused.message) from None
    except Invalid as invalid:
        if invalid.field in ("plan", "project"):
            raise
        raise _invalid(invalid.message) from None


def _schedules(given: Any) -> _Schedules:
    if not given or not isinstance(given, list):
        raise _invalid(REQUIRED_SCHEDULES)
    if len(given) > MAX_PERIODS:
        raise _invalid(f"At most {MAX_PERIODS} periods go into one booking.")
    found = _Schedules()
    for entry in given:
        if not isinstance(entry, dict) or not {"start", "end"} <= entry.keys():
            raise _invalid(NO_KEY)
        if not entry["start"] or not entry["end"]:
            raise _invalid(NO_VALUE)
        ends = []
        for value in (entry["start"], entry["end"]):
            try:
                ends.append(parse_instant(value))
            except ValueError:
                raise _invalid(FORMAT.format(str(value)[:100])) from None
        texts = (str(entry["start"])[:100], str(entry["end"])[:100])
        try:
            found[Period(*ends)] = texts
        except PeriodError:
            raise _invalid(UNAVAILABLE.format(*texts) + " for selected offering.") from None
    if len(found) < len(given):
        raise _invalid("Two of the periods overlap each other.")
    return found


def _invalid(message: str) -> Refused:
    return Refused(400, [message])


_ORDERS = "/api/marketplace-orders/"
resource(_ORDERS, "marketplace_orders_create", guard=token, post=marketplace_orders_create)
resource(f"{_ORDERS}<segment>/", "marketplace_orders_retrieve", guard=token, get=marketplace_orders_retrieve)
