"""Groups of organizations: who is in them, and what documents say of them."""

import pytest

from portal.documents import read
from portal.errors import Forbidden, NotFound
from portal.policies import SYSTEM
from portal.services.organizations import set_group
from tests.support import builders as make
from tests.support.builders import NOW


def test_documents_tell_how_many_are_in_a_group(db_session):
    club = make.group("Club")
    make.organization("Lab")
    offering = make.offering(groups=(club,))

    def told():
        found = read.read_one(SYSTEM, offering.uuid, base_url="http://x", fields=["organization_groups"], now=NOW)
        return found.content["organization_groups"][0]["customers_count"]

    assert told() == 0
    set_group(SYSTEM, "Lab", "Club")
    assert told() == 1
    set_group(SYSTEM, "Lab", "Club", member=False)
    assert told() == 0


def test_groups_are_staffs(db_session):
    make.organization("Lab")
    make.group("Club")
    with pytest.raises(Forbidden):
        set_group(make.actor(make.user()), "Lab", "Club")
    with pytest.raises(NotFound):
        set_group(SYSTEM, "Lab", "Nothing")
