"""The state of an offering's Google calendar as text, for the card and the overview of managers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.calendar_sync.states import QUEUED, RUNNING, CalendarState
from portal.domain.messages import Message, NumberText, Plural
from portal.queries.calendars import CalendarView, ConnectionView, RunView
from portal.web.filters import when

OUT_OF_DATE_AFTER = timedelta(hours=24)
FAILED = Message("Failed")
QUEUED_STATUS = Message("Queued")
SYNCING = Message("Syncing")
NEVER_SYNCED = Message("Never synced")
OUT_OF_DATE = Message("Out of date")
# Why a run was started, as the engine records it.
REASONS = {
    "another try": Message("Retry"),
    "asked for": Message("Requested"),
    "bookings changed": Message("Bookings changed"),
    "regular read": Message("Regular sync"),
}


@dataclass(frozen=True, slots=True)
class Status:
    """A state as a chip: what it is called, and its tone (good, warn, bad, busy, idle)."""

    status: str
    tone: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A link that mends what is wrong."""

    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCard:
    """Everything the card shows, in its order. `busy`: an action is not finished yet. `may_share`: the
    visibility can be changed now.
    """

    status: str
    tone: str
    summary: str = ""
    sentence: str = ""
    fix: Fix | None = None
    progress: str = ""
    busy: bool = False
    failed: bool = False
    can_act: bool = False
    visibility: str = ""
    may_share: bool = False
    public: bool = False
    link: str | None = None
    zone: str
    runs: Sequence[RunView] = ()

    def reason_of(self, run: RunView) -> str:
        """Why a run was started."""
        return REASONS.get(run.reason, run.reason)

    def result_of(self, run: RunView) -> str:
        """How a run ended."""
        if run.error:
            return run.error
        if run.ended is None:
            return Message("Running")
        if run.skipped:
            return Plural("Done, %(number)s skipped", "Done, %(number)s skipped", len(run.skipped))
        return Message("Done")


def connection_status(connection: ConnectionView) -> Status:
    """How an organization's connection is."""
    if not connection.configured:
        return Status(Message("Google not configured"), "idle")
    if connection.disconnecting:
        return Status(Message("Disconnecting"), "busy")
    if connection.broken:
        return Status(Message("Reconnect needed"), "bad")
    return (
        Status(Message("Google connected"), "good")
        if connection.connected
        else Status(Message("Not connected"), "idle")
    )


def calendar_status(
    state: str | None, last_synced: datetime | None, connection: ConnectionView, now: datetime
) -> Status:
    """How a calendar is. `state` is the calendar's (None: the offering has none yet)."""
    if connection.disconnecting:
        return Status(Message("Disconnecting"), "busy")
    if connection.broken:
        return Status(Message("Reconnect needed"), "bad")
    if not connection.usable:
        return Status(Message("Not connected"), "idle")
    if state in QUEUED:
        return Status(QUEUED_STATUS, "busy")
    if state in RUNNING:
        return Status(SYNCING, "busy")
    if state == CalendarState.ERRED:
        return Status(FAILED, "bad")
    if state is None or last_synced is None:
        return Status(NEVER_SYNCED, "idle")
    if now - last_synced > OUT_OF_DATE_AFTER:
        return Status(OUT_OF_DATE, "warn")
    return Status(Message("In sync"), "good")


def build_card(view: CalendarView, zone: str, now: datetime, connection_page: str | None) -> CalendarCard | None:
    """The card as its reader may see it: whole for managers, the public link alone for others, else none.

    `connection_page` is where this reader can mend the connection, None where they may not.
    """
    connection = view.connection
    if not view.manages or connection is None:
        return _public_card(view.link, zone) if view.link else None
    status = calendar_status(view.state, view.last_synced, connection, now)
    sentence, fix = _advice(view, connection, status, zone, connection_page)
    summary = ""
    if view.last_synced is not None:
        last = when(view.last_synced, zone, short=True)
        summary = Message(
            "Last synced %(time)s (%(zone)s): %(events)s, %(busy)s",
            time=last,
            zone=zone,
            events=Plural("%(number)s event", "%(number)s events", view.events),
            busy=Plural("%(number)s busy time", "%(number)s busy times", view.busy_periods),
        )
    visibility = ""
    if view.exists or connection.usable:
        visibility = Message("Public: anyone with the link") if view.public else Message("Private")
    return CalendarCard(
        status=status.status,
        tone=status.tone,
        summary=summary,
        sentence=sentence,
        fix=fix,
        progress=_progress(view),
        busy=view.busy,
        failed=status.status == FAILED,
        can_act=view.can_act,
        visibility=visibility,
        may_share=view.can_act and not view.busy and connection.can_share,
        public=view.public,
        link=view.link,
        zone=zone,
        runs=view.runs,
    )


def _public_card(link: str, zone: str) -> CalendarCard:
    sentence = Message("Anyone can see when this is booked, and subscribe to the calendar.")
    return CalendarCard(status=Message("Public"), tone="good", sentence=sentence, public=True, link=link, zone=zone)


def _progress(view: CalendarView) -> str:
    run = view.runs[0] if view.runs else None
    if not view.busy or run is None or run.ended is not None or not run.planned:
        return ""
    return Plural(
        "%(done)s of %(number)s event written.",
        "%(done)s of %(number)s events written.",
        run.planned,
        done=NumberText(run.done),
    )


def _advice(
    view: CalendarView, connection: ConnectionView, status: Status, zone: str, page: str | None
) -> tuple[str, Fix | None]:
    """What the state means and what to do about it."""
    if not connection.configured:
        text = Message("Google Calendar is not configured. An administrator needs to set up the Google client.")
        return text, Fix(Message("See what is missing"), page) if page else None
    if connection.disconnecting:
        return Message("Google is being disconnected, so syncing has stopped."), None
    if connection.broken:
        return Message(connection.broken), Fix(Message("Reconnect Google"), page) if page else None
    if not connection.connected:
        text = Message("The organization is not connected to Google, so this offering has no calendar there.")
        return text, Fix(Message("Connect Google"), page) if page else None
    if status.status == QUEUED_STATUS:
        return _queued(view), None
    if status.status == SYNCING:
        return Message("Syncing with Google…"), None
    if status.status == FAILED:
        return _failed(view, zone), None
    if not connection.can_share:
        text = Message("The calendar can be synced but not shared, because the access does not include sharing.")
        if view.public:
            text = Message("The calendar can be synced but not made private: the access does not include sharing.")
        return text, Fix(Message("Allow sharing"), page) if page else None
    if status.status == NEVER_SYNCED:
        return Message("Nothing has been sent to Google yet. The first sync or share creates the calendar."), None
    if status.status == OUT_OF_DATE:
        if view.can_act:
            return Message("The last sync is more than a day old. Press “Sync now”."), None
        return Message("The last sync is more than a day old."), None
    return Message(view.error) if view.error else "", None


def _queued(view: CalendarView) -> str:
    if not view.worker_alive:
        return Message("Waiting for a worker, but none is running. An administrator needs to start one.")
    if view.wants_public and not view.public:
        return Message("Waiting for Google… The calendar will be shared.")
    if view.public and not view.wants_public:
        return Message("Waiting for Google… The calendar will be made private.")
    return Message("Waiting for Google… The calendar will be synced.")


def _failed(view: CalendarView, zone: str) -> str:
    error = Message(view.error) if view.error else Message("The last run failed.")
    if view.retry_at is not None:
        retry = when(view.retry_at, zone, short=True)
        return Message("%(error)s The portal tries again on %(time)s.", error=error, time=retry)
    return Message("%(error)s Press “Sync now” to try again.", error=error) if view.can_act else error
