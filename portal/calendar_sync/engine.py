"""The engine: leases a calendar, runs it and writes the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import structlog

from portal.calendar_sync import records
from portal.calendar_sync.calls import Clock
from portal.calendar_sync.provider import OpenProvider
from portal.calendar_sync.records import LeaseLost
from portal.calendar_sync.run import CalendarRun
from portal.calendar_sync.snapshot import take

log = structlog.get_logger()


class RunOutcome(Enum):
    """The outcome of a run. NOT_TAKEN: nothing due, or another worker has the calendar. AGAIN: another run is due."""

    NOT_TAKEN = "not taken"
    DONE = "done"
    FAILED = "failed"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncEngine:
    """Runs the calendars of one portal. `deployment` (its address) distinguishes its events from another portal's."""

    open_provider: OpenProvider
    deployment: str
    worker: str
    # Where the provider sends notifications; "" if it cannot reach the portal.
    notification_address: str = ""
    clock: Clock = field(default_factory=Clock)

    def run(self, calendar_id: int) -> RunOutcome:
        """Sync one calendar if that is due and no other worker has it. Needs an application context."""
        snapshot = take(calendar_id, self.worker, self.clock.now())
        if snapshot is None:
            return RunOutcome.NOT_TAKEN
        run = CalendarRun(
            snapshot,
            open_provider=self.open_provider,
            deployment=self.deployment,
            notification_address=self.notification_address,
            clock=self.clock,
        )
        try:
            result = run.outcome()
            more = records.finish(run.report(), result, self.clock.now())
        except LeaseLost:
            log.warning("calendar_lease_lost", calendar=calendar_id, worker=self.worker)
            return RunOutcome.NOT_TAKEN
        log.info(
            "calendar_run",
            calendar=calendar_id,
            calls=run.counts.calls,
            added=run.counts.added,
            changed=run.counts.changed,
            removed=run.counts.removed,
            error=result.error,
        )
        if more:
            return RunOutcome.AGAIN
        return RunOutcome.DONE if result.ok else RunOutcome.FAILED
