"""Random histories: bookings, users at Google, faults and killed workers. After the faults end, the result is exact.

A failing seed is named by its test; run it again with `-k`. The long run, which prints what it did:

    CONVERGENCE_SEEDS=500 .venv/bin/python -m pytest tests/calendar_sync/test_histories.py -n 0 -q -s
"""

import os
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from portal.calendar_sync import due, snapshot
from portal.calendar_sync.engine import RunOutcome
from portal.calendar_sync.errors import (
    CalendarAccessLost,
    EventChanged,
    ProviderMisconfigured,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    SyncTokenExpired,
)
from portal.calendar_sync.plan import RemoteEvent
from portal.extensions import db
from tests.calendar_sync.conftest import NOW


class Killed(BaseException):
    """A worker dies here."""


SEEDS = int(os.environ.get("CONVERGENCE_SEEDS", "12"))
FAULTS = [ProviderUnreachable, ProviderUnreachable, RateLimited, Killed]
# Each of these says that something is not as it was; Google answers so now and then although it is.
RARE = [QuotaExhausted, ProviderMisconfigured, CalendarAccessLost, SyncTokenExpired, EventChanged]
struck: Counter[str] = Counter()
done: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def report():
    """Say at the end what was played."""
    yield
    print(f"\n{done['histories']} histories, {done['moves']} moves, {done['runs to settle']} runs to come to rest")  # noqa: T201
    print(f"{sum(struck.values())} faults: {dict(struck)}")  # noqa: T201


class History:
    def __init__(self, stage, seed):
        self.stage = stage
        self.random = random.Random(seed)
        self.slots = []
        self.holding = set()
        self.faults = True
        self.blocked = {}
        self.number = 0
        # Bookings never overlap (the database refuses it), so each place is used once: two hours, and an hour between.
        self.places = self.random.sample(range(0, 1500, 3), 500)
        stage.google.before = self.strike
        stage.google.after = self.strike

    def strike(self, method="read_events"):
        if not self.faults or self.random.random() > 0.12:
            return
        kind = self.random.choice(RARE if self.random.random() < 0.1 else FAULTS)
        if kind is SyncTokenExpired and method != "read_events":
            kind = ProviderUnreachable
        struck[kind.__name__] += 1
        raise kind("by chance")

    def play(self, steps):
        stage = self.stage
        moves = [self.book, self.book, self.cancel, self.move, self.run, self.run, self.act, self.meddle, self.enter]
        for _step in range(steps):
            self.random.choice(moves)()
            done["moves"] += 1
            stage.later(seconds=self.random.choice([1, 30, 600, 100_000]))

    def book(self):
        slot = self.stage.book(self.places.pop())
        self.slots.append(slot)
        self.holding.add(slot)

    def cancel(self):
        if self.slots:
            slot = self.random.choice(self.slots)
            write_leased = slot not in self.holding
            self.stage.change(slot, holds=write_leased)
            (self.holding.add if write_leased else self.holding.discard)(slot)

    def move(self):
        if self.slots:
            start = NOW + timedelta(hours=self.places.pop())
            self.stage.change(self.random.choice(self.slots), start=start, end=start + timedelta(hours=2))

    def act(self):
        try:
            self.random.choice([self.stage.sync, self.stage.share, self.stage.unshare])()
        except Exception:
            db.session.rollback()

    def run(self):
        try:
            return self.stage.run(f"worker {self.random.randrange(3)}")
        except Killed:
            db.session.rollback()
            return RunOutcome.NOT_TAKEN

    def calendar(self):
        identifier = self.stage.row().backend_id
        return identifier if identifier in self.stage.google.calendars else None

    def meddle(self):
        """A person changes or deletes something at Google: an event of ours, now and then the whole calendar."""
        calendar = self.calendar()
        if calendar is None:
            return
        google = self.stage.google
        if self.random.random() < 0.1:
            del google.calendars[calendar]
        elif self.random.random() < 0.15:
            # Somebody changes the sharing by hand. The portal finds it at the next full read.
            google.calendars[calendar].shared = not google.calendars[calendar].shared
        elif self.random.random() < 0.2:
            google.forget_tokens(calendar)
        elif live := [event for event in google.live(calendar).values() if event.private]:
            event = self.random.choice(live)
            luck = self.random.random()
            if luck < 0.45:
                google.delete(calendar, event.id)
            elif luck < 0.55:
                # Copied by a person: it carries our mark under another id, and blocks like anything they enter.
                self.number += 1
                google.put(calendar, replace(event, id=f"person{self.number}copy"))
            else:
                # Private properties stay: people do not see them.
                later = event.start + timedelta(hours=1)
                google.put(calendar, replace(event, start=later, end=later + timedelta(hours=3), title="Mine"))

    def enter(self):
        calendar = self.calendar()
        if calendar is None:
            return
        google = self.stage.google
        foreign = [event for event in google.live(calendar).values() if event.id.startswith("person")]
        if foreign and self.random.random() < 0.4:
            google.delete(calendar, self.random.choice(foreign).id)
            return
        self.number += 1
        start = NOW + timedelta(hours=self.random.randrange(500))
        google.put(calendar, RemoteEvent(f"person{self.number}", "", start=start, end=start + timedelta(hours=1)))

    def settle(self):
        """No more faults: runs until there is nothing to do, as the sweep would start them."""
        stage = self.stage
        self.faults = False
        stage.later(days=2)
        for number in range(1, 6):
            self.run()
            stage.later(seconds=snapshot.LEASE.total_seconds() + 3600)
            if not due.due_calendars(stage.now - timedelta(minutes=59)):
                done["runs to settle"] += number
                return number
        raise AssertionError("it does not come to rest")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_result_is_exact(stage, seed):
    stage.sync()
    history = History(stage, seed)
    history.play(60)
    history.settle()
    done["histories"] += 1
    try:
        stage.sync()
    except Exception:
        db.session.rollback()
        raise
    assert history.run() is RunOutcome.DONE
    row = stage.row()
    assert (row.state, row.error) == ("OK", "")
    stage.check()
    foreign = {
        event.id: (event.start, event.end)
        for event in stage.google.live(stage.calendar_id).values()
        if event.id.startswith("person")
    }
    assert stage.busy() == foreign
    assert row.public == row.want_public == stage.google.calendars[stage.calendar_id].shared
    stage.google.calls.clear()
    stage.sync()
    assert stage.run() is RunOutcome.DONE
    assert stage.google.calls == ["read_events"]


def test_the_histories_contain_faults(stage):
    seen = set()
    for seed in range(5):
        history = History(stage, seed)
        for _call in range(300):
            try:
                history.strike()
            except (*FAULTS, *RARE) as fault:
                seen.add(type(fault))
    assert seen == {*FAULTS, *RARE}
