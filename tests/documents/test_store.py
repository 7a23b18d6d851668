"""A stored document is always what one built afresh would be, and counters what is there, whatever services wrote."""

import itertools
import json
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import case, delete, func, select, update
from sqlalchemy.orm import Session

from portal.calendar_sync.disconnection import CalendarCleanup, disconnect, run_disconnections
from portal.documents import store
from portal.documents.build import build
from portal.documents.rows import load
from portal.domain.booking_states import HOLDING, BookingStateConflict
from portal.domain.periods import Period
from portal.errors import CalendarRefused, Invalid
from portal.extensions import db
from portal.models import (
    Booking,
    GoogleCalendar,
    GoogleConnection,
    Offering,
    OfferingCounter,
    OfferingDocument,
    OrganizationGroup,
    PlanCounter,
)
from portal.policies import SYSTEM
from portal.queries.counters import counters_version
from portal.services import bookings, calendars
from portal.services.booking_requests import BookingRequest
from portal.services.offerings import set_booking_rules
from portal.services.organizations import set_group
from portal.transfer.editing import edit_offering
from portal.transfer.importer import import_offerings
from tests.calendar_sync.conftest import Stage, connected
from tests.support import builders
from tests.support.builders import NOW
from tests.support.memory_calendars import MemoryCalendars
from tests.support.samples import another, bare, emptied

# The last one shares groups with the others, and neither organization nor category: renaming those must not hide what a
# renamed group leaves behind.
OWN = {key: str(uuid5(NAMESPACE_OID, key)) for key in ("customer_uuid", "category_uuid")}
RECORDS = [another(0), another(1), another(2) | OWN]
GROUP = "Baltic research consortium"
CHILD = bare(name="Child", parent_uuid=RECORDS[0]["uuid"], parent_name="not yet")


def assert_fresh(session: Session) -> None:
    """Every offering has a document, and it is the one that would be built now."""
    ids = list(session.scalars(select(Offering.id)))
    stored = {row.offering_id: row for row in session.scalars(select(OfferingDocument))}
    assert sorted(stored) == sorted(ids)
    for prepared in build(load(session, ids)):
        row = stored[prepared.offering_id]
        for name, value in asdict(prepared).items():
            assert getattr(row, name) == value, name

    of_offerings = dict(db.session.execute(counted(Booking.offering_id)).all())
    assert {it.offering_id: it.bookings for it in session.scalars(select(OfferingCounter))} == of_offerings
    holding = func.sum(case((Booking.state.in_(HOLDING), 1), else_=0))
    of_plans = {plan: tuple(rest) for plan, *rest in db.session.execute(counted(Booking.plan_id, holding)) if plan}
    known = {it.plan_id: (it.bookings, it.holding) for it in session.scalars(select(PlanCounter))}
    assert known == of_plans


def counted(column: Any, *more: Any) -> Any:
    return select(column, func.count(), *more).group_by(column)


def changed_record(draw: Any, record: dict[str, Any]) -> dict[str, Any]:
    """The record, changed somewhere, as another portal might have it next week."""
    found = dict(record)
    for key in draw(st.lists(st.sampled_from(sorted(found)), max_size=6)):
        if key not in ("uuid", "name", "category_uuid", "plans", "components", "partitions"):
            found.pop(key, None)
    found |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "customer_name": st.sampled_from(["One institute", "Another institute"]),
                "category_title": st.sampled_from(["Rooms", "Instruments"]),
                "state": st.sampled_from(["Draft", "Active"]),
                "plans": st.just(found.get("plans", [])[:1]),
                "organization_groups": st.just(found.get("organization_groups", [])[1:]),
                "plugin_options": st.dictionaries(st.sampled_from("ab"), st.integers(0, 3)),
                "name": st.sampled_from(["A name", "Another name"]),
                "order_count": st.integers(0, 99),
                "parent_uuid": st.sampled_from([None, RECORDS[1]["uuid"]]),
            },
        )
    )
    # Wherever the record names the group: plans name it, too.
    name = draw(st.sampled_from([GROUP, GROUP, "Another group"]))
    renamed: dict[str, Any] = json.loads(json.dumps(found).replace(GROUP, name))
    return renamed


class Portal:
    """A portal with a laboratory, used at random through its services."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.hours = itertools.count(1)
        self.club = builders.group("Club")
        self.lab = builders.organization("Lab", (self.club,))
        builders.organization("Visitors")
        self.booker = builders.actor(builders.role(builders.user(), self.lab, "member"))
        self.manager = builders.actor(builders.role(builders.user(), self.lab, "manager"))
        plan = builders.plan(builders.offering("Scope", of=self.lab, groups=(self.club,)), max_amount=2)
        offering = db.session.get_one(Offering, plan.offering_id)
        builders.offering("Part of it", of=self.lab, parent_id=offering.id, parent_uuid=offering.uuid)
        self.plan_uuid, self.offering_uuid = plan.uuid, offering.uuid
        self.stage = Stage(offering.id, offering.uuid, self.connect())
        self.bookings: list[UUID] = []
        self.stage.google.before = self._look_meanwhile
        self.stale_meanwhile: AssertionError | None = None

    def _look_meanwhile(self, method: str) -> None:
        """The worker has committed what it knows before it calls Google: its run may end here."""
        if method == "create_calendar":
            try:
                assert_fresh(db.session())
            except AssertionError as stale:
                self.stale_meanwhile = stale
            db.session.rollback()

    def connect(self) -> int:
        return connected(self.lab).id

    def choose(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def imports(self) -> None:
        some = self.draw(st.lists(st.sampled_from([*RECORDS, CHILD]), min_size=1, max_size=4))
        records = [changed_record(self.draw, it) if it["uuid"] != RECORDS[1]["uuid"] else dict(it) for it in some]
        for record in records:
            if record.get("parent_uuid") == record["uuid"]:
                record["parent_uuid"] = None
        assert import_offerings(records).failed == []

    def edits(self) -> None:
        changes = {"name": self.choose("Scope", "Microscope"), "description": self.choose("Old", "New")}
        edit_offering(self.manager, self.offering_uuid, {**changes, "schedules": self.choose([], builders.schedule())})

    def sets_rules(self) -> None:
        set_booking_rules(self.manager, self.offering_uuid, {"accept": self.choose("automatic", "manual")})

    def changes_a_group(self) -> None:
        set_group(SYSTEM, "Visitors", "Club", member=self.choose(True, False))

    def acts_on_the_calendar(self) -> None:
        act = self.choose(calendars.sync_google_calendar, calendars.share_google_calendar)
        with suppress(CalendarRefused):
            act(SYSTEM, self.offering_uuid)

    def unshares(self) -> None:
        with suppress(CalendarRefused):
            calendars.unshare_google_calendar(SYSTEM, self.offering_uuid)

    def syncs(self) -> None:
        of_scope = GoogleCalendar.offering_id == self.stage.offering_id
        known = db.session.scalars(select(GoogleCalendar.id).where(of_scope)).first()
        db.session.commit()
        if known is not None:
            self.stage.later(hours=1)
            self.stage.run()

    def loses_the_calendar_at_google(self) -> None:
        with suppress(CalendarRefused):
            calendars.share_google_calendar(SYSTEM, self.offering_uuid)
        self.syncs()
        self.stage.google.calendars.clear()
        self.syncs()

    def disconnects(self) -> None:
        disconnect(SYSTEM, self.lab.uuid, self.choose(*CalendarCleanup), now=self.stage.now)
        run_disconnections(lambda _id: MemoryCalendars(self.stage.google, self.stage.app), lambda: self.stage.now)
        if db.session.scalars(select(GoogleConnection)).first() is None:
            self.connect()
        db.session.commit()

    def books(self) -> None:
        start = NOW + timedelta(hours=next(self.hours))
        wish = BookingRequest(self.offering_uuid, [Period(start, start + timedelta(hours=1))], plan_uuid=self.plan_uuid)
        # The plan may be sold out, and the schedule away.
        with suppress(Invalid):
            self.bookings.append(bookings.request_booking(self.booker, wish, now=NOW).uuid)

    def answers(self) -> None:
        act = self.choose(bookings.accept_booking, bookings.reject_booking, bookings.cancel_booking)
        if self.bookings:
            with suppress(BookingStateConflict):
                act(self.manager, self.choose(*self.bookings), now=NOW)

    def lets_requests_expire(self) -> None:
        bookings.expire_bookings(now=NOW + timedelta(hours=self.choose(1, 3, 5)))


STEPS = sorted(name for name in vars(Portal) if not name.startswith("_") and name not in ("connect", "choose"))
# What one record changes, a later one has to change again.
STEPS += ["imports"] * 4


# Shrinking would take minutes and say little: the steps are few.
@settings(
    max_examples=8,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_no_write_leaves_a_stale_document_or_counter(db_session: Any, data: st.DataObject) -> None:
    emptied(db_session)
    portal = Portal(data.draw)
    for step in data.draw(st.lists(st.sampled_from(STEPS), min_size=10, max_size=20)):
        getattr(portal, step)()
        assert portal.stale_meanwhile is None
        db_session.expire_all()
        assert_fresh(db_session())


def test_refresh_counts_bookings_again(db_session: Any) -> None:
    portal = Portal(None)
    portal.books()
    portal.books()
    before = counters_version([portal.stage.offering_id])
    db_session.execute(update(OfferingCounter).values(bookings=7))
    db_session.execute(delete(PlanCounter))
    store.recount(db_session())
    db_session.commit()
    assert_fresh(db_session())
    assert counters_version([portal.stage.offering_id]) > before


def test_a_clock_is_written_where_the_bodies_stay_as_they_are(db_session: Any) -> None:
    offering = builders.offering(attributes={})
    assert_fresh(db_session())
    offering.attributes = {"schedules": []}
    assert store.refresh(db_session(), [offering.id]) == 1
    assert_fresh(db_session())


def test_members_of_a_group_are_counted(db_session: Any) -> None:
    import_offerings([RECORDS[0] | {"organization_groups": [{"uuid": str(builders.unknown()), "name": "New"}]}])
    group = db_session.scalars(select(OrganizationGroup).where(OrganizationGroup.name == "New")).one()
    builders.organization("Member", (group,))
    assert store.refresh(db_session(), store.dependents(db_session(), groups=[group.id])) == 1
    assert store.refresh(db_session(), store.dependents(db_session(), groups=[group.id])) == 0
    assert_fresh(db_session())


def test_a_parents_new_name_and_options_reach_its_children(db_session: Any) -> None:
    import_offerings([CHILD, RECORDS[0]])
    parent = db_session.scalars(select(Offering).where(Offering.name == RECORDS[0]["name"])).one()
    parent.name, parent.plugin_options = "Renamed", {"new": 1}
    assert store.refresh(db_session(), [parent.id]) == 1
    assert store.refresh(db_session(), store.dependents(db_session(), parents=[parent.id])) == 1
    assert_fresh(db_session())
    document = db_session.scalars(select(OfferingDocument).where(OfferingDocument.inherited.is_not(None))).one()
    assert b'"parent_name":"Renamed"' in document.document
    assert document.inherited == b'{"new":1}'
