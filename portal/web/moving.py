"""The page on which a booking is moved: the picker of the booking page, with the week as it is without this booking."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.domain.booking_states import BookingStateConflict
from portal.domain.messages import Message
from portal.domain.periods import Period
from portal.domain.refusals import Refusal
from portal.errors import Forbidden, Invalid
from portal.localization import localized
from portal.models.base import utcnow
from portal.policies import Actor
from portal.queries import bookings as queries
from portal.queries.availability import zone_of
from portal.queries.bookings import BookingView
from portal.services import bookings as services
from portal.services.slot_allocation import SlotTaken
from portal.web import booking_form
from portal.web.booking_form import BookingForm, clocks
from portal.web.booking_lines import overlapping
from portal.web.guards import signed_in
from portal.web.kept_forms import is_resumed
from portal.web.people import current_actor
from portal.web.picker import Place, chosen_times, form_problems, slot_count, week_picker
from portal.web.week import Offered

blueprint = Blueprint("moving", __name__)

FIELDS = {"reason": Message("Reason")}


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
    """Request other periods; until that is granted the booking keeps those that it has."""
    actor = current_actor()
    view = _movable(uuid)
    zone = zone_of(view.booking.offering.attributes)
    if request.method != "POST":
        return _page(view, booking_form.from_address())
    sent = booking_form.from_form([])
    if booking_form.press_buttons(sent, zone) or is_resumed():
        return _page(view, sent)
    try:
        moved = services.reschedule_booking(actor, uuid, sent.requested(zone), sent.note)
    except (SlotTaken, Invalid) as refusal:
        code = sent.refuse(refusal)
        return _page(queries.get_booking(actor, uuid), sent, code)
    except BookingStateConflict as conflict:
        flash(localized(conflict.message), "bad")
    else:
        same = (_("The booking already has exactly these times. Nothing was changed."), "info")
        flash(*((_("The booking is moved."), "good") if moved else same))
    return redirect(url_for("bookings.booking", uuid=uuid), code=303)


@blueprint.post("/bookings/<uuid:uuid>/move/summary/")
@signed_in
def summary(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Whether the booking could have the chosen times now. Nothing is kept."""
    return render_template("bookings/summary.html", **_summary(_movable(uuid), booking_form.from_form([])))


def _movable(uuid: uuidlib.UUID) -> BookingView:
    view = queries.get_booking(current_actor(), uuid)
    if not view.visibility.offering:
        raise Forbidden(services.NOT_SEEN)
    return view


def _page(view: BookingView, sent: BookingForm, code: int = 200) -> ResponseReturnValue:
    found, place = view.booking, _place(view)
    summed = _summary(view, sent)
    begins = found.slots[0].start if found.slots else None
    page = render_template(
        "bookings/move.html",
        booking=found,
        offering=found.offering,
        zone=place.zone.key,
        sent=sent,
        kept=[clocks(it, place.zone) for it in _kept(view)],
        picker=week_picker(place, sent.picks, begins, lambda blocks: _shown(blocks, view)),
        problems=form_problems(sent, FIELDS, summed["chosen"]) if code != 200 else [],
        problems_intro=_("Not moved yet. Check:"),
        **summed,
    )
    return page, code


def _place(view: BookingView) -> Place:
    """The offering as the booker can use it, as if this booking did not exist."""
    offering = view.booking.offering
    booker = current_actor() if view.mine else Actor(view.booking.user_id)
    return Place(offering.id, offering.attributes, offering.state == "Active", booker, utcnow(), view.booking.id)


def _summary(view: BookingView, sent: BookingForm) -> dict[str, Any]:
    place = _place(view)
    chosen = chosen_times(place, sent)
    periods = sent.readable(place.zone)
    return {
        "chosen": chosen,
        "slot_count": slot_count(place, chosen),
        "overlapping": overlapping(periods, except_booking=view.booking.id) if view.mine else [],
        "at_once": services.moves_at_once(view.booking, view.manages, place.now),
        "action": url_for("moving.move", uuid=view.booking.uuid),
    }


def _kept(view: BookingView) -> list[Period]:
    return [Period(it.start, it.end) for it in view.booking.slots]


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
