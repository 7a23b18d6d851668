"""Counts and pages of lists of bookings are those of the plain query, whatever is written in between."""

import random
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import delete, func, select, update

from portal.models import Booking, Offering, Role, Slot
from portal.policies import Actor, visible_bookings, visible_in_list
from portal.queries import booking_list, bookings
from portal.queries.booking_list import BY_CREATED, BY_NAME, BY_START, BY_TYPE
from tests.support import builders as make

STATES = ("requested", "confirmed", "cancelled", "rejected")
SIZE = 7
FIRST_START = select(func.min(Slot.start)).where(Slot.booking_id == Booking.id).correlate(Booking).scalar_subquery()
# Each order and what it means, said without the columns and indexes that are made for it.
ORDERS = {
    "name": (BY_NAME, func.lower(Booking.name)),
    "created": (BY_CREATED, Booking.created),
    "type": (BY_TYPE, Offering.type),
    "schedules": (BY_START, FIRST_START),
}
WANTED = [*ORDERS, "name,created", "type,name", "schedules,type", ""]


@dataclass
class Site:
    """Some offerings with bookings, those who see them, and the source of what is random."""

    chance: random.Random
    offerings: list[Offering]
    actors: list[Actor]


@pytest.fixture
@make.together()
def site(db_session):
    chance = random.Random(1)
    lab, other = make.organization(), make.organization("Other")
    people = [make.user(), make.role(make.user(), lab, Role.MANAGER.value), make.user(staff=True)]
    found = [make.offering("First", of=lab), make.offering("Second", of=other), make.offering("Third", of=lab)]
    for number in range(60):
        offering = chance.choice(found)
        starts = chance.sample(range(4), chance.randrange(4))
        db_session.add(
            Booking(
                offering_id=offering.id,
                user_id=chance.choice(people).id,
                name=chance.choice(("Beam", "beam", "Älg", "zeta", "x" * 700)),
                state=chance.choice(STATES),
                created=make.NOW + timedelta(days=chance.randrange(5)),
                slots=[
                    Slot(
                        offering_id=offering.id,
                        start=make.NOW + timedelta(days=it),
                        end=make.NOW + timedelta(days=it, hours=1),
                        # Two of them may have the same time.
                        holds=False,
                    )
                    for it in starts
                ],
            )
        )
        if number % 20 == 0:
            db_session.flush()
    db_session.flush()
    return Site(chance, found, [make.actor(it) for it in people])


def check(db_session, site, most=8):
    """Compare pages of every order and of so many filters with the plain query's, for everybody."""
    filters = [
        [],
        [Booking.state.in_(["confirmed"])],
        [Booking.state == "rejected", Booking.created >= make.NOW + timedelta(days=2)],
        [Booking.created >= make.NOW + timedelta(days=3)],
        [Offering.uuid == site.offerings[0].uuid],
        [Offering.uuid == site.offerings[1].uuid, Booking.state.in_(["confirmed", "requested"])],
        [Offering.shared.is_(True)],
        [Booking.name == "beam"],
    ]
    for actor, clauses in product(site.actors, filters[:most]):
        plain = select(Booking.id).join(Offering, Offering.id == Booking.offering_id)
        plain = plain.where(visible_bookings(actor), *clauses)
        total = bookings.bookings_count(actor, clauses)
        assert total == len(db_session.execute(plain).all())
        for wanted, descending in product(WANTED, (False, True)):
            terms = [ORDERS[it] for it in wanted.split(",") if it]
            order = [replace(it, descending=descending) for it, _ in terms]
            naive = [it.desc() if descending else it for _, it in terms]
            expected = list(db_session.execute(plain.order_by(*naive, Booking.id)).scalars())
            shown = [visible_in_list(actor), *clauses]
            for offset in {0, total // 2, max(0, total - SIZE), total // SIZE * SIZE}:
                ids = booking_list.page_ids(shown, booking_list.without_common_type(order), offset, SIZE, total)
                page = set(db_session.execute(ids).scalars()) if offset < total else set()
                assert page == set(expected[offset : offset + SIZE]), (actor, clauses, wanted, descending, offset)
            if not clauses and wanted in ("name", "type,name") and actor.is_staff:
                views = bookings.bookings_slice(actor, clauses, order, total - SIZE, SIZE, total)
                assert [it.booking.id for it in views] == expected[-SIZE:]


def test_pages_and_counts_are_the_plain_querys(db_session, site):
    check(db_session, site)


def test_pages_of_very_long_lists_are_the_plain_querys(db_session, site, monkeypatch):
    """On SQLite these follow the index of the order."""
    monkeypatch.setattr(booking_list, "FEW", 0)
    check(db_session, site, most=4)


def test_the_same_with_offerings_of_several_types(db_session, site):
    db_session.execute(update(Offering).where(Offering.id == site.offerings[1].id).values(type="Another"))
    check(db_session, site, most=3)


def test_the_same_after_changes_of_every_kind(db_session, site):
    ids = list(db_session.execute(select(Booking.id).order_by(Booking.id)).scalars())
    site.chance.shuffle(ids)
    some = [ids[first : first + 8] for first in range(0, 48, 8)]
    for statement in (
        delete(Booking).where(Booking.id.in_(some[0])),
        update(Booking).where(Booking.id.in_(some[1])).values(state="confirmed"),
        update(Booking).where(Booking.id.in_(some[2])).values(name="ALPHA"),
        update(Booking).where(Booking.id.in_(some[3])).values(offering_id=site.offerings[1].id),
        delete(Slot).where(Slot.booking_id.in_(some[4])),
        update(Slot)
        .where(Slot.booking_id.in_(some[5]))
        .values(start=make.NOW - timedelta(days=9), end=make.NOW - timedelta(days=8)),
    ):
        db_session.execute(statement)
    first, second = some[1][:2]
    db_session.execute(update(Slot).where(Slot.booking_id == first).values(booking_id=second))
    db_session.expire_all()
    check(db_session, site, most=3)


def test_a_page_past_the_end_is_empty(db_session, site):
    staff = site.actors[-1]
    assert bookings.bookings_slice(staff, [], [BY_NAME], 70, 10, 60) == []
