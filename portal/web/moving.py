"""The page on which a booking is moved: typed times, and the week as it would be without this booking."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.booking_states import BookingStateConflict
from portal.domain.periods import Period
from portal.domain.refusals import Refusal
from portal.errors import Forbidden, Invalid
from portal.models.base import utcnow
from portal.policies import Actor
from portal.queries import bookings as queries
from portal.queries.availability import next_free, offering_availability, parse_attributes, zone_of
from portal.queries.bookings import BookingView
from portal.services import bookings as services
from portal.services.slot_allocation import SlotTaken
from portal.web import booking_form
from portal.web.booking_form import Alternative, Row, Sent, clocks
from portal.web.bookings import overlapping
from portal.web.guards import signed_in
from portal.web.kept_forms import is_resumed
from portal.web.people import current_actor
from portal.web.week import Offered, Week, build_week, days_shown, first_day, span_of, ticks

blueprint = Blueprint("moving", __name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A block of the week as this page shows it."""

    start: datetime
    end: datetime
    state: str
    reason: str
    is_slot: bool
    refusal: Refusal | None


@blueprint.route("/bookings/<uuid:uuid>/move/", methods=["GET", "POST"])
@signed_in
def move(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Ask for other periods; until that is granted the booking keeps those that it has."""
    actor = current_actor()
    view = queries.get_booking(actor, uuid)
    if not view.visibility.offering:
        raise Forbidden(services.NOT_SEEN)
    zone = zone_of(view.booking.offering.attributes)
    if request.method != "POST":
        given = booking_form.from_address(zone)
        if given.rows[0].start:
            return _page(view, given, zone, given.readable(zone))
        return _page(view, Sent([Row.of(it, zone) for it in _kept(view)]), zone)
    sent = booking_form.from_form([])
    if booking_form.act_on_rows(sent, zone) or is_resumed():
        return _page(view, sent, zone, sent.readable(zone))
    try:
        moved = services.reschedule_booking(actor, uuid, sent.demanded(zone), sent.note)
    except (SlotTaken, Invalid) as refusal:
        alternatives, code = sent.refused(refusal, zone)
        return _page(queries.get_booking(actor, uuid), sent, zone, sent.readable(zone), alternatives, code)
    except BookingStateConflict as conflict:
        flash(conflict.message, "bad")
    else:
        same = ("The booking already has exactly these times. Nothing was changed.", "info")
        flash(*(("The booking is moved.", "good") if moved else same))
    return redirect(url_for("bookings.booking", uuid=uuid), code=303)


def _page(
    view: BookingView,
    sent: Sent,
    zone: ZoneInfo,
    wanted: Sequence[Period] = (),
    alternatives: Sequence[Alternative] = (),
    code: int = 200,
) -> ResponseReturnValue:
    """`wanted` are the periods whose boxes are ticked: not those that it has, or a tick more would book both."""
    found = view.booking
    week = _week(view, zone)
    ticked, carried = ticks(week, wanted)
    page = render_template(
        "bookings/move.html",
        booking=found,
        offering=found.offering,
        zone=zone.key,
        sent=sent,
        kept=[clocks(it, zone) for it in _kept(view)],
        alternatives=alternatives,
        overlapping=overlapping(sent.readable(zone), except_booking=found.id) if view.mine else [],
        week=week,
        day=request.args.get("from", ""),
        ticked=ticked,
        carried=carried,
    )
    return page, code


def _kept(view: BookingView) -> list[Period]:
    return [Period(it.start, it.end) for it in view.booking.slots]


def _week(view: BookingView, zone: ZoneInfo) -> Week:
    """The week asked for, else the one that begins with the booking: as the booker could use it, did it not exist."""
    offering, now = view.booking.offering, utcnow()
    booker = current_actor() if view.mine else Actor(view.booking.user_id)
    first = _first_day(view, now, zone)
    days = days_shown(parse_attributes(offering.attributes).schedule.config)
    free = offering_availability(
        offering.id,
        offering.attributes,
        Period(*span_of(first, zone.key, days)),
        now,
        booker,
        except_booking=view.booking.id,
    )
    blocks = [block for day in free.days(first, days) for block in day.blocks]
    following = None
    if offering.state == "Active" and not any(it.is_free for it in blocks):
        following = next_free([(offering.id, offering.attributes)], now).get(offering.id)
    return build_week(
        _shown(blocks, view),
        first,
        zone.key,
        now,
        following.start if following else None,
        bookable=offering.state == "Active",
        days=days,
    )


def _first_day(view: BookingView, now: datetime, zone: ZoneInfo) -> date:
    today = now.astimezone(zone).date()
    slots = view.booking.slots
    begins = slots[0].start.astimezone(zone).date().isoformat() if slots else None
    return first_day(request.args.get("from") or begins, today)


def _shown(blocks: Iterable[Offered], view: BookingView) -> Iterator[Shown]:
    kept = _kept(view)
    for it in blocks:
        state = it.state
        if state == "mine" and not view.mine:
            # The booker's other bookings are not the reader's.
            state = "booked"
        if state == "free" and view.booking.offering.state == "Active":
            period = Period(it.start, it.end)
            state = "kept" if any(period.overlaps(own) for own in kept) else state
        yield Shown(it.start, it.end, state, it.reason, it.is_slot, it.refusal)
