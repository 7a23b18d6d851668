"""What the tests of the JSON face share: people with tokens, and an offering that they see differently."""

import io
import json
from pathlib import Path

import pytest

from portal.models import GoogleConnection
from portal.transfer.importer import import_offerings
from tests.support import builders as make

SAMPLE = Path(__file__).parents[1] / "data" / "sample_offering.json"


@pytest.fixture
def headers_of(db_session):
    """`headers_of(user)`: what a program of this person sends, with a new token."""

    def headers(user):
        return {"Authorization": f"Token {make.token(user)}"}

    return headers


@pytest.fixture
@make.together()
def owned(db_session):
    """An organization, and its people."""
    organization = make.organization("Photon Source")
    people = {
        "stranger": make.user(),
        "member": make.role(make.user(), organization, "member"),
        "manager": make.role(make.user(), organization, "manager"),
        "owner": make.role(make.user(), organization, "owner"),
        "staff": make.user(staff=True),
    }
    return organization, people


@pytest.fixture
@make.together()
def who(owned, headers_of):
    """`who["owner"]`: the headers that a person's program sends."""
    return {name: headers_of(user) for name, user in owned[1].items()}


@pytest.fixture
def offering(owned):
    return make.offering("Microscope", of=owned[0])


@pytest.fixture
def connected(owned):
    """The organization has given its consent at Google."""
    return make.add(GoogleConnection(organization_id=owned[0].id, refresh_token="encrypted"))


@pytest.fixture
def sample(db_session):
    """The offering that has everything, brought in by the importer; what it was made of is answered."""
    wire = json.loads(SAMPLE.read_text(encoding="utf-8"))
    report = import_offerings(io.BytesIO(SAMPLE.read_bytes()))
    assert (report.created, report.failed) == (1, [])
    return wire
