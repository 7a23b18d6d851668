"""Bookings on pages: ask for periods of an offering, one's own bookings, one booking, cancel it."""

from __future__ import annotations

import hashlib
import json
import uuid as uuidlib
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.domain.booking_states import HOLDING, BookingAction, BookingState, can
from portal.domain.estimate import estimate
from portal.domain.ics import google_link, outlook_link
from portal.domain.identifiers import parse_uuid
from portal.domain.messages import N_, Message
from portal.domain.order_form import InvalidAnswers, check_answers, persons_of, read_form
from portal.domain.periods import Period
from portal.domain.zones import parse_zone, period_text
from portal.errors import Conflict, Invalid
from portal.localization import localized
from portal.models.base import utcnow
from portal.queries import bookings as queries
from portal.queries.availability import zone_of
from portal.queries.bookings import BookingView
from portal.queries.offerings import OfferingView, get_visible_offering
from portal.queries.plans import billable_components, loaded_components
from portal.services import bookings as services
from portal.services.booking_requests import BookingRequest, IdempotencyKey, check_request
from portal.services.slot_allocation import SlotTaken, first_state
from portal.web import booking_form
from portal.web.booking_form import BookingForm, clocks
from portal.web.booking_lines import line_of, overlapping
from portal.web.guards import signed_in
from portal.web.kept_forms import is_resumed
from portal.web.links import page_number
from portal.web.people import current_actor
from portal.web.picker import Place, chosen_times, form_problems, slot_count, week_picker
from portal.web.prices import unit_name
from portal.web.week import parse_slot, slot_value

blueprint = Blueprint("bookings", __name__)

STATES = {
    "requested": (Message("Pending"), "warn"),
    "confirmed": (Message("Confirmed"), "good"),
    "rejected": (Message("Rejected"), "bad"),
    "cancelled": (Message("Cancelled"), "idle"),
    "expired": (Message("Expired"), "idle"),
}
CHANGES = {
    "request": N_("Requested by %(name)s"),
    "accept": N_("Accepted by %(name)s"),
    "reject": N_("Rejected by %(name)s"),
    "cancel": N_("Cancelled by %(name)s"),
    "expire": N_("Expired: %(name)s"),
    "reschedule": N_("Moved by %(name)s"),
}
# Fields of the booking form besides its times and the offering's own questions.
FIELDS = {
    "plan": Message("Plan"),
    "project": Message("Project"),
    "name": Message("What is it for?"),
    "note": Message("Message to the facility"),
}


@blueprint.route("/offerings/<uuid:uuid>/book/", methods=["GET", "POST"])
@signed_in
def book(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Request periods of an offering. A refusal shows its reason and keeps everything that was entered."""
    actor = current_actor()
    view = get_visible_offering(actor, uuid)
    zone = zone_of(view.attributes)
    questions = read_form(view.document["options"])
    if request.method != "POST":
        sent = booking_form.from_address()
        sent.answers = dict(booking_form.first_answers(questions))
        return _book_page(view, sent)
    sent = booking_form.from_form(questions)
    if booking_form.press_buttons(sent, zone) or is_resumed():
        return _book_page(view, sent)
    try:
        made = services.request_booking(actor, _booking_request(view, sent, zone), key=_idempotency_key(sent))
    except (SlotTaken, Invalid) as refusal:
        code = sent.refuse(refusal)
        _find_more_errors(view, sent)
        return _book_page(view, sent, code)
    flash(_made(made, zone), "good")
    return redirect(url_for("bookings.booking", uuid=made.uuid), code=303)


@blueprint.post("/offerings/<uuid:uuid>/book/summary/")
@signed_in
def summary(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """What the form comes to as it stands: whether its times could be booked now, and the price. Nothing is kept."""
    view = get_visible_offering(current_actor(), uuid)
    sent = booking_form.from_form(read_form(view.document["options"]))
    return render_template("bookings/summary.html", **_summary(view, sent))


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
        lines=[line_of(it) for it in found.bookings],
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
            flash(localized(error.message), "bad")
        else:
            flash(_("The booking is cancelled. Its times are free for others."), "good")
        return redirect(back, code=303)
    view = queries.get_booking(actor, uuid)
    return render_template(
        "bookings/reason.html",
        section="bookings",
        question=_("Cancel “%(name)s”?", name=view.booking.name),
        consequences=[
            *(Message("%(time)s (%(zone)s)", time=it["text"], zone=it["zone"]) for it in line_of(view)["slots"]),
            _("The times become free for others at once. This can't be undone."),
        ],
        action=url_for("bookings.cancel", uuid=uuid),
        verb=_("Cancel booking"),
        danger=True,
        back=back,
        reason_required=False,
        error="",
        reason="",
    )


def _made(view: BookingView, zone: ZoneInfo) -> str:
    found = view.booking
    times = "; ".join(localized(period_text(Period(it.start, it.end), zone)) for it in found.slots)
    known = {"name": found.name, "times": times, "zone": zone.key}
    if found.state == BookingState.CONFIRMED.value:
        return str(_("Booked: “%(name)s”, %(times)s (%(zone)s).", **known))
    text = _("Requested: “%(name)s”, %(times)s (%(zone)s). You will get an e-mail when the facility answers.", **known)
    return str(text)


def _booking_request(view: OfferingView, sent: BookingForm, zone: ZoneInfo) -> BookingRequest:
    periods = sent.requested(zone)
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
        raise Invalid(N_("Choose one from the list."), field) from None


def _idempotency_key(sent: BookingForm) -> IdempotencyKey | None:
    """So that pressing the button twice books once."""
    if not sent.key:
        return None
    times = [*(slot_value(it.start, it.end) for it in sent.picks), *((it.start, it.end) for it in sent.typed)]
    asked = json.dumps(
        [times, sent.plan, sent.project, sent.name, sent.note, sent.answers], sort_keys=True, default=str
    )
    return IdempotencyKey(f"page-{sent.key}", hashlib.sha256(asked.encode()).hexdigest())


def _find_more_errors(view: OfferingView, sent: BookingForm) -> None:
    """Add what else would be refused to what the service has refused first."""
    request_ = BookingRequest(view.uuid, sent.readable(zone_of(view.attributes)), sent.name, sent.note)
    checks = (lambda: check_request(request_), lambda: check_answers(view.document["options"], sent.answers))
    for check in checks:
        try:
            check()
        except Invalid as error:
            if isinstance(error, InvalidAnswers) or not sent.errors[error.field or "slots"]:
                sent.refuse(error)


def _place(view: OfferingView) -> Place:
    active = view.document["state"] == "Active"
    return Place(view.id, view.attributes, active, current_actor(), utcnow())


def _book_page(view: OfferingView, sent: BookingForm, code: int = 200) -> ResponseReturnValue:
    offering, place = view.document, _place(view)
    questions = read_form(offering["options"])
    summed = _summary(view, sent)
    labels = {**FIELDS, **{f"{booking_form.PREFIX}{it.key}": it.label for it in questions}}
    page = render_template(
        "bookings/book.html",
        offering=offering,
        zone=place.zone.key,
        sent=sent,
        picker=week_picker(place, sent.picks) if place.active else None,
        projects=queries.projects_of(current_actor()),
        questions=questions,
        problems=form_problems(sent, labels, summed["chosen"]) if code != 200 else [],
        problems_intro=_("Not booked yet. Check:"),
        prefix=booking_form.PREFIX,
        bookable=place.active,
        **summed,
    )
    return page, code


def _summary(view: OfferingView, sent: BookingForm) -> dict[str, Any]:
    """What the summary shows."""
    place = _place(view)
    plans = [plan for plan in view.document["plans"] if not plan["archived"]]
    plan = next((it for it in plans if it["uuid"] == sent.plan), plans[0] if len(plans) == 1 else None)
    periods, chosen = sent.readable(place.zone), chosen_times(place, sent)
    return {
        "plans": plans,
        "plan": plan,
        "chosen": chosen,
        "slot_count": slot_count(place, chosen),
        "overlapping": overlapping(periods),
        "at_once": first_state(view.id, view.attributes, place.now) is BookingState.CONFIRMED,
        "action": url_for("bookings.book", uuid=view.uuid),
        "estimate": (
            estimate(
                billable_components(view.document, plan),
                plan["unit"],
                periods,
                place.zone,
                persons=persons_of(view.document["options"], sent.answers),
            )
            if plan and periods
            else None
        ),
        "unit_name": unit_name,
    }


def _linked(view: BookingView, period: Period, zone: ZoneInfo) -> dict[str, str]:
    """A period with the links that put it into the reader's own calendar."""
    name, place, note = view.booking.name, view.details.offering, view.booking.note
    title = f"{name} ({place})" if place != name else name
    return {
        **clocks(period, zone),
        "google": google_link(period, title, note, place),
        "outlook": outlook_link(period, title, note, place),
    }


def _change(change: Any, zone: ZoneInfo) -> dict[str, Any]:
    who = (change.user.full_name or change.user.email) if change.user else _("the portal")
    former = [parse_slot(f"{it['start']}/{it['end']}") for it in change.detail.get("slots", [])]
    return {
        "at": change.at,
        "what": _(CHANGES.get(change.what, "%(name)s"), name=who),
        "reason": change.reason if change.user or not change.reason else Message(change.reason),
        "former": [clocks(it, zone)["text"] for it in former if it is not None],
    }
