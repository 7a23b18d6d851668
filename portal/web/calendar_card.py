"""How the Google calendar of an offering is, told in words: one place for the card, the dashboard and the acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.calendar_sync.states import QUEUED, RUNNING, CalendarState
from portal.queries.calendars import CalendarView, ConnectionView, RunView
from portal.web.filters import count_of, when

OUT_OF_DATE_AFTER = timedelta(hours=24)


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
    """Everything the card shows, in its order. `busy`: an act that somebody asked for is not done yet. `may_share`: its
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


def connection_status(connection: ConnectionView) -> Status:
    """How an organization's connection is."""
    if not connection.configured:
        return Status("Google not set up", "idle")
    if connection.disconnecting:
        return Status("Disconnecting", "busy")
    if connection.broken:
        return Status("Reconnect needed", "bad")
    return Status("Google connected", "good") if connection.connected else Status("Not connected", "idle")


def calendar_status(
    state: str | None, last_synced: datetime | None, connection: ConnectionView, now: datetime
) -> Status:
    """How a calendar is. `state` is the calendar's (None: the offering has none yet)."""
    if connection.disconnecting:
        return Status("Disconnecting", "busy")
    if connection.broken:
        return Status("Reconnect needed", "bad")
    if not connection.usable:
        return Status("Not connected", "idle")
    if state in QUEUED:
        return Status("Queued", "busy")
    if state in RUNNING:
        return Status("Syncing", "busy")
    if state == CalendarState.ERRED:
        return Status("Failed", "bad")
    if state is None or last_synced is None:
        return Status("Never synced", "idle")
    if now - last_synced > OUT_OF_DATE_AFTER:
        return Status("Out of date", "warn")
    return Status("In sync", "good")


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
        written, read = count_of(view.events, "event"), count_of(view.busy_periods, "busy time")
        summary = f"Last synced {last} ({zone}): {written}, {read}"
    visibility = ""
    if view.exists or connection.usable:
        visibility = "Public: anyone with the link" if view.public else "Private"
    return CalendarCard(
        status=status.status,
        tone=status.tone,
        summary=summary,
        sentence=sentence,
        fix=fix,
        progress=_progress(view),
        busy=view.busy,
        failed=status.status == "Failed",
        can_act=view.can_act,
        visibility=visibility,
        may_share=view.can_act and not view.busy and connection.can_share,
        public=view.public,
        link=view.link,
        zone=zone,
        runs=view.runs,
    )


def _public_card(link: str, zone: str) -> CalendarCard:
    sentence = "Anyone can see when this is booked, here or in a calendar of their own."
    return CalendarCard(status="Public", tone="good", sentence=sentence, public=True, link=link, zone=zone)


def _progress(view: CalendarView) -> str:
    run = view.runs[0] if view.runs else None
    if not view.busy or run is None or run.ended is not None or not run.planned:
        return ""
    return f"{run.done:,} of {count_of(run.planned, 'event')} written."


def _advice(
    view: CalendarView, connection: ConnectionView, status: Status, zone: str, page: str | None
) -> tuple[str, Fix | None]:
    """What the state means and what to do about it."""
    if not connection.configured:
        words = (
            "This portal is not set up for Google Calendar yet: GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are missing."
        )
        return words, Fix("See what is missing", page) if page else None
    if connection.disconnecting:
        return "Google is being disconnected: nothing is synced any more.", None
    if connection.broken:
        return connection.broken, Fix("Reconnect Google", page) if page else None
    if not connection.connected:
        words = "The organization has not connected a Google account, so this offering has no calendar there."
        return words, Fix("Connect Google", page) if page else None
    if status.status == "Queued":
        if not view.worker_alive:
            return "It waits for a worker, and none is running: whoever runs the portal must start one.", None
        wants = {(True, False): "to be shared", (False, True): "to be made private"}.get(
            (view.wants_public, view.public), "to be synced"
        )
        return f"It waits {wants}. Nothing is done at Google yet.", None
    if status.status == "Syncing":
        return "Syncing with Google…", None
    if status.status == "Failed":
        words = view.error or "The last run failed."
        if view.retry_at is not None:
            return f"{words} The next try is on {when(view.retry_at, zone, short=True)}.", None
        return f"{words} Press Sync now to try again." if view.can_act else words, None
    if not connection.can_share:
        act = "made private" if view.public else "shared"
        words = f"It can be synced, but not {act}: sharing was left unticked on Google's page when it was connected."
        return words, Fix("Allow sharing", page) if page else None
    if status.status == "Never synced":
        return "Nothing has been sent to Google yet. The first sync or share makes the calendar there.", None
    if status.status == "Out of date":
        words = "Google has not been asked for more than a day."
        return f"{words} Press Sync now to ask it." if view.can_act else words, None
    return view.error, None
