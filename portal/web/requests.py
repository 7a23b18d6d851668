"""Requests that wait for an answer: the list, and the two answers. For those who manage the offering."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.domain.booking_states import BookingState
from portal.domain.messages import N_
from portal.domain.order_form import display_answers
from portal.domain.periods import Period
from portal.domain.texts import shortened
from portal.domain.zones import period_text
from portal.errors import Conflict, Invalid
from portal.localization import localized
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
MAX_ANSWERS = 10
MAX_TEXT = 200

NEEDS_REASON = N_("Enter a reason. The person who made the request will see it.")
ANSWERED = {
    "confirmed": N_("This booking is already confirmed."),
    "rejected": N_("This booking is already rejected."),
    "cancelled": N_("This booking is already cancelled."),
    "expired": N_("This booking has expired."),
}
_UUID = re.compile(r"[0-9a-f-]{36}", re.ASCII)


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
                "mine": entry.booking.user_id == current_actor().user_id,
                "zone": zone.key,
                "slots": [clocks(Period(it.start, it.end), zone) for it in entry.booking.slots],
                "answers": [
                    (shortened(label, MAX_TEXT), shortened(text, MAX_TEXT))
                    for label, text in islice(_answers(entry.booking), MAX_ANSWERS)
                ],
                "more_answers": len(entry.booking.answers) > MAX_ANSWERS,
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
            error = _(NEEDS_REASON)
        else:
            _answer(view.booking, act, reason)
            return redirect(_back(), code=303)
    found = view.booking
    zone = zone_of(found.offering.attributes)
    waits = found.state == BookingState.REQUESTED.value
    verb = _("Accept") if act == "accept" else _("Reject")
    page = render_template(
        "bookings/reason.html" if act == "reject" and waits else "confirm.html",
        section="manage",
        question=_(N_("Accept “%(name)s”?") if act == "accept" else N_("Reject “%(name)s”?"), name=found.name),
        consequences=[*_facts(found, zone), *_consequences(found, act)],
        action=request.full_path.rstrip("?"),
        verb=verb if waits else "",
        danger=act == "reject",
        back=_back(),
        reason_required=True,
        error=error,
        reason=reason,
    )
    return page, 400 if error else 200


def _back() -> str:
    """The place in the list from which a request was opened: the request that followed it."""
    following = request.args.get("next", "")
    anchor = f"request-{following}" if _UUID.fullmatch(following) else None
    return url_for("requests.pending", page=page_number() if "page" in request.args else None, _anchor=anchor)


def _answers(booking: Booking) -> Iterator[tuple[str, str]]:
    return display_answers(booking.offering.options, booking.answers)


def _answer(booking: Booking, act: str, reason: str) -> None:
    actor, known = current_actor(), {"name": booking.name, "who": _who(booking)}
    try:
        if act == "accept":
            services.accept_booking(actor, booking.uuid)
        else:
            services.reject_booking(actor, booking.uuid, reason)
    except (Conflict, Invalid) as refused:
        flash(localized(refused.message), "bad")
    else:
        done = N_("Accepted: “%(name)s” for %(who)s.") if act == "accept" else N_("Rejected: “%(name)s” for %(who)s.")
        flash(_(done, **known), "good")


def _who(booking: Booking) -> str:
    return (booking.user.full_name or booking.user.email) if booking.user else str(_("Deleted account"))


def _facts(found: Booking, zone: ZoneInfo) -> list[str]:
    times = "; ".join(localized(period_text(Period(it.start, it.end), zone)) for it in found.slots)
    known = {"who": _who(found), "offering": found.offering.name, "times": times, "zone": zone.key}
    return [_("%(who)s requests %(offering)s: %(times)s (%(zone)s).", **known)]


def _consequences(found: Booking, act: str) -> list[str]:
    if found.state != BookingState.REQUESTED.value:
        return [_(ANSWERED[found.state])]
    if act == "accept":
        return [_("They get this time; the calendar is updated.")]
    return [_("The times become free for others at once. This can't be undone.")]
