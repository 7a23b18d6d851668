"""What managers and owners do: the overview, and the calendar acts of an offering."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.calendar_sync.preview import preview_sync
from portal.calendar_sync.provider import OPEN_PROVIDER
from portal.domain.zones import period_text
from portal.errors import CalendarRefusal, CalendarRefused, Conflict, NotFound
from portal.extensions import settings
from portal.models.base import utcnow
from portal.policies import Actor
from portal.queries import organizations as queries
from portal.queries.availability import zone_of
from portal.queries.bookings import pending_count
from portal.queries.calendars import ConnectionView
from portal.queries.offerings import OfferingView
from portal.services import calendars as services
from portal.web.calendar_card import calendar_status, connection_status
from portal.web.calendars import card_of
from portal.web.guards import manages_offering, owns_offering, signed_in
from portal.web.links import page_number
from portal.web.people import current_actor

blueprint = Blueprint("manage", __name__, url_prefix="/manage")

# Lines of each list of a preview.
MAX_LINES = 50
ROLE_WORDS = {"owner": "You are an owner", "manager": "You are a manager", "member": "You are a member, and staff"}


@dataclass(frozen=True, slots=True)
class Act:
    """A calendar act in words: what is asked, what follows, what the button says, and what does it."""

    question: str
    consequences: tuple[str, ...]
    verb: str
    asked_for: str
    do: Callable[[Actor, uuidlib.UUID], None]


ACTS = {
    "sync": Act(
        "Sync the calendar of “{name}” now?",
        (
            "Bookings are written to the calendar at Google, and what is entered there by hand is read back as busy.",
            "A booking that somebody deleted or changed at Google is put back.",
        ),
        "Sync now",
        "The sync is queued.",
        services.sync_google_calendar,
    ),
    "share": Act(
        "Show the calendar of “{name}” to everyone?",
        (
            "Anyone with the link can see when it is booked. Names of people are not in the calendar.",
            "Events added in Google will be public too.",
        ),
        "Share it",
        "Sharing is queued. The link appears here when Google has done it.",
        services.share_google_calendar,
    ),
    "unshare": Act(
        "Make the calendar of “{name}” private?",
        ("The public link stops working for everyone, also in calendars that people subscribed with it.",),
        "Make it private",
        "Making it private is queued.",
        services.unshare_google_calendar,
    ),
}

REFUSALS = {
    CalendarRefusal.NO_CREDENTIALS: "Google is not connected, so there is no calendar to act on.",
    CalendarRefusal.BUSY: "The calendar is still busy with what was asked before. Wait until that has ended.",
    CalendarRefusal.ALREADY_PUBLIC: "The calendar is public already.",
    CalendarRefusal.ALREADY_PRIVATE: "The calendar is private already.",
    CalendarRefusal.NO_CALENDAR: "The offering has no calendar yet.",
}


@blueprint.get("/")
@signed_in
def dashboard() -> ResponseReturnValue:
    """Organizations and offerings the person manages, with how their calendars are."""
    found, page = queries.managed(current_actor(), page_number())
    now = utcnow()
    organizations = []
    for entry in found:
        connection = ConnectionView(
            configured=settings().google_configured,
            connected=entry.connected,
            broken=entry.broken,
            disconnecting=entry.disconnecting,
        )
        organizations.append(
            {
                "uuid": entry.uuid,
                "name": entry.name,
                "role": ROLE_WORDS.get(entry.role or "", "You are staff"),
                "owns": entry.owns,
                "google": connection_status(connection),
                "offerings": [
                    (item, calendar_status(item.calendar_state, item.last_synced, connection, now))
                    for item in entry.offerings
                ],
            }
        )
    return render_template(
        "manage/dashboard.html",
        organizations=organizations,
        page=page,
        zone=settings().timezone,
        pending=pending_count(current_actor()),
    )


@blueprint.route("/offerings/<uuid:uuid>/calendar/<any(sync, share, unshare):act>", methods=["GET", "POST"])
@owns_offering
def calendar_act(view: OfferingView, act: str) -> ResponseReturnValue:
    """GET asks, POST does: it writes what is wanted, and the worker makes it so."""
    chosen, actor = ACTS[act], current_actor()
    back = url_for("manage.calendar", uuid=view.uuid)
    if request.method == "POST":
        try:
            chosen.do(actor, view.uuid)
        except CalendarRefused as error:
            flash(REFUSALS[error.refusal], "bad")
        else:
            flash(chosen.asked_for, "good")
        return redirect(back, code=303)
    return render_template(
        "confirm.html",
        section="manage",
        question=chosen.question.format(name=view.document["name"]),
        consequences=chosen.consequences,
        action=url_for("manage.calendar_act", uuid=view.uuid, act=act),
        verb=chosen.verb,
        danger=False,
        back=back,
    )


@blueprint.get("/offerings/<uuid:uuid>/calendar/")
@manages_offering
def calendar(view: OfferingView) -> ResponseReturnValue:
    """The offering's Google calendar: its state, and what can be done with it."""
    card = card_of(view, zone_of(view.attributes).key, utcnow())
    return render_template("manage/calendar.html", offering=view.document, calendar=card)


@blueprint.get("/offerings/<uuid:uuid>/calendar/card")
@manages_offering
def calendar_card(view: OfferingView) -> ResponseReturnValue:
    """The calendar card alone: the page asks for it while an act is under way."""
    card = card_of(view, zone_of(view.attributes).key, utcnow())
    if card is None:
        raise NotFound("Calendar")
    return render_template("catalogue/calendar_card.html", calendar=card, offering=view.document)


@blueprint.get("/offerings/<uuid:uuid>/calendar/preview")
@owns_offering
def calendar_preview(view: OfferingView) -> ResponseReturnValue:
    """What a sync would do, and what a stranger sees of the calendar. Reads at Google; changes nothing anywhere."""
    problem, found = "", None
    try:
        found = preview_sync(current_actor(), view.uuid, current_app.extensions[OPEN_PROVIDER], utcnow())
    except Conflict as conflict:
        problem = conflict.message
    zone = zone_of(view.attributes)
    page = render_template(
        "manage/preview.html",
        offering=view.document,
        preview=found,
        problem=problem,
        most=MAX_LINES,
        when_of=lambda line: period_text(line.period, zone),
        zone=zone.key,
    )
    return page, 409 if problem else 200
