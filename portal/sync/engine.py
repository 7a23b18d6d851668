"""One run over one calendar: take it, read, talk to Google without a transaction, write what happened.

Nothing a run does depends on what an earlier run remembered to do: it looks at what is at Google and at what should
be there. So it may die between any two steps; the next one ends right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog

from portal.domain.google import (
    SCOPE_LIST,
    SCOPE_SHARING,
    AccessLost,
    CalendarMissing,
    OperatorNeeded,
    ProviderError,
    RateLimited,
    ReconnectNeeded,
    Refused,
    Retryable,
    ScopeMissing,
    TokenExpired,
    Unreachable,
    grants,
)
from portal.domain.sync_plan import Absorbed, RemoteEvent, absorb, app_mark, calendar_mark, plan
from portal.services import google_access
from portal.sync import records
from portal.sync.calls import Calls, Clock, delay_after
from portal.sync.provider import CalendarProvider
from portal.sync.push import push
from portal.sync.records import Counts, Ending, LeaseLost, Report
from portal.sync.snapshot import Snapshot, take
from portal.sync.watch import watch

log = structlog.get_logger()
T = TypeVar("T")

# Busy times are read again this often (spread by a quarter), and once a day from the beginning.
READ_EVERY = timedelta(minutes=15)
FULL_EVERY = timedelta(hours=24)
# Google counts calls by the minute.
ACCOUNT_RESTS = timedelta(minutes=1)
# A calendar that Google is to tell about, and does not yet, is soon read again for that.
WATCH_SOON = timedelta(minutes=1)
# Rights that were lost may come back; nobody is asked every quarter of an hour.
LOST_RIGHTS_EVERY = timedelta(hours=6)
# Google may not know a calendar for some seconds after making it.
LAG_PAUSES = (1.0, 3.0, 6.0)
MISSING_PAUSES = (2.0, 4.0)
SHARING_NOT_SEEN = "Google has not confirmed the change of sharing yet. The portal tries again by itself."
INTERNAL = "The portal made a mistake of its own; it tries again by itself. Who runs the portal finds it in the log."

# Answers the calendars of a connection (its id).
OpenProvider = Callable[[int], CalendarProvider]


class Outcome(Enum):
    """What became of a run. AGAIN: something came in meanwhile, so another run is due at once."""

    NOT_MINE = "not mine"
    DONE = "done"
    FAILED = "failed"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Runs the calendars of one portal. `deployment` tells this portal's events from another's."""

    open_provider: OpenProvider
    deployment: str
    worker: str
    # Where Google may tell that a calendar changed; "" if it can't reach the portal.
    hook: str = ""
    clock: Clock = field(default_factory=Clock)

    def run(self, calendar_id: int) -> Outcome:
        """Bring one calendar up to date if that is due and nobody else is at it. Needs an application context."""
        snapshot = take(calendar_id, self.worker, self.clock.now())
        if snapshot is None:
            return Outcome.NOT_MINE
        run = Run(self, snapshot)
        try:
            ending = run.outcome()
            more = records.finish(run.report(), ending, self.clock.now())
        except LeaseLost:
            log.warning("calendar_lease_lost", calendar=calendar_id, worker=self.worker)
            return Outcome.NOT_MINE
        log.info(
            "calendar_run",
            calendar=calendar_id,
            calls=run.counts.calls,
            added=run.counts.added,
            changed=run.counts.changed,
            removed=run.counts.removed,
            error=ending.error,
        )
        if more:
            return Outcome.AGAIN
        return Outcome.DONE if ending.ok else Outcome.FAILED


class Run:
    """One run: its snapshot, and what it knows better meanwhile."""

    def __init__(self, engine: Engine, snapshot: Snapshot) -> None:
        self.engine = engine
        self.clock = engine.clock
        self.snapshot = snapshot
        self.counts = Counts()
        self.skipped: list[str] = []
        self.notes: list[str] = []
        self.app = app_mark(engine.deployment)
        self.backend_id = snapshot.backend_id
        self.mirror = dict(snapshot.mirror)
        self.busy = dict(snapshot.busy)
        self.sync_token = snapshot.sync_token
        self.zone = snapshot.time_zone
        self.summary = snapshot.pushed_summary
        self.public = snapshot.public
        self.sharing_unsure = snapshot.sharing_unsure
        self.sharing_problem = ""
        self.fresh = False
        self.watched = snapshot.watched_until is not None

    def report(self) -> Report:
        """What the run did and found, for its end."""
        return Report(
            self.snapshot, self.counts, self.public, self.sharing_unsure, tuple(self.skipped), tuple(self.notes)
        )

    def outcome(self) -> Ending:
        """Do everything and say how it ended. Raises LeaseLost only."""
        try:
            provider = self.engine.open_provider(self.snapshot.connection_id)
            self.calls = Calls(provider, self.snapshot, self.counts, self.clock)
            return self._work()
        except LeaseLost:
            raise
        except ReconnectNeeded as problem:
            log.warning("google_reconnect_needed", connection=self.snapshot.connection_id, detail=problem.detail)
            noted = google_access.mark_broken(self.snapshot.connection_id, problem.words, sealed=self.snapshot.sealed)
            if not noted:
                # Somebody has connected anew while we waited for the answer: try with that.
                return self._later(problem, problem.words)
            return Ending(ok=False, over=True, error=problem.words, settled=True)
        except (ScopeMissing, AccessLost, Refused) as problem:
            self._log(problem)
            again = self.clock.now() + LOST_RIGHTS_EVERY
            return Ending(ok=False, over=True, error=problem.words, next_read=again, act_failed=True)
        except ProviderError as problem:
            self._log(problem)
            return self._later(problem, problem.words)
        except Exception as problem:
            log.exception("calendar_run_broke", calendar=self.snapshot.calendar_id)
            return self._later(problem, INTERNAL)

    def _work(self) -> Ending:
        self._ensure_calendar()
        try:
            self._share_and_pull()
        except CalendarMissing:
            self._confirm_missing()
            self._recreate()
            self._share_and_pull()
        self._rename()
        planned = plan(self.snapshot.slots, self.mirror, again=self.snapshot.acting)
        self.counts.planned = planned.writes
        left_out = push(self.calls, self._id(), planned, self.app)
        self.skipped += left_out
        if self.engine.hook and not self.snapshot.acting and not planned.writes and not self.fresh:
            problem = watch(self.calls, self._id(), self.engine.hook)
            self.watched = True
            self.notes += [problem] if problem else []
        if self.sharing_problem:
            return self._done(error=self.sharing_problem, act_failed=self.snapshot.acting)
        if left_out:
            words = left_out[0] if len(left_out) == 1 else f"{len(left_out)} bookings could not be written to Google."
            return self._done(error=words)
        return self._done()

    def _share_and_pull(self) -> None:
        # Sharing first: nothing stays public a moment longer than it must, and a change of the rule voids sync tokens.
        self._set_sharing()
        self._pull()

    def _done(self, *, error: str = "", act_failed: bool = False) -> Ending:
        spread = READ_EVERY * (0.75 + self.clock.chance() / 2)
        if self.engine.hook and not self.watched:
            spread = WATCH_SOON
        return Ending(
            ok=not error,
            over=True,
            error=error,
            next_read=self.clock.now() + spread,
            act_failed=act_failed,
            synced=True,
        )

    def _later(self, problem: Exception, words: str) -> Ending:
        attempts = self.snapshot.attempts + 1
        delay = delay_after(attempts, problem, self.clock)
        next_attempt = self.clock.now() + delay
        if isinstance(problem, RateLimited):
            # The limit is the account's: its other calendars need not find it out one by one.
            google_access.leave_alone(self.snapshot.connection_id, self.clock.now() + min(delay, ACCOUNT_RESTS))
        return Ending(ok=False, over=False, error=words, attempts=attempts, next_attempt=next_attempt)

    def _log(self, problem: ProviderError) -> None:
        level = log.error if isinstance(problem, OperatorNeeded) else log.warning
        level("google_error", calendar=self.snapshot.calendar_id, kind=type(problem).__name__, detail=problem.detail)

    def _id(self) -> str:
        assert self.backend_id is not None
        return self.backend_id

    def _ensure_calendar(self) -> None:
        if self.backend_id is not None:
            return
        mark = calendar_mark(self.engine.deployment, self.snapshot.offering_uuid)
        found = None
        if self.snapshot.creating_since is not None and grants(self.snapshot.scopes, SCOPE_LIST):
            # An earlier run meant to make it, and it is not known whether Google did.
            found = self.calls.repeated(lambda: self.calls.provider.find_calendar(mark))
        if found is None:
            # The intent is written down first: whoever comes after us then looks before making another one.
            records.keep(self.snapshot, self.clock.now(), creating_since=self.clock.now())
            name = self.snapshot.offering_name
            description = (
                f"Bookings of {name}. Kept by {self.engine.deployment}; what is changed here in its events is put "
                f"back.\n\n{mark}"
            )
            found = self.calls.once(
                lambda: self.calls.provider.create_calendar(name, description, self.snapshot.offering_zone)
            )
            self.fresh = True
        self.backend_id = found.id
        self.summary = found.summary
        records.keep(
            self.snapshot,
            self.clock.now(),
            backend_id=found.id,
            pushed_summary=found.summary,
            time_zone=found.time_zone,
            creating_since=None,
            sync_token=None,
        )

    def _pull(self) -> None:
        """Read what changed, or everything where that is not possible or due, and write it down with its token."""
        last = self.snapshot.last_full
        if last is None or self.clock.now() - last >= FULL_EVERY:
            self.sync_token = ""
            if last is not None and self.public is self.snapshot.public:
                self._notice_sharing()
        if self.sync_token:
            try:
                if self._read(self.sync_token):
                    return
            except TokenExpired:
                self.notes.append("Google asked for a full read.")
        self._read("")

    def _read(self, sync_token: str) -> bool:
        """Read all pages. False: the calendar got another time zone, so all-day events must be read anew."""
        events: list[RemoteEvent] = []
        skipped: list[str] = []
        page_token = ""
        while True:
            page = self._lagging(
                lambda token=page_token: self.calls.provider.read_events(  # type: ignore[misc]
                    self._id(), sync_token=sync_token, page=token
                )
            )
            events += page.events
            skipped += page.skipped
            zone = page.time_zone or self.zone or self.snapshot.offering_zone
            page_token = page.next_page
            if not page_token:
                break
        if sync_token and self.zone and zone != self.zone:
            return False
        absorbed = absorb(
            events, mirror=self.mirror, busy=self.busy, app=self.app, zone=_zone(zone), full=not sync_token
        )
        self.counts.busy_read = absorbed.busy_read
        records.save_read(
            self.snapshot,
            absorbed,
            self.clock.now(),
            sync_token=page.sync_token,
            time_zone=zone,
            full=not sync_token,
        )
        self.skipped += [*skipped, *absorbed.skipped]
        self._apply(absorbed)
        self.sync_token, self.zone = page.sync_token, zone
        return True

    def _lagging(self, call: Callable[[], T]) -> T:
        """A call that may not find a calendar that was just made: Google needs some seconds to know it everywhere."""
        for pause in LAG_PAUSES if self.fresh else ():
            try:
                return self.calls.repeated(call)
            except CalendarMissing:
                self.clock.sleep(pause)
        return self.calls.repeated(call)

    def _apply(self, absorbed: Absorbed) -> None:
        for key in absorbed.mirror_drop:
            del self.mirror[key]
        self.mirror.update(absorbed.mirror_put)
        for key in absorbed.busy_drop:
            del self.busy[key]
        self.busy.update(absorbed.busy_put)

    def _confirm_missing(self) -> None:
        """Ask twice more before believing that the calendar is gone. Raises Retryable if it is there after all."""
        for pause in MISSING_PAUSES:
            self.clock.sleep(pause)
            try:
                self.calls.repeated(lambda: self.calls.provider.get_calendar(self._id()))
            except CalendarMissing:
                continue
            raise Unreachable("Google did not find the calendar's events, though the calendar is there")

    def _recreate(self) -> None:
        self.notes.append("The calendar was deleted at Google, or belongs to another account: it was made anew.")
        records.forget_calendar(self.snapshot, self.clock.now())
        self.backend_id = None
        self.mirror, self.busy = {}, {}
        self.sync_token, self.summary = "", ""
        self.public, self.sharing_unsure = False, False
        self.watched = False
        self._ensure_calendar()

    def _rename(self) -> None:
        name = self.snapshot.offering_name
        if self.summary == name:
            return
        self.calls.repeated(lambda: self.calls.provider.rename_calendar(self._id(), name))
        records.keep(self.snapshot, self.clock.now(), pushed_summary=name)
        self.summary = name

    def _set_sharing(self) -> None:
        """Make the sharing rule what is wanted, where it is not or is not known to be, and look at it afterwards."""
        wanted = self.snapshot.want_public
        if self.public is wanted and not self.sharing_unsure:
            return
        provider, identifier = self.calls.provider, self._id()
        try:
            if not grants(self.snapshot.scopes, SCOPE_SHARING):
                raise ScopeMissing("calendar.acls was not granted")
            self.sharing_unsure = True
            self.sync_token = ""
            records.keep(self.snapshot, self.clock.now(), sharing_unsure=True, sync_token=None)
            self._lagging(lambda: provider.share(identifier) if wanted else provider.unshare(identifier))
            self._see_sharing(wanted=wanted)
        except (ScopeMissing, AccessLost) as problem:
            # Bookings and busy times are brought up to date all the same.
            self._log(problem)
            self.sharing_problem = problem.words

    def _notice_sharing(self) -> None:
        """Once a day: has somebody changed the sharing at Google? What is so there holds; nobody's choice is undone."""
        if not grants(self.snapshot.scopes, SCOPE_SHARING):
            return
        shared = self.calls.repeated(lambda: self.calls.provider.is_shared(self._id()))
        if shared is not self.public:
            self.public = shared
            how = "public" if shared else "private"
            self.notes.append(f"Somebody made the calendar {how} at Google; the portal shows it so.")

    def _see_sharing(self, *, wanted: bool) -> None:
        for pause in (*LAG_PAUSES, None):
            if self.calls.repeated(lambda: self.calls.provider.is_shared(self._id())) is wanted:
                self.public, self.sharing_unsure = wanted, False
                return
            if pause is not None:
                self.clock.sleep(pause)
        raise Retryable("the sharing rule is not as it was set", sentence=SHARING_NOT_SEEN)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        return ZoneInfo("UTC")
