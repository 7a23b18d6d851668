"""Pages: an overview, calendars and events to edit by hand, and the public calendar page."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug import Response

from portal.dev.google_emulator.access import at_least, public_role
from portal.dev.google_emulator.acl import write_rule
from portal.dev.google_emulator.calendars import remove
from portal.dev.google_emulator.channels import Delivery, calendar_changed
from portal.dev.google_emulator.clock import from_ms, to_ms
from portal.dev.google_emulator.errors import ApiError, Json
from portal.dev.google_emulator.event_body import normalise
from portal.dev.google_emulator.event_store import SavedEvent, find, save
from portal.dev.google_emulator.events import cancel_event, new_id, replace_event
from portal.dev.google_emulator.listing import window
from portal.dev.google_emulator.state import current_state

blueprint = Blueprint("pages", __name__)
AGENDA_DAYS = 28


@dataclass(frozen=True)
class AgendaLine:
    """One event on one day of an agenda; `time` is a text: "10:00–11:30", "all day", "until 09:00"."""

    id: str
    time: str
    title: str
    place: str
    free: bool


def agenda(
    db: sqlite3.Connection, calendar: sqlite3.Row, first: date, zone: ZoneInfo, *, titles: bool = True
) -> list[tuple[date, list[AgendaLine]]]:
    """The days with events in the four weeks from `first`; an event of several days is listed on each."""
    midnights = [datetime.combine(first + timedelta(days=n), datetime.min.time(), zone) for n in range(AGENDA_DAYS + 1)]
    edges = [to_ms(midnight.astimezone(UTC)) for midnight in midnights]
    found = [item.make() for item in window(db, current_state().clock.ms(), calendar, edges[0], edges[-1])]
    events = sorted((item for item in found if isinstance(item, SavedEvent)), key=lambda item: (item.start_ms, item.id))
    days = []
    for number in range(AGENDA_DAYS):
        low, high = edges[number], edges[number + 1]
        day = first + timedelta(days=number)
        lines = [_line(event, day, low, high, zone, titles=titles) for event in events if _on(event, day, low, high)]
        if lines:
            days.append((day, lines))
    return days


def _on(event: SavedEvent, day: date, low: int, high: int) -> bool:
    start, end = event.body["start"], event.body["end"]
    if "date" in start:
        return bool(start["date"] <= day.isoformat() < end["date"])
    return event.start_ms < high and (event.end_ms > low or event.start_ms >= low)


def _line(event: SavedEvent, day: date, low: int, high: int, zone: ZoneInfo, *, titles: bool) -> AgendaLine:
    begins, ends = (f"{from_ms(ms).astimezone(zone):%H:%M}" for ms in (event.start_ms, event.end_ms))
    if "date" in event.body["start"] or (event.start_ms <= low and event.end_ms >= high):
        when = "all day"
    elif event.start_ms < low:
        when = f"until {ends}"
    elif event.end_ms > high:
        when = f"from {begins}"
    else:
        when = f"{begins}–{ends}"
    secret = not titles or event.body.get("visibility") in ("private", "confidential")
    title = "Busy" if secret else event.body.get("summary") or "(no title)"
    place = "" if secret else event.body.get("location", "")
    return AgendaLine(event.id, when, title, place, event.body.get("transparency") == "transparent")


def _zone(name: str | None, otherwise: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or otherwise)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(otherwise)


def _first_day(zone: ZoneInfo) -> date:
    try:
        return date.fromisoformat(request.args.get("from", ""))
    except ValueError:
        return current_state().clock.now().astimezone(zone).date()


def _calendar(db: sqlite3.Connection, calendar_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM calendars WHERE id = ? AND NOT deleted", (calendar_id,)
    ).fetchone()
    return row if row is not None else abort(404)


@blueprint.get("/calendar/embed")
def embed() -> str | tuple[str, int]:
    """The public page of a calendar: an agenda, where its sharing rules allow it."""
    wanted = request.args.get("src", "")
    with current_state().store.read() as db:
        calendar = db.execute("SELECT * FROM calendars WHERE id = ? AND NOT deleted", (wanted,)).fetchone()
        role = "none" if calendar is None else public_role(db, calendar["id"])
        if calendar is None or role == "none":
            return render_template("not_public.html"), 404
        zone = _zone(request.args.get("ctz"), calendar["time_zone"])
        first = _first_day(zone)
        days = agenda(db, calendar, first, zone, titles=at_least(role, "reader"))
    step = timedelta(days=AGENDA_DAYS)
    return render_template(
        "embed.html",
        calendar=calendar,
        zone=zone.key,
        days=days,
        first=first,
        last=first + step - timedelta(days=1),
        before=first - step,
        after=first + step,
        ctz=request.args.get("ctz"),
    )


@blueprint.get("/")
def index() -> str:
    """Accounts, and calendars with their sharing rules and number of events."""
    with current_state().store.read() as db:
        accounts = db.execute(
            "SELECT a.*, (SELECT group_concat(client_id) FROM grants g WHERE g.account = a.email) AS clients"
            " FROM accounts a ORDER BY email"
        ).fetchall()
        calendars = db.execute(
            "SELECT c.*, (SELECT count(*) FROM events e WHERE e.calendar_id = c.id AND e.status <> 'cancelled')"
            " AS events FROM calendars c WHERE NOT deleted ORDER BY is_primary, summary, id"
        ).fetchall()
        rules: dict[str, list[sqlite3.Row]] = {}
        for rule in db.execute("SELECT * FROM acl WHERE role <> 'none' ORDER BY calendar_id, id").fetchall():
            rules.setdefault(rule["calendar_id"], []).append(rule)
    return render_template("index.html", accounts=accounts, calendars=calendars, rules=rules)


@blueprint.get("/calendars/<calendar_id>")
def calendar_page(calendar_id: str) -> str:
    """One calendar: sharing, four weeks of events, and a form for a new event."""
    with current_state().store.read() as db:
        calendar = _calendar(db, calendar_id)
        zone = ZoneInfo(calendar["time_zone"])
        first = _first_day(zone)
        days = agenda(db, calendar, first, zone)
        public = public_role(db, calendar_id)
    today = current_state().clock.now().astimezone(zone).date()
    step = timedelta(days=AGENDA_DAYS)
    form = {"title": "", "start": f"{today}T09:00", "end": f"{today}T10:00", "all_day": False, "busy": True}
    return render_template(
        "calendar.html",
        calendar=calendar,
        public=public,
        days=days,
        first=first,
        before=first - step,
        after=first + step,
        form=form,
        problem="",
    )


@blueprint.get("/calendars/<calendar_id>/events/<event_id>")
def event_page(calendar_id: str, event_id: str) -> str:
    """One event in a form."""
    with current_state().store.read() as db:
        calendar = _calendar(db, calendar_id)
        event = find(db, calendar, event_id)
    if event is None:
        abort(404)
    return render_template("event.html", calendar=calendar, event=event, form=_form(event, calendar), problem="")


def _form(event: SavedEvent, calendar: sqlite3.Row) -> dict[str, Any]:
    zone, all_day = ZoneInfo(calendar["time_zone"]), "date" in event.body["start"]
    start, end = (from_ms(ms).astimezone(zone) for ms in (event.start_ms, event.end_ms))
    if event.is_series:
        end = datetime.fromisoformat(
            event.body["end"].get("dateTime") or event.body["end"]["date"] + "T00:00"
        ).astimezone(zone)
    if all_day:
        end = datetime.combine(date.fromisoformat(event.body["end"]["date"]) - timedelta(days=1), datetime.min.time())
    return {
        "title": event.body.get("summary", ""),
        "start": f"{start:%Y-%m-%dT%H:%M}",
        "end": f"{end:%Y-%m-%dT%H:%M}",
        "all_day": all_day,
        "busy": event.body.get("transparency") != "transparent",
    }


def _wanted(calendar: sqlite3.Row) -> Json:
    """The submitted form as an event body; for all-day events the form has the last day, the body the day after."""
    start, end, zone = request.form.get("start", ""), request.form.get("end", ""), calendar["time_zone"]
    body: Json = {"summary": request.form.get("title", "").strip(), "status": "confirmed"}
    body["transparency"] = "opaque" if request.form.get("show_as", "busy") == "busy" else "transparent"
    if request.form.get("all_day"):
        try:
            last = date.fromisoformat(end[:10]) + timedelta(days=1)
        except ValueError:
            raise ApiError(400, "invalid", "Please give an end.") from None
        return body | {"start": {"date": start[:10]}, "end": {"date": last.isoformat()}}

    def edge(text: str) -> Json:
        return {"dateTime": text + ":00" if len(text) == len("2026-01-01T09:00") else text, "timeZone": zone}

    return body | {"start": edge(start), "end": edge(end)}


def _change(
    calendar_id: str, change: Callable[[sqlite3.Connection, sqlite3.Row, int], object]
) -> Response | tuple[str, int]:
    """Change a calendar by hand and notify its channels."""
    state = current_state()
    deliveries: list[Delivery] = []
    try:
        with state.store.write() as db:
            calendar = _calendar(db, calendar_id)
            change(db, calendar, state.clock.ms())
            deliveries = calendar_changed(db, calendar_id, state.clock.ms())
    except ApiError as error:
        return render_template("problem.html", title="The event was not saved", text=error.message), 400
    state.notifier.send(deliveries)
    return redirect(url_for("pages.calendar_page", calendar_id=calendar_id), 303)


@blueprint.post("/calendars/<calendar_id>")
def add_event(calendar_id: str) -> Response | tuple[str, int]:
    """Add an event by hand."""

    def change(db: sqlite3.Connection, calendar: sqlite3.Row, now: int) -> None:
        body = normalise(_wanted(calendar), ZoneInfo(calendar["time_zone"]))
        save(db, now, calendar, new_id(), body | {"sequence": 0})

    return _change(calendar_id, change)


@blueprint.post("/calendars/<calendar_id>/events/<event_id>")
def edit_event(calendar_id: str, event_id: str) -> Response | tuple[str, int]:
    """Change or delete an event by hand; fields that are not in the form stay unchanged."""

    def change(db: sqlite3.Connection, calendar: sqlite3.Row, now: int) -> None:
        old = find(db, calendar, event_id)
        if old is None:
            abort(404)
        if request.form.get("action") == "delete":
            if not old.cancelled:
                cancel_event(db, now, calendar, old)
        else:
            replace_event(db, now, calendar, old, {**old.body, **_wanted(calendar)})

    return _change(calendar_id, change)


@blueprint.post("/calendars/<calendar_id>/sharing")
def change_sharing(calendar_id: str) -> Response | tuple[str, int]:
    """Make a calendar public or private by hand."""
    role = "reader" if request.form.get("action") == "share" else "none"
    return _change(calendar_id, lambda db, calendar, now: write_rule(db, calendar_id, role, "default", ""))


@blueprint.post("/calendars/<calendar_id>/delete")
def delete_calendar(calendar_id: str) -> Response:
    """Delete a calendar by hand, as its owner can at Google."""
    with current_state().store.write() as db:
        if _calendar(db, calendar_id)["is_primary"]:
            abort(403)
        remove(db, calendar_id)
    return redirect(url_for("pages.index"), 303)
