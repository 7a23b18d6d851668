"""Bookings on pages: ask for periods of an offering, one's own bookings, one booking, cancel it."""

from __future__ import annotations

import hashlib
import json
import uuid as uuidlib
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.booking_states import HOLDING, BookingAction, BookingState, can
from portal.domain.estimate import estimate
from portal.domain.ics import google_link, outlook_link
from portal.domain.identifiers import parse_uuid
from portal.domain.order_form import persons_of, read_form
from portal.domain.periods import Period
from portal.domain.zones import parse_zone
from portal.errors import Conflict, Invalid
from portal.models.base import utcnow
from portal.queries import bookings as queries
from portal.queries.availability import offering_availability, zone_of
from portal.queries.bookings import BookingView
from portal.queries.offerings import OfferingView, get_visible_offering
from portal.queries.plans import billable_components, loaded_components
from portal.services import bookings as services
from portal.services.booking_requests import BookingRequest, IdempotencyKey
from portal.services.slot_allocation import SlotTaken
from portal.web import booking_form
from portal.web.booking_form import Alternative, Sent, clocks
from portal.web.guards import signed_in
from portal.web.kept_forms import is_resumed
from portal.web.links import page_number
from portal.web.people import current_actor
from portal.web.prices import unit_name
from portal.web.week import parse_slot, slot_value

blueprint = Blueprint("bookings", __name__)

STATES = {
    "requested": ("Requested", "warn"),
    "confirmed": ("Confirmed", "good"),
    "rejected": ("Rejected", "bad"),
    "cancelled": ("Cancelled", "idle"),
    "expired": ("Expired", "idle"),
}
CHANGES = {
    "request": "Requested",
    "accept": "Accepted",
    "reject": "Rejected",
    "cancel": "Cancelled",
    "expire": "Expired",
    "reschedule": "Moved",
}
# Fields of the booking form below its times; the offering's own questions follow them.
FIELDS = (("plan", "Plan"), ("project", "Project"), ("name", "What is it for?"))


@blueprint.route("/offerings/<uuid:uuid>/book/", methods=["GET", "POST"])
@signed_in
def book(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Ask for periods of an offering. A refusal shows its reason and keeps everything that was entered."""
    actor = current_actor()
    view = get_visible_offering(actor, uuid)
    zone = zone_of(view.attributes)
    questions = read_form(view.document["options"])
    if request.method != "POST":
        sent = booking_form.from_address(zone)
        sent.answers = dict(booking_form.first_answers(questions))
        return _book_page(view, sent)
    sent = booking_form.from_form(questions)
    if booking_form.act_on_rows(sent, zone) or "check" in request.form or is_resumed():
        _check(view, sent, zone)
        return _book_page(view, sent)
    try:
        made = services.request_booking(actor, _booking_request(view, sent, zone), key=_idempotency_key(sent))
    except (SlotTaken, Invalid) as refusal:
        return _book_page(view, sent, *sent.refused(refusal, zone))
    flash(_made(made, zone), "good")
    return redirect(url_for("bookings.booking", uuid=made.uuid), code=303)


@blueprint.post("/offerings/<uuid:uuid>/book/summary/")
@signed_in
def summary(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """What the form comes to as it stands: whether its times could be booked now, and the price. Nothing is kept."""
    view = get_visible_offering(current_actor(), uuid)
    zone = zone_of(view.attributes)
    sent = booking_form.from_form(read_form(view.document["options"]))
    _check(view, sent, zone)
    return render_template("bookings/summary.html", **_summary(view, sent, zone, told=True))


@blueprint.get("/bookings/")
@signed_in
def mine() -> ResponseReturnValue:
    """The person's own bookings: what is ahead, or with `past` what is over."""
    past = "past" in request.args
    found = queries.own_page(current_actor(), utcnow(), past=past, number=page_number())
    return render_template(
        "bookings/mine.html",
        past=past,
        page=found.page,
        lines=[_line(it) for it in found.bookings],
        states=STATES,
    )


@blueprint.get("/bookings/<uuid:uuid>/")
@signed_in
def booking(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """One booking with its history, and what can be done with it."""
    view = queries.get_booking(current_actor(), uuid, priced=True)
    found, now = view.booking, utcnow()
    zone = parse_zone(view.details.zone)
    state = BookingState(found.state)
    periods = [Period(it.start, it.end) for it in found.slots]
    over = not found.slots or found.slots[-1].end <= now
    begun = bool(found.slots) and found.slots[0].start <= now
    unanswered = state is BookingState.REQUESTED and begun
    plan = found.plan if view.visibility.plan else None
    return render_template(
        "bookings/booking.html",
        booking=found,
        booked=view.details,
        sees_offering=view.visibility.offering,
        mine=view.mine,
        manages=view.manages,
        state=STATES[found.state],
        slots=[_linked(view, it, zone) for it in periods],
        holds=state in HOLDING,
        estimate=(
            estimate(
                loaded_components(plan),
                plan.unit,
                periods,
                zone,
                persons=persons_of(found.offering.options, found.answers),
            )
            if plan and periods and state in HOLDING
            else None
        ),
        unit_name=unit_name,
        zone=zone.key,
        answers=view.details.answers,
        history=[_change(it, zone) for it in reversed(found.changes)],
        awaits=view.mine and state is BookingState.REQUESTED and not begun,
        overlapping=overlapping(periods, except_booking=found.id)
        if view.mine and state in HOLDING and not over
        else [],
        may_cancel=can(state, BookingAction.CANCEL) and not over,
        may_move=can(state, BookingAction.RESCHEDULE) and not over and not unanswered and view.visibility.offering,
        may_answer=view.manages and state is BookingState.REQUESTED and not begun,
    )


@blueprint.route("/bookings/<uuid:uuid>/cancel/", methods=["GET", "POST"])
@signed_in
def cancel(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Ask, then give the slots back."""
    actor = current_actor()
    back = url_for("bookings.booking", uuid=uuid)
    if request.method == "POST":
        try:
            services.cancel_booking(actor, uuid, request.form.get("reason", ""))
        except (Conflict, Invalid) as error:
            flash(error.message, "bad")
        else:
            flash("The booking is cancelled, and its time is free for others.", "good")
        return redirect(back, code=303)
    view = queries.get_booking(actor, uuid)
    return render_template(
        "bookings/reason.html",
        section="bookings",
        question=f"Cancel “{view.booking.name}”?",
        consequences=[
            *(f"{it['text']} ({it['zone']})" for it in _line(view)["slots"]),
            "The time is free for others at once. This can't be taken back.",
        ],
        action=url_for("bookings.cancel", uuid=uuid),
        verb="Cancel the booking",
        danger=True,
        back=back,
        reason_required=False,
        error="",
        reason="",
    )


def _made(view: BookingView, zone: ZoneInfo) -> str:
    found = view.booking
    times = "; ".join(f"{clocks(Period(it.start, it.end), zone)['text']}" for it in found.slots)
    if found.state == BookingState.CONFIRMED.value:
        return f"Booked: “{found.name}”, {times} ({zone.key})."
    return f"Requested: “{found.name}”, {times} ({zone.key}). You get a mail when the facility has answered."


def _booking_request(view: OfferingView, sent: Sent, zone: ZoneInfo) -> BookingRequest:
    periods = sent.demanded(zone)
    return BookingRequest(
        view.uuid,
        periods,
        sent.name,
        sent.note,
        _uuid(sent.plan, "plan"),
        _uuid(sent.project, "project"),
        sent.answers,
    )


def _uuid(text: str, field: str) -> uuidlib.UUID | None:
    if not text:
        return None
    try:
        return parse_uuid(text)
    except ValueError:
        raise Invalid("Choose one from the list.", field) from None


def _idempotency_key(sent: Sent) -> IdempotencyKey | None:
    """So that pressing the button twice books once."""
    if not sent.key:
        return None
    rows = [(row.start, row.end) for row in sent.rows]
    asked = json.dumps([rows, sent.plan, sent.project, sent.name, sent.note, sent.answers], sort_keys=True, default=str)
    return IdempotencyKey(f"page-{sent.key}", hashlib.sha256(asked.encode()).hexdigest())


def _check(view: OfferingView, sent: Sent, zone: ZoneInfo) -> None:
    """Say of each row whether it could be booked now."""
    actor, now = current_actor(), utcnow()
    periods = [(row, it) for row in sent.rows if (row.start or row.end) and (it := row.period(zone)) is not None]
    if not periods:
        return
    hull = Period(min(it.start for _, it in periods), max(it.end for _, it in periods))
    if (hull.end - hull.start).days > 400:
        return
    free = offering_availability(view.id, view.attributes, hull, now, actor)
    for row, period in periods:
        refusal = free.explain(period)
        row.error = refusal.text if refusal else ""


def _book_page(
    view: OfferingView,
    sent: Sent,
    alternatives: Sequence[Alternative] = (),
    code: int = 200,
) -> ResponseReturnValue:
    offering, zone = view.document, zone_of(view.attributes)
    questions = read_form(offering["options"])
    fields = (*FIELDS, *((f"{booking_form.PREFIX}{it.key}", it.label) for it in questions), ("note", "Note"))
    page = render_template(
        "bookings/book.html",
        offering=offering,
        zone=zone.key,
        sent=sent,
        projects=queries.projects_of(current_actor()),
        questions=questions,
        wrong=[it for it in fields if sent.errors[it[0]]],
        prefix=booking_form.PREFIX,
        slots=[slot_value(it.start, it.end) for it in sent.readable(zone)],
        alternatives=alternatives,
        bookable=offering["state"] == "Active",
        **_summary(view, sent, zone, told=False),
    )
    return page, code


def _summary(view: OfferingView, sent: Sent, zone: ZoneInfo, *, told: bool) -> dict[str, Any]:
    """What the summary shows. `told`: with what was found wrong with each period, where no row says it beside it."""
    plans = [plan for plan in view.document["plans"] if not plan["archived"]]
    chosen = next((plan for plan in plans if plan["uuid"] == sent.plan), plans[0] if len(plans) == 1 else None)
    found = sent.readable_rows(zone)
    periods = [period for _, period in found]
    return {
        "plans": plans,
        "chosen": chosen,
        "clocks": [clocks(it, zone) for it in periods],
        "overlapping": overlapping(periods),
        "refusals": [row.error if told else "" for row, _ in found],
        "estimate": (
            estimate(
                billable_components(view.document, chosen),
                chosen["unit"],
                periods,
                zone,
                persons=persons_of(view.document["options"], sent.answers),
            )
            if chosen and periods
            else None
        ),
        "unit_name": unit_name,
    }


def overlapping(periods: Sequence[Period], *, except_booking: int = 0) -> list[dict[str, Any]]:
    """The reader's other bookings at these times, for a warning: nothing forbids them."""
    return [
        {
            **line,
            "slots": [
                clock
                for slot, clock in zip(view.booking.slots, line["slots"], strict=True)
                if any(Period(slot.start, slot.end).overlaps(period) for period in periods)
            ],
        }
        for view in queries.own_bookings_during(current_actor(), periods, except_booking=except_booking)
        for line in [_line(view)]
    ]


def _linked(view: BookingView, period: Period, zone: ZoneInfo) -> dict[str, str]:
    """A period with the links that put it into the reader's own calendar."""
    name, place, note = view.booking.name, view.details.offering, view.booking.note
    title = f"{name} ({place})" if place != name else name
    return {
        **clocks(period, zone),
        "google": google_link(period, title, note, place),
        "outlook": outlook_link(period, title, note, place),
    }


def _line(view: BookingView) -> dict[str, Any]:
    zone = parse_zone(view.details.zone)
    return {
        "booking": view.booking,
        "details": view.details,
        "slots": [clocks(Period(it.start, it.end), zone) for it in view.booking.slots],
        "zone": zone.key,
    }


def _change(change: Any, zone: ZoneInfo) -> dict[str, Any]:
    former = [parse_slot(f"{it['start']}/{it['end']}") for it in change.detail.get("slots", [])]
    return {
        "at": change.at,
        "what": CHANGES.get(change.what, change.what),
        "who": (change.user.full_name or change.user.email) if change.user else "the portal",
        "reason": change.reason,
        "former": [clocks(it, zone)["text"] for it in former if it is not None],
    }
