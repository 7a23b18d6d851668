"""Who sees and manages what: nobody, reader, member, manager, owner, staff, members of groups."""

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import Offering, Plan
from portal.policies import (
    ANONYMOUS,
    SYSTEM,
    managed_offerings,
    owned_offerings,
    visible_offerings,
    visible_plans,
)
from tests.support import builders as make

PEOPLE = ("nobody", "reader", "grouped", "member", "manager", "owner", "staff")


@pytest.fixture
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
