"""One run over one calendar: compare what is at the provider with what should be there, and make the changes.

A run relies on nothing that an earlier run left to do. So it can be killed between any two steps, and the next run
completes the work. No transaction is open while the provider is called.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from portal.calendar_sync import records
from portal.calendar_sync.calls import Clock, ProviderCalls, delay_after
from portal.calendar_sync.connections import mark_broken
from portal.calendar_sync.errors import (
    CalendarAccessLost,
    CalendarNotFound,
    ConsentLost,
    PermissionMissing,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnreachable,
    RateLimited,
    RequestRejected,
    SyncTokenExpired,
    TemporaryFailure,
)
from portal.calendar_sync.pace import pause_account
from portal.calendar_sync.plan import RemoteChanges, RemoteEvent, app_mark, calendar_mark, merge_remote, plan
from portal.calendar_sync.provider import EventPage, OpenProvider, Permission
from portal.calendar_sync.push import push
from portal.calendar_sync.records import LeaseLost, RunCounts, RunReport, RunResult
from portal.calendar_sync.snapshot import CalendarSnapshot
from portal.calendar_sync.watch import watch
from portal.domain.messages import N_
from portal.domain.zones import known_zone, parse_zone

log = structlog.get_logger()
T = TypeVar("T")

# How often busy times are read (varied by a quarter), and how often everything is read from the beginning.
READ_EVERY = timedelta(minutes=15)
FULL_EVERY = timedelta(hours=24)
# How long a rate-limited account is left alone: Google counts calls per minute.
ACCOUNT_PAUSE = timedelta(minutes=1)
# A calendar without a notification channel is read again soon, because that read opens the channel.
WATCH_SOON = timedelta(minutes=1)
# Lost rights may come back, but need not be checked every quarter of an hour.
RETRY_LOST_ACCESS_EVERY = timedelta(hours=6)
# Google may not find a calendar for some seconds after creating it.
CREATION_PAUSES = (1.0, 3.0, 6.0)
MISSING_PAUSES = (2.0, 4.0)
SHARING_UNCONFIRMED = N_("Google has not confirmed the change of sharing yet. The portal will try again automatically.")
INTERNAL_ERROR = N_("An internal error occurred; the portal will try again automatically. Details are in the log.")


class CalendarRun:
    """One run: its snapshot, and what has changed since the snapshot was read."""

    def __init__(
        self,
        snapshot: CalendarSnapshot,
        *,
        open_provider: OpenProvider,
        deployment: str,
        notification_address: str,
        clock: Clock,
    ) -> None:
        self.open_provider = open_provider
        self.deployment = deployment
        self.notification_address = notification_address
        self.clock = clock
        self.snapshot = snapshot
        self.counts = RunCounts()
        self.skipped: list[str] = []
        self.notes: list[str] = []
        self.app = app_mark(deployment)
        self.backend_id = snapshot.backend_id
        self.mirror = dict(snapshot.mirror)
        self.busy = dict(snapshot.busy)
        self.sync_token = snapshot.sync_token
        self.zone = snapshot.time_zone
        self.summary = snapshot.pushed_summary
        self.public = snapshot.public
        self.sharing_unsure = snapshot.sharing_unsure
        self.sharing_problem = ""
        self.just_created = False
        self.watched = snapshot.watched_until is not None

    def report(self) -> RunReport:
        """What the run did and found."""
        return RunReport(
            self.snapshot, self.counts, self.public, self.sharing_unsure, tuple(self.skipped), tuple(self.notes)
        )

    def outcome(self) -> RunResult:
        """Do the work and return how it ended. Raises LeaseLost only."""
        try:
            provider = self.open_provider(self.snapshot.connection_id)
            self.calls = ProviderCalls(provider, self.snapshot, self.counts, self.clock)
            return self._work()
        except LeaseLost:
            raise
        except ConsentLost as problem:
            log.warning("consent_lost", connection=self.snapshot.connection_id, detail=problem.detail)
            noted = mark_broken(
                self.snapshot.connection_id, problem.words, encrypted_token=self.snapshot.encrypted_token
            )
            if not noted:
                # Somebody has connected again since the token was read: try with the new one.
                return self._later(problem, problem.words)
            return RunResult(ok=False, over=True, error=problem.words, settled=True)
        except (PermissionMissing, CalendarAccessLost, RequestRejected) as problem:
            self._log(problem)
            again = self.clock.now() + RETRY_LOST_ACCESS_EVERY
            return RunResult(ok=False, over=True, error=problem.words, next_read=again, action_failed=True)
        except ProviderError as problem:
            self._log(problem)
            return self._later(problem, problem.words)
        except Exception as problem:
            log.exception("calendar_run_failed", calendar=self.snapshot.calendar_id)
            return self._later(problem, INTERNAL_ERROR)

    def _work(self) -> RunResult:
        self._ensure_calendar()
        try:
            self._share_and_read()
        except CalendarNotFound:
            self._confirm_missing()
            self._recreate()
            self._share_and_read()
        self._rename()
        planned = plan(self.snapshot.slots, self.mirror, again=self.snapshot.action_pending)
        self.counts.planned = planned.writes
        left_out = push(self.calls, self._id(), planned, self.app)
        self.skipped += left_out
        if (
            self.notification_address
            and not self.snapshot.action_pending
            and not planned.writes
            and not self.just_created
        ):
            problem = watch(self.calls, self._id(), self.notification_address)
            self.watched = True
            self.notes += [problem] if problem else []
        if self.sharing_problem:
            return self._done(error=self.sharing_problem, action_failed=self.snapshot.action_pending)
        if left_out:
            words = left_out[0] if len(left_out) == 1 else f"{len(left_out)} bookings could not be written to Google."
            return self._done(error=words)
        return self._done()

    def _share_and_read(self) -> None:
        # Sharing first: a calendar stays public no longer than necessary, and a change invalidates sync tokens.
        self._set_sharing()
        self._read_changes()

    def _done(self, *, error: str = "", action_failed: bool = False) -> RunResult:
        spread = READ_EVERY * (0.75 + self.clock.random() / 2)
        if self.notification_address and not self.watched:
            spread = WATCH_SOON
        return RunResult(
            ok=not error,
            over=True,
            error=error,
            next_read=self.clock.now() + spread,
            action_failed=action_failed,
            synced=True,
        )

    def _later(self, problem: Exception, words: str) -> RunResult:
        attempts = self.snapshot.attempts + 1
        delay = delay_after(attempts, problem, self.clock)
        next_attempt = self.clock.now() + delay
        if isinstance(problem, RateLimited):
            # The limit applies to the account: its other calendars need not run into it one by one.
            pause_account(self.snapshot.connection_id, self.clock.now() + min(delay, ACCOUNT_PAUSE))
        return RunResult(ok=False, over=False, error=words, attempts=attempts, next_attempt=next_attempt)

    def _log(self, problem: ProviderError) -> None:
        level = log.error if isinstance(problem, ProviderMisconfigured) else log.warning
        level("provider_error", calendar=self.snapshot.calendar_id, kind=type(problem).__name__, detail=problem.detail)

    def _id(self) -> str:
        assert self.backend_id is not None
        return self.backend_id

    def _ensure_calendar(self) -> None:
        if self.backend_id is not None:
            return
        mark = calendar_mark(self.deployment, self.snapshot.offering_uuid)
        found = None
        if self.snapshot.creating_since is not None and Permission.LISTING in self.snapshot.permissions:
            # An earlier run began to create it, and the outcome is unknown.
            found = self.calls.repeated(lambda: self.calls.provider.find_calendar(mark))
        if found is None:
            # Record the intent first: the next run then searches before it creates another calendar.
            records.save_calendar(self.snapshot, self.clock.now(), creating_since=self.clock.now())
            name = self.snapshot.offering_name
            description = (
                f"Bookings of {name}. Kept by {self.deployment}; what is changed here in its events is put "
                f"back.\n\n{mark}"
            )
            found = self.calls.once(
                lambda: self.calls.provider.create_calendar(name, description, self.snapshot.offering_zone)
            )
            self.just_created = True
        self.backend_id = found.id
        self.summary = found.summary
        records.save_calendar(
            self.snapshot,
            self.clock.now(),
            backend_id=found.id,
            pushed_summary=found.summary,
            time_zone=found.time_zone,
            creating_since=None,
            sync_token=None,
        )

    def _read_changes(self) -> None:
        """Read the changes, or everything if that is due or necessary, and save them with the sync token."""
        last = self.snapshot.last_full
        if last is None or self.clock.now() - last >= FULL_EVERY:
            self.sync_token = ""
            if last is not None and self.public is self.snapshot.public:
                self._check_sharing()
        if self.sync_token:
            try:
                if self._read(self.sync_token):
                    return
            except SyncTokenExpired:
                self.notes.append("Google asked for a full read.")
        self._read("")

    def _read(self, sync_token: str) -> bool:
        """Read all pages. Returns False if the calendar's time zone changed: all-day events must be read again."""
        events: list[RemoteEvent] = []
        skipped: list[str] = []
        page_token = ""
        while True:
            page = self._after_creation(partial(self._read_page, sync_token, page_token))
            events += page.events
            skipped += page.skipped
            zone = _zone_name(page.time_zone) or self.zone or self.snapshot.offering_zone
            page_token = page.next_page
            if not page_token:
                break
        if sync_token and self.zone and zone != self.zone:
            return False
        changes = merge_remote(
            events, mirror=self.mirror, busy=self.busy, app=self.app, zone=known_zone(zone), full=not sync_token
        )
        self.counts.busy_read = changes.busy_read
        records.save_read(
            self.snapshot,
            changes,
            self.clock.now(),
            sync_token=page.sync_token,
            time_zone=zone,
            full=not sync_token,
        )
        self.skipped += [*skipped, *changes.skipped]
        self._apply(changes)
        self.sync_token, self.zone = page.sync_token, zone
        return True

    def _read_page(self, sync_token: str, page_token: str) -> EventPage:
        return self.calls.provider.read_events(self._id(), sync_token=sync_token, page=page_token)

    def _after_creation(self, call: Callable[[], T]) -> T:
        """Make a call that may not find a calendar just created: Google needs some seconds to find it everywhere."""
        for pause in CREATION_PAUSES if self.just_created else ():
            try:
                return self.calls.repeated(call)
            except CalendarNotFound:
                self.clock.sleep(pause)
        return self.calls.repeated(call)

    def _apply(self, changes: RemoteChanges) -> None:
        for key in changes.mirror_drop:
            del self.mirror[key]
        self.mirror.update(changes.mirror_put)
        for key in changes.busy_drop:
            del self.busy[key]
        self.busy.update(changes.busy_put)

    def _confirm_missing(self) -> None:
        """Check twice more that the calendar is gone. Raises TemporaryFailure if it exists after all."""
        for pause in MISSING_PAUSES:
            self.clock.sleep(pause)
            try:
                self.calls.repeated(lambda: self.calls.provider.get_calendar(self._id()))
            except CalendarNotFound:
                continue
            raise ProviderUnreachable("Google did not find the calendar's events, though the calendar is there")

    def _recreate(self) -> None:
        self.notes.append("The calendar was deleted at Google, or belongs to another account: a new one was created.")
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
        records.save_calendar(self.snapshot, self.clock.now(), pushed_summary=name)
        self.summary = name

    def _set_sharing(self) -> None:
        """Change the sharing if it is not, or may not be, as requested; then verify it."""
        wanted = self.snapshot.want_public
        if self.public is wanted and not self.sharing_unsure:
            return
        provider, identifier = self.calls.provider, self._id()
        try:
            if Permission.SHARING not in self.snapshot.permissions:
                raise PermissionMissing("sharing was not granted")
            self.sharing_unsure = True
            self.sync_token = ""
            records.save_calendar(self.snapshot, self.clock.now(), sharing_unsure=True, sync_token=None)
            self._after_creation(lambda: provider.share(identifier) if wanted else provider.unshare(identifier))
            self._confirm_sharing(wanted=wanted)
        except (PermissionMissing, CalendarAccessLost) as problem:
            # Bookings and busy times are still synced.
            self._log(problem)
            self.sharing_problem = problem.words

    def _check_sharing(self) -> None:
        """Notice, once a day, if somebody changed the sharing at Google. The portal accepts it."""
        if Permission.SHARING not in self.snapshot.permissions:
            return
        shared = self.calls.repeated(lambda: self.calls.provider.is_shared(self._id()))
        if shared is not self.public:
            self.public = shared
            how = "public" if shared else "private"
            self.notes.append(f"Somebody made the calendar {how} at Google; the portal shows it so.")

    def _confirm_sharing(self, *, wanted: bool) -> None:
        for pause in (*CREATION_PAUSES, None):
            if self.calls.repeated(lambda: self.calls.provider.is_shared(self._id())) is wanted:
                self.public, self.sharing_unsure = wanted, False
                return
            if pause is not None:
                self.clock.sleep(pause)
        raise TemporaryFailure("the sharing rule is not as it was set", sentence=SHARING_UNCONFIRMED)


def _zone_name(name: object) -> str:
    """The name of a time zone as Google sent it, or "" if it is not one."""
    try:
        return parse_zone(name).key
    except ValueError:
        return ""
