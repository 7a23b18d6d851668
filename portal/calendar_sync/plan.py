"""Compares an offering's bookings with its calendar at the provider. Pure functions.

The mirror is the last known state of the portal's own events at the provider. `merge_remote` updates the mirror and
the busy times with what was read; `plan` returns the writes after which the calendar shows exactly the offering's
slots. Both depend on states only, not on history, so they can be repeated at any time.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid as uuidlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from portal.domain.refusals import ALL_TIME
from portal.domain.texts import is_storable, visible

APP = "booking-portal"
# Neutral: the calendar may be public, and must not show who booked.
TITLE = "Booked"
BEFORE_ALL_TIME = ALL_TIME.start - timedelta(days=1)
_OUR_ID = re.compile(r"([0-9a-f]{32})(?:g([1-9][0-9]{0,5}))?")


def app_mark(deployment: str) -> str:
    """Marks the portal's own events; other portals, and copies of the database, have another mark."""
    return f"{APP}:{deployment}"


def calendar_mark(deployment: str, offering_uuid: uuidlib.UUID) -> str:
    """Marks a calendar in its description, so that it can be found if its creation was not confirmed."""
    return f"{app_mark(deployment)}:{offering_uuid.hex}"


def event_id(slot_uuid: uuidlib.UUID, generation: int = 0) -> str:
    """The id of a slot's event (Google allows 0-9 and a-v). Deterministic, so a repeated insert adds no second event.

    `generation` increases when Google does not accept the previous id any more.
    """
    return slot_uuid.hex if generation == 0 else f"{slot_uuid.hex}g{generation}"


def slot_of(identifier: str) -> tuple[uuidlib.UUID, int] | None:
    """The slot and generation of an id made by `event_id`, or None."""
    match = _OUR_ID.fullmatch(identifier)
    return (uuidlib.UUID(match[1]), int(match[2] or 0)) if match else None


@dataclass(frozen=True, slots=True)
class EventContent:
    """The content of one of the portal's events: half-open [start, end), aware; Google stores whole seconds."""

    slot_uuid: uuidlib.UUID
    start: datetime
    end: datetime
    title: str = TITLE
    description: str = ""
    location: str = ""

    @property
    def digest(self) -> str:
        """Equal for equal instants and texts, in whatever time zone they are written."""
        return _digest(self.start, self.end, self.title, self.description, self.location)


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """An event at the provider. `start` and `end` are dates for all-day events, None if they are invalid.

    `private` are the private extended properties. `plain` is False if the event has what the portal's events never
    have (guests, a recurrence, another visibility).
    """

    id: str
    etag: str
    cancelled: bool = False
    start: datetime | date | None = None
    end: datetime | date | None = None
    title: str = ""
    description: str = ""
    location: str = ""
    transparent: bool = False
    private: Mapping[str, str] = field(default_factory=dict)
    recurring_id: str = ""
    plain: bool = True
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class MirroredEvent:
    """One of the portal's events, as last known. `digest` "" means that somebody changed it.

    With `problem`, content with this digest was rejected; with etag "" also, the event was never written.
    """

    event_id: str
    slot_uuid: uuidlib.UUID
    generation: int
    etag: str
    digest: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BusyTime:
    """A busy time entered at the provider: half-open, aware UTC."""

    event_id: str
    start: datetime
    end: datetime
    title: str


@dataclass(frozen=True, slots=True)
class RemoteChanges:
    """Rows of the mirror and busy times to write and to delete after a read, and sentences about skipped events."""

    mirror_put: Mapping[str, MirroredEvent]
    mirror_drop: frozenset[str]
    busy_put: Mapping[str, BusyTime]
    busy_drop: frozenset[str]
    busy_read: int
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventInsert:
    """Write a new event."""

    content: EventContent
    generation: int

    @property
    def event_id(self) -> str:
        return event_id(self.content.slot_uuid, self.generation)


@dataclass(frozen=True, slots=True)
class EventUpdate:
    """Overwrite one of the portal's events with this content."""

    content: EventContent
    mirrored: MirroredEvent


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """The writes to make. `forget` are rows of the mirror without an event at the provider."""

    deletes: tuple[MirroredEvent, ...]
    updates: tuple[EventUpdate, ...]
    inserts: tuple[EventInsert, ...]
    forget: frozenset[str]
    skipped: tuple[str, ...]

    @property
    def writes(self) -> int:
        """The number of events to write."""
        return len(self.deletes) + len(self.updates) + len(self.inserts)


def merge_remote(
    events: Iterable[RemoteEvent],
    *,
    mirror: Mapping[str, MirroredEvent],
    busy: Mapping[str, BusyTime],
    app: str,
    zone: tzinfo,
    full: bool,
) -> RemoteChanges:
    """Update the mirror and the busy times with events read from the provider.

    `full`: the events are the whole calendar, so others no longer exist; else they are changes only. All-day events
    are days in the calendar's `zone`. The portal's own events are recognised by their ids, or by their mark if their
    insert was not confirmed. A copy of such an event has another id and blocks like any other event.
    """
    mirror_put: dict[str, MirroredEvent] = {}
    mirror_seen: set[str] = set()
    mirror_gone: set[str] = set()
    busy_seen: dict[str, BusyTime] = {}
    busy_gone: set[str] = set()
    skipped: list[str] = []
    for event in events:
        known = mirror_put.get(event.id) or mirror.get(event.id)
        if known is not None or is_ours(event, app):
            _merge_own(event, known, app, mirror_put, mirror_seen, mirror_gone)
        elif event.recurring_id and (event.recurring_id in mirror or event.recurring_id in mirror_put):
            # Somebody made our event recurring: the provider returns its occurrences instead of the event itself.
            master = mirror_put.get(event.recurring_id) or mirror[event.recurring_id]
            mirror_put[master.event_id] = _with(master, digest="", problem="")
            mirror_seen.add(master.event_id)
            busy_gone.add(event.id)
        else:
            _merge_busy(event, zone, busy_seen, busy_gone, skipped)
    if full:
        mirror_gone |= {key for key, row in mirror.items() if row.etag and key not in mirror_seen}
        busy_gone |= busy.keys() - busy_seen.keys()
    return RemoteChanges(
        mirror_put={key: row for key, row in mirror_put.items() if key not in mirror_gone and mirror.get(key) != row},
        mirror_drop=frozenset(mirror_gone & mirror.keys()),
        busy_put={key: row for key, row in busy_seen.items() if key not in busy_gone and busy.get(key) != row},
        busy_drop=frozenset(busy_gone & busy.keys()),
        busy_read=len(busy_seen.keys() - busy_gone),
        skipped=tuple(skipped),
    )


def _merge_own(
    event: RemoteEvent,
    known: MirroredEvent | None,
    app: str,
    put: dict[str, MirroredEvent],
    seen: set[str],
    gone: set[str],
) -> None:
    if event.cancelled:
        gone.add(event.id)
        return
    seen.add(event.id)
    gone.discard(event.id)
    if known is not None and known.etag == event.etag:
        return  # our own write
    found = slot_of(event.id)
    assert found is not None, "own events have ids made by event_id"
    put[event.id] = MirroredEvent(event.id, found[0], found[1], event.etag, digest_of(event, app))


def _merge_busy(
    event: RemoteEvent, zone: tzinfo, seen: dict[str, BusyTime], gone: set[str], skipped: list[str]
) -> None:
    seen.pop(event.id, None)
    if event.cancelled or event.transparent:
        gone.add(event.id)
        return
    start, end = _instant(event.start, zone), _instant(event.end, zone)
    problem = ""
    if start is None or end is None or end < start:
        problem = "its times are not valid"
    elif end <= ALL_TIME.start or start >= ALL_TIME.end:
        problem = "its times are too far away"
    elif not is_storable(event.title):
        problem = "its title has characters that cannot be stored"
    if problem or start is None or end is None:
        gone.add(event.id)
        skipped.append(f"An event at Google was left out: {problem} ({visible(event.id)}).")
    elif end == start:
        gone.add(event.id)  # blocks nothing
    else:
        gone.discard(event.id)
        # An event that begins or ends too far away blocks all the time that the portal knows on that side.
        start = max(start, ALL_TIME.start)
        seen[event.id] = BusyTime(event.id, start, end, "" if event.confidential else event.title)


def plan(
    wanted: Mapping[uuidlib.UUID, EventContent], mirror: Mapping[str, MirroredEvent], *, again: bool = False
) -> SyncPlan:
    """The writes after which the calendar shows exactly `wanted` (by slot).

    Rejected content is not sent again before it changes, unless `again` (a user requested a sync).
    """
    rows: dict[uuidlib.UUID, list[MirroredEvent]] = {}
    for row in mirror.values():
        rows.setdefault(row.slot_uuid, []).append(row)
    deletes: list[MirroredEvent] = []
    updates: list[EventUpdate] = []
    inserts: list[EventInsert] = []
    forget: set[str] = set()
    skipped: list[str] = []
    for slot_uuid, group in rows.items():
        content = wanted.get(slot_uuid)
        # Keep the newest generation that exists at the provider; delete the others.
        group.sort(key=lambda row: (bool(row.etag), row.generation), reverse=True)
        kept = group[0] if content is not None else None
        for row in group:
            if row is kept:
                continue
            if row.etag:
                deletes.append(row)
            else:
                forget.add(row.event_id)
        if kept is None or content is None:
            continue
        if kept.digest == content.digest and kept.problem and not again:
            skipped.append(problem_sentence(content, kept.problem))
        elif not kept.etag:
            inserts.append(EventInsert(content, kept.generation))
        elif kept.digest != content.digest or kept.problem:
            updates.append(EventUpdate(content, kept))
    inserts += [EventInsert(content, 0) for slot_uuid, content in wanted.items() if slot_uuid not in rows]
    return SyncPlan(
        deletes=tuple(sorted(deletes, key=lambda row: row.event_id)),
        updates=tuple(sorted(updates, key=lambda update: (update.content.start, update.mirrored.event_id))),
        inserts=tuple(sorted(inserts, key=lambda insert: (insert.content.start, insert.event_id))),
        forget=frozenset(forget),
        skipped=tuple(skipped),
    )


def problem_sentence(content: EventContent, problem: str) -> str:
    """The sentence about a booking that the provider rejected."""
    start = content.start.astimezone(UTC)
    return f"The booking of {start:%Y-%m-%d %H:%M} UTC could not be written: {problem}"


def digest_of(event: RemoteEvent, app: str) -> str:
    """The digest of one of the portal's events at the provider; "" if the portal would never write it like that."""
    found = slot_of(event.id)
    mine = found is not None and event.private == {"app": app, "booking": found[0].hex}
    dated = isinstance(event.start, datetime) and isinstance(event.end, datetime)
    texts = (event.title, event.description, event.location)
    if not (mine and dated and event.plain and all(map(is_storable, texts))) or event.cancelled or event.transparent:
        return ""
    assert isinstance(event.start, datetime)
    assert isinstance(event.end, datetime)
    return _digest(event.start, event.end, *texts)


def is_ours(event: RemoteEvent, app: str) -> bool:
    """Whether an event has the portal's mark and an id made by `event_id`."""
    found = slot_of(event.id)
    return found is not None and event.private.get("app") == app and event.private.get("booking") == found[0].hex


def _with(row: MirroredEvent, *, digest: str, problem: str) -> MirroredEvent:
    return MirroredEvent(row.event_id, row.slot_uuid, row.generation, row.etag, digest, problem)


def _instant(value: datetime | date | None, zone: tzinfo) -> datetime | None:
    """The instant in UTC; those before and after ALL_TIME are BEFORE_ALL_TIME and the end of ALL_TIME."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.combine(value, time.min, tzinfo=zone)
    try:
        return min(max(moment.astimezone(UTC), BEFORE_ALL_TIME), ALL_TIME.end)
    except (OverflowError, ValueError):
        # Python has no such instant in UTC: it is before the year 1 or after 9999.
        return BEFORE_ALL_TIME if moment.year < ALL_TIME.start.year else ALL_TIME.end


def _digest(start: datetime, end: datetime, *texts: str) -> str:
    instants = [int(value.timestamp()) for value in (start, end)]
    return hashlib.sha256(json.dumps([instants, texts], ensure_ascii=False).encode()).hexdigest()
