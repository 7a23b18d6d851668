"""The manager's overview, and who may touch an organization's connection."""

import pytest

from portal.errors import Forbidden, NotFound
from portal.models import GoogleCalendar, GoogleConnection
from portal.policies import ANONYMOUS, SYSTEM
from portal.queries import organizations
from tests.support import builders as make


@pytest.fixture
def world(db_session):
    lab, other = make.organization("Lab"), make.organization("another")
    first = make.offering("First", of=lab, state="Draft")
    make.offering("Second", of=lab)
    make.add(GoogleCalendar(offering_id=first.id, state="OK", public=True, error=""))
    make.add(GoogleConnection(organization_id=lab.id, refresh_token="sealed", broken="withdrawn"))
    people = {what: make.actor(make.role(make.user(), lab, what)) for what in ("member", "manager", "owner")}
    return {"lab": lab, "other": other, **people}


def test_a_manager_sees_what_they_manage(world, query_counter):
    with query_counter() as counted:
        [found], page = organizations.managed(world["manager"])
    assert (found.name, found.role, found.owns, found.connected, found.broken) == (
        "Lab",
        "manager",
        False,
        True,
        "withdrawn",
    )
    assert [(it.name, it.state, it.calendar_state, it.public) for it in found.offerings] == [
        ("First", "Draft", "OK", True),
        ("Second", "Active", None, None),
    ]
    assert (page.total, counted.number) == (2, 2)


def test_staff_see_all_and_organizations_without_offerings_too(world):
    found, _ = organizations.managed(SYSTEM)
    assert [(it.name, it.role, it.owns, len(it.offerings)) for it in found] == [
        ("another", None, True, 0),
        ("Lab", None, True, 2),
    ]


def test_others_manage_nothing(world):
    for actor in (ANONYMOUS, world["member"]):
        assert organizations.managed(actor)[0] == []


def test_the_connection_is_the_owners(world):
    assert organizations.get_owned_organization(world["owner"], world["lab"].uuid).name == "Lab"
    with pytest.raises(Forbidden):
        organizations.get_owned_organization(world["manager"], world["lab"].uuid)
    for actor in (world["member"], ANONYMOUS):
        with pytest.raises(NotFound):
            organizations.get_owned_organization(actor, world["lab"].uuid)
    with pytest.raises(NotFound):
        organizations.get_owned_organization(world["owner"], world["other"].uuid)
