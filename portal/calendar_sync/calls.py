"""Calls to the provider: counted, retried where that is harmless, and only made while the lease is held."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from portal.calendar_sync.errors import QuotaExhausted, RateLimited, TemporaryFailure
from portal.calendar_sync.provider import CalendarProvider, EventWrite, WriteResult
from portal.calendar_sync.records import RunCounts, save_calendar
from portal.calendar_sync.snapshot import LEASE, CalendarSnapshot
from portal.models.base import utcnow

T = TypeVar("T")

TRIES = 4
LONGEST_PAUSE = 10.0
# The lease is renewed early, because a call can take until its timeout.
RENEW_BEFORE = LEASE / 2


@dataclass(frozen=True, slots=True)
class Clock:
    """The current time, sleeping, and random numbers; replaced in tests."""

    now: Callable[[], datetime] = utcnow
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


@dataclass(slots=True)
class ProviderCalls:
    """The calls of one run."""

    provider: CalendarProvider
    snapshot: CalendarSnapshot
    counts: RunCounts
    clock: Clock
    renewed: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.renewed = self.clock.now()

    def once(self, call: Callable[[], T]) -> T:
        """Make a call that must not be retried."""
        self._renew()
        self.counts.calls += 1
        return call()

    def repeated(self, call: Callable[[], T]) -> T:
        """Make an idempotent call; retry it after short temporary failures."""
        tried = 0
        while True:
            try:
                return self.once(call)
            except TemporaryFailure as problem:
                tried += 1
                if tried >= TRIES or not self.pause(tried, problem):
                    raise

    def write(self, calendar_id: str, writes: Sequence[EventWrite]) -> list[WriteResult]:
        """Make one batch of writes, each of which counts as a call."""

        def call() -> list[WriteResult]:
            self.counts.calls += len(writes) - 1
            return self.provider.write_events(calendar_id, writes)

        return self.repeated(call)

    def pause(self, tried: int, problem: TemporaryFailure | None) -> bool:
        """Wait before the next try: exponential backoff with jitter. Returns False if the wait would be too long."""
        if isinstance(problem, QuotaExhausted):
            return False
        seconds = 2 ** (tried - 1) * (0.5 + self.clock.random())
        if problem is not None and problem.retry_after is not None:
            seconds = max(seconds, problem.retry_after)
        if seconds > LONGEST_PAUSE:
            return False
        self.clock.sleep(seconds)
        return True

    def _renew(self) -> None:
        now = self.clock.now()
        if now - self.renewed >= RENEW_BEFORE:
            save_calendar(self.snapshot, now)
            self.renewed = now


def delay_after(attempts: int, problem: Exception, clock: Clock) -> timedelta:
    """How long to wait after a run has failed for the `attempts`-th time in a row (1, 2 …)."""
    if isinstance(problem, QuotaExhausted):
        seconds = min(3600.0 * 2 ** (attempts - 1), 6 * 3600.0)
    elif isinstance(problem, TemporaryFailure):
        base = 15.0 if isinstance(problem, RateLimited) else 10.0
        seconds = min(base * 2 ** min(attempts - 1, 10), 1800.0)
        seconds = max(seconds, problem.retry_after or 0.0)
    else:
        seconds = min(60.0 * 2 ** min(attempts - 1, 10), 3600.0)
    return timedelta(seconds=seconds * (0.75 + clock.random() / 2))
