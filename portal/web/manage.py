"""The overview of managers and owners, and the calendar actions of an offering."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.calendar_sync.preview import preview_sync
from portal.calendar_sync.provider import OPEN_PROVIDER
from portal.domain.messages import N_, Message, Plural
from portal.domain.zones import period_text
from portal.errors import CalendarRefusal, CalendarRefused, Conflict, NotFound
from portal.extensions import settings
from portal.localization import localized
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
ROLE_WORDS = {
    "owner": Message("You are an owner"),
    "manager": Message("You are a manager"),
    "member": Message("You are a member, and staff"),
}


@dataclass(frozen=True, slots=True)
class Act:
    """A calendar action: the question (with the parameter `name`), what follows, the button, and the function."""

    question: str
    consequences: tuple[str, ...]
    verb: str
    asked_for: str
    do: Callable[[Actor, uuidlib.UUID], None]


ACTS = {
    "sync": Act(
        N_("Sync the calendar of “%(name)s” now?"),
        (
            Message("Bookings are written to the calendar in Google, and events added there block the offering."),
            Message("Bookings that were deleted or changed in Google are restored."),
        ),
        Message("Sync now"),
        Message("The sync is queued."),
        services.sync_google_calendar,
    ),
    "share": Act(
        N_("Share the calendar of “%(name)s” with everyone?"),
        (
            Message("Anyone with the link can see when it is booked. The calendar does not contain names of people."),
            Message("Events added in Google will be public too."),
        ),
        Message("Share calendar"),
        Message("Sharing is queued. The link appears here when it is done."),
        services.share_google_calendar,
    ),
    "unshare": Act(
        N_("Stop sharing the calendar of “%(name)s”?"),
        (Message("The public link stops working for everyone, including people who have subscribed to the calendar."),),
        Message("Stop sharing"),
        Message("The calendar will be private soon: the change is queued."),
        services.unshare_google_calendar,
    ),
}

REFUSALS = {
    CalendarRefusal.NO_CREDENTIALS: Message("Google is not connected, so there is no calendar. Connect Google first."),
    CalendarRefusal.BUSY: Message("Another action on this calendar is not finished yet. Try again when it is."),
    CalendarRefusal.ALREADY_PUBLIC: Message("The calendar is already public."),
    CalendarRefusal.ALREADY_PRIVATE: Message("The calendar is already private."),
    CalendarRefusal.NO_CALENDAR: Message("The offering has no calendar yet. Sync it first."),
}


@blueprint.get("/")
@signed_in
def dashboard() -> ResponseReturnValue:
    """The organizations and offerings that the person manages, with the state of their calendars."""
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
                "role": ROLE_WORDS.get(entry.role or "", Message("You are staff")),
                "owns": entry.owns,
                "google": connection_status(connection),
                "offerings": [
                    (item, calendar_status(item.calendar_state, item.last_synced, connection, now))
                    for item in entry.offerings
                ],
            }
        )
    pending = pending_count(current_actor())
    return render_template(
        "manage/dashboard.html",
        organizations=organizations,
        page=page,
        zone=settings().timezone,
        total=Plural("%(number)s offering", "%(number)s offerings", page.total),
        pending=pending,
        pending_text=Plural("%(number)s request", "%(number)s requests", pending) if pending else _("Requests"),
    )


@blueprint.route("/offerings/<uuid:uuid>/calendar/<any(sync, share, unshare):act>", methods=["GET", "POST"])
@owns_offering
def calendar_act(view: OfferingView, act: str) -> ResponseReturnValue:
    """GET asks for confirmation, POST queues the action for the worker."""
    chosen, actor = ACTS[act], current_actor()
    back = url_for("manage.calendar", uuid=view.uuid)
    if request.method == "POST":
        try:
            chosen.do(actor, view.uuid)
        except CalendarRefused as error:
            flash(localized(REFUSALS[error.refusal]), "bad")
        else:
            flash(localized(chosen.asked_for), "good")
        return redirect(back, code=303)
    return render_template(
        "confirm.html",
        section="manage",
        question=Message(chosen.question, name=view.document["name"]),
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
    """The calendar card alone: the page reloads it while an action is under way."""
    card = card_of(view, zone_of(view.attributes).key, utcnow())
    if card is None:
        raise NotFound("Calendar")
    return render_template("catalogue/calendar_card.html", calendar=card, offering=view.document)


@blueprint.get("/offerings/<uuid:uuid>/calendar/preview")
@owns_offering
def calendar_preview(view: OfferingView) -> ResponseReturnValue:
    """What a sync would change, and the public view of the calendar. Reads from Google; changes nothing."""
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
