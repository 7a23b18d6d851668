"""Who sees and manages what: nobody, reader, member, manager, owner, staff, members of groups."""

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import Booking, Offering, Organization, Plan, Project
from portal.policies import (
    ANONYMOUS,
    SYSTEM,
    managed_offerings,
    managed_organizations,
    own_bookings,
    owned_offerings,
    owned_organizations,
    shows_booked_project,
    shows_project,
    usable_projects,
    visible_bookings,
    visible_offerings,
    visible_plans,
)
from tests.support import builders as make

PEOPLE = ("nobody", "reader", "grouped", "member", "manager", "owner", "staff")


@pytest.fixture
@make.together()
def world(db_session):
    club = make.group("Club")
    own = make.organization("Own")
    make_in = {
        "open": {},
        "paused": {"state": "Paused"},
        "draft": {"state": "Draft"},
        "archived": {"state": "Archived"},
        "unshared": {"shared": False},
        "unshared draft": {"shared": False, "state": "Draft"},
        "restricted": {"groups": (club,)},
        "restricted draft": {"groups": (club,), "state": "Draft"},
    }
    for name, values in make_in.items():
        make.offering(name, of=own, **values)
    people = {who: make.user() for who in PEOPLE[1:-1]}
    people["staff"] = make.user(staff=True)
    make.role(people["grouped"], make.organization("Other", groups=(club,)), "member")
    for what in ("member", "manager", "owner"):
        make.role(people[what], own, what)
    return {"nobody": ANONYMOUS, **{who: make.actor(user) for who, user in people.items()}}


def names(clause):
    return set(db.session.execute(select(Offering.name).where(clause)).scalars())


ALL = {"open", "paused", "draft", "archived", "unshared", "unshared draft", "restricted", "restricted draft"}
OPEN = {"open", "paused"}


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("nobody", OPEN),
        ("reader", OPEN),
        ("grouped", OPEN | {"restricted"}),
        ("member", OPEN | {"unshared"}),
        ("manager", ALL),
        ("owner", ALL),
        ("staff", ALL),
    ],
)
def test_who_sees_what(world, who, seen):
    assert names(visible_offerings(world[who])) == seen


@pytest.mark.parametrize(
    ("who", "manages", "owns"),
    [(who, who in ("manager", "owner", "staff"), who in ("owner", "staff")) for who in PEOPLE],
)
def test_who_manages_and_owns(world, who, manages, owns):
    assert names(managed_offerings(world[who])) == (ALL if manages else set())
    assert names(owned_offerings(world[who])) == (ALL if owns else set())


def test_the_portal_itself_sees_everything(world):
    assert names(visible_offerings(SYSTEM)) == ALL


@pytest.mark.parametrize(
    ("who", "seen"),
    [("nobody", {"all"}), ("reader", {"all"}), ("grouped", {"all", "club"}), ("staff", {"all", "club"})],
)
def test_plans_for_groups(world, who, seen):
    offering = db.session.execute(select(Offering).where(Offering.name == "open")).scalar_one()
    restricted = db.session.execute(select(Offering).where(Offering.name == "restricted")).scalar_one()
    make.plan(offering, "all")
    make.plan(offering, "club", groups=tuple(restricted.organization_groups))
    found = db.session.execute(
        select(Plan.name).where(Plan.offering_id == offering.id, visible_plans(world[who]))
    ).scalars()
    assert set(found) == seen


def test_a_role_elsewhere_gives_nothing_here(db_session):
    make.offering("theirs", of=make.organization("Theirs"), state="Draft")
    stranger = make.role(make.user(), make.organization("Mine"), "owner")
    assert names(visible_offerings(make.actor(stranger))) == set()


def organization_names(clause):
    return set(db.session.execute(select(Organization.name).where(clause)).scalars())


@pytest.mark.parametrize(
    ("who", "manages", "owns"),
    [
        *((who, set(), set()) for who in ("nobody", "reader", "grouped", "member")),
        ("manager", {"Own"}, set()),
        ("owner", {"Own"}, {"Own"}),
        ("staff", {"Own", "Other"}, {"Own", "Other"}),
    ],
)
def test_who_manages_and_owns_organizations(world, who, manages, owns):
    assert organization_names(managed_organizations(world[who])) == manages
    assert organization_names(owned_organizations(world[who])) == owns


@pytest.fixture
def projects(world):
    """A project of each organization, and an offering of the first that belongs to the other organization's project."""
    made = {}
    for name in ("Own", "Other"):
        of = db.session.execute(select(Organization).where(Organization.name == name)).scalar_one()
        made[name] = make.add(Project(name=name, organization_id=of.id))
    offering = db.session.execute(select(Offering).where(Offering.name == "open")).scalar_one()
    offering.project_id = made["Other"].id
    db.session.commit()
    return made


@pytest.mark.parametrize(
    ("who", "usable"),
    [
        ("nobody", set()),
        ("reader", set()),
        ("grouped", {"Other"}),
        *((who, {"Own"}) for who in ("member", "manager", "owner")),
        ("staff", {"Own", "Other"}),
    ],
)
def test_bookings_are_for_projects_of_the_bookers_organizations(world, projects, who, usable):
    found = db.session.execute(select(Project.name).where(usable_projects(world[who]))).scalars()
    assert set(found) == usable


@pytest.mark.parametrize(("who", "shown"), [(who, who not in ("nobody", "reader", "member")) for who in PEOPLE])
def test_who_sees_the_project_of_an_offering(world, projects, who, shown):
    in_project = Offering.project_id.is_not(None)
    assert names(shows_project(world[who]) & in_project) == ({"open"} if shown else set())


@pytest.fixture
def bookings(world, projects):
    """A booking by the member and one by the reader, who books for the other organization's project."""
    offering = db.session.execute(select(Offering).where(Offering.name == "open")).scalar_one()
    for who, project in (("member", None), ("reader", projects["Other"].id)):
        booking = Booking(
            offering_id=offering.id, user_id=world[who].user_id, project_id=project, name=who, state="confirmed"
        )
        make.add(booking)


def booking_names(clause):
    found = select(Booking.name).join(Offering, Offering.id == Booking.offering_id).where(clause)
    return set(db.session.execute(found).scalars())


@pytest.mark.parametrize(
    ("who", "own", "seen"),
    [
        ("nobody", set(), set()),
        ("reader", {"reader"}, {"reader"}),
        ("grouped", set(), set()),
        ("member", {"member"}, {"member"}),
        *((who, set(), {"member", "reader"}) for who in ("manager", "owner", "staff")),
    ],
)
def test_who_sees_bookings(world, bookings, who, own, seen):
    assert booking_names(own_bookings(world[who])) == own
    assert booking_names(visible_bookings(world[who])) == seen


@pytest.mark.parametrize(("who", "shown"), [(who, who in ("grouped", "manager", "owner", "staff")) for who in PEOPLE])
def test_who_sees_the_project_of_a_booking(world, bookings, who, shown):
    assert booking_names(shows_booked_project(world[who])) == ({"member", "reader"} if shown else {"member"})
