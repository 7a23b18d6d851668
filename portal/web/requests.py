"""Requests that wait for an answer: the list, and the two answers. For those who manage the offering."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Iterator
from itertools import islice
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.booking_states import BookingState
from portal.domain.order_form import display_answers
from portal.domain.periods import Period
from portal.domain.texts import shortened
from portal.errors import Conflict, Invalid
from portal.models import Booking
from portal.models.base import utcnow
from portal.queries import bookings as queries
from portal.queries.availability import zone_of
from portal.queries.bookings import BookingView
from portal.services import bookings as services
from portal.web.booking_form import clocks
from portal.web.guards import manages_booking, signed_in
from portal.web.links import page_number
from portal.web.people import current_actor

blueprint = Blueprint("requests", __name__, url_prefix="/manage/requests")

# What the list shows of a request's answers; the booking's own page has all.
MOST_ANSWERS = 10
MOST_TEXT = 200

NEEDS_REASON = "Say why: the person who asked reads it."


@blueprint.get("/")
@signed_in
def pending() -> ResponseReturnValue:
    """The requests that wait for the reader's answer, with what stands near them and what accepting means."""
    found, page = queries.pending_page(current_actor(), page_number())
    lines = []
    for entry in found:
        zone = zone_of(entry.booking.offering.attributes)
        lines.append(
            {
                "booking": entry.booking,
                "zone": zone.key,
                "slots": [clocks(Period(it.start, it.end), zone) for it in entry.booking.slots],
                "answers": [
                    (shortened(label, MOST_TEXT), shortened(text, MOST_TEXT))
                    for label, text in islice(_answers(entry.booking), MOST_ANSWERS)
                ],
                "more_answers": len(entry.booking.answers) > MOST_ANSWERS,
                "nearby": [{"what": it.what, "name": it.name, **clocks(it.period, zone)} for it in entry.nearby],
                "other_bookings": entry.other_bookings,
                "begun": entry.booking.slots[0].start <= utcnow(),
            }
        )
    return render_template("bookings/requests.html", lines=lines, page=page)


@blueprint.route("/<uuid:uuid>/<any(accept, reject):act>/", methods=["GET", "POST"])
@manages_booking
def answer(view: BookingView, act: str) -> ResponseReturnValue:
    """GET asks, POST answers. A rejection needs a reason here; on the API it does not: published clients send none."""
    error = reason = ""
    if request.method == "POST":
        reason = request.form.get("reason", "").strip()
        if act == "reject" and not reason:
            error = NEEDS_REASON
        else:
            _answer(view.booking.uuid, act, reason)
            return redirect(url_for("requests.pending"), code=303)
    found = view.booking
    zone = zone_of(found.offering.attributes)
    waits = found.state == BookingState.REQUESTED.value
    verb = "Accept it" if act == "accept" else "Reject it"
    page = render_template(
        "bookings/reason.html" if act == "reject" and waits else "confirm.html",
        section="manage",
        question=f"{'Accept' if act == 'accept' else 'Reject'} “{found.name}”?",
        consequences=[*_facts(found, zone), *_consequences(found, act)],
        action=url_for("requests.answer", uuid=found.uuid, act=act),
        verb=verb if waits else "",
        danger=act == "reject",
        back=url_for("requests.pending"),
        reason_required=True,
        error=error,
        reason=reason,
    )
    return page, 400 if error else 200


def _answers(booking: Booking) -> Iterator[tuple[str, str]]:
    return display_answers(booking.offering.options, booking.answers)


def _answer(uuid: uuidlib.UUID, act: str, reason: str) -> None:
    actor = current_actor()
    try:
        if act == "accept":
            services.accept_booking(actor, uuid)
        else:
            services.reject_booking(actor, uuid, reason)
    except (Conflict, Invalid) as refused:
        flash(refused.message, "bad")
    else:
        flash("The booking is confirmed." if act == "accept" else "The request is rejected.", "good")


def _facts(found: Booking, zone: ZoneInfo) -> list[str]:
    who = (found.user.full_name or found.user.email) if found.user else "Somebody"
    times = "; ".join(clocks(Period(it.start, it.end), zone)["text"] for it in found.slots)
    return [f"{who} asks for {found.offering.name}: {times} ({zone.key})."]


def _consequences(found: Booking, act: str) -> list[str]:
    if found.state != BookingState.REQUESTED.value:
        return [f"This booking is {found.state} already."]
    if act == "accept":
        return ["The time is theirs, and goes into the offering's calendar."]
    return ["The time is free for others at once. This can't be taken back."]
