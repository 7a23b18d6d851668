"""Histories by chance: bookings, people at Google, faults and killed workers; once the faults stop it ends exact.

A failing seed is named by its test; run it again with `-k`.
"""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from portal.domain.google import RateLimited, Unreachable
from portal.domain.sync_plan import RemoteEvent
from portal.extensions import db
from portal.sync import due, snapshot
from portal.sync.engine import Outcome
from tests.sync.conftest import NOW


class Killed(BaseException):
    """A worker dies here."""


class History:
    def __init__(self, stage, seed):
        self.stage = stage
        self.chance = random.Random(seed)
        self.slots = []
        self.holding = set()
        self.faults = True
        self.blocked = {}
        self.number = 0
        # Bookings never overlap (the database refuses it), so each place is used once: two hours, and an hour between.
        self.places = self.chance.sample(range(0, 1500, 3), 500)
        stage.google.before = lambda _method: self.strike()
        stage.google.after = lambda _method: self.strike()

    def strike(self):
        if not self.faults or self.chance.random() > 0.12:
            return
        kind = self.chance.choice([Unreachable, Unreachable, RateLimited, Killed])
        raise kind("by chance")

    def play(self, steps):
        stage = self.stage
        moves = [self.book, self.book, self.cancel, self.move, self.run, self.run, self.act, self.meddle, self.enter]
        for _step in range(steps):
            self.chance.choice(moves)()
            stage.later(seconds=self.chance.choice([1, 30, 600, 100_000]))

    def book(self):
        slot = self.stage.book(self.places.pop())
        self.slots.append(slot)
        self.holding.add(slot)

    def cancel(self):
        if self.slots:
            slot = self.chance.choice(self.slots)
            hold = slot not in self.holding
            self.stage.change(slot, holds=hold)
            (self.holding.add if hold else self.holding.discard)(slot)

    def move(self):
        if self.slots:
            start = NOW + timedelta(hours=self.places.pop())
            self.stage.change(self.chance.choice(self.slots), start=start, end=start + timedelta(hours=2))

    def act(self):
        try:
            self.chance.choice([self.stage.sync, self.stage.share, self.stage.unshare])()
        except Exception:
            db.session.rollback()

    def run(self):
        try:
            return self.stage.run(f"worker {self.chance.randrange(3)}")
        except Killed:
            db.session.rollback()
            return Outcome.NOT_MINE

    def calendar(self):
        identifier = self.stage.row().backend_id
        return identifier if identifier in self.stage.google.calendars else None

    def meddle(self):
        """A person changes or deletes something at Google: an event of ours, now and then the whole calendar."""
        calendar = self.calendar()
        if calendar is None:
            return
        google = self.stage.google
        if self.chance.random() < 0.1:
            del google.calendars[calendar]
        elif self.chance.random() < 0.2:
            google.forget_tokens(calendar)
        elif live := [event for event in google.live(calendar).values() if event.private]:
            event = self.chance.choice(live)
            if self.chance.random() < 0.5:
                google.delete(calendar, event.id)
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
        if foreign and self.chance.random() < 0.4:
            google.delete(calendar, self.chance.choice(foreign).id)
            return
        self.number += 1
        start = NOW + timedelta(hours=self.chance.randrange(500))
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
                return number
        raise AssertionError("it does not come to rest")


@pytest.mark.parametrize("seed", range(12))
def test_it_ends_exact(stage, seed):
    stage.sync()
    history = History(stage, seed)
    history.play(60)
    history.settle()
    try:
        stage.sync()
    except Exception:
        db.session.rollback()
        raise
    assert history.run() is Outcome.DONE
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
    assert stage.run() is Outcome.DONE
    assert stage.google.calls == ["read_events"]


def test_the_faults_of_these_histories_do_strike(stage):
    struck = set()
    for seed in range(5):
        history = History(stage, seed)
        for _call in range(100):
            try:
                history.strike()
            except (Unreachable, RateLimited, Killed) as fault:
                struck.add(type(fault))
    assert struck == {Unreachable, RateLimited, Killed}
