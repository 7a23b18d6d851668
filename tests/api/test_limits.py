"""What one person may hold and write, as programs are told."""

import pytest
import time_machine
from sqlalchemy import func, select

from portal.models import Booking
from tests.api.test_bookings import LIST, slot, world  # noqa: F401 - a fixture
from tests.support.builders import NOW


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def ask(client, who, offering):
    def request(start, end, by="stranger", path=LIST, **more):
        body = {"offering": str(offering.uuid), "slots": [slot(start, end)]}
        return client.post(path, json=body, headers={**who[by], **more})

    return request


def test_who_holds_too_much_is_told_how_much(ask, limited, db_session):
    limited(max_open_requests=1, max_hours_ahead=3)
    assert ask(1, 2).status_code == 201
    refused = ask(2, 3)
    assert (refused.status_code, refused.json) == (
        400,
        {
            "slots": [
                "You have 1 open request, and one person may have 1 at a time. "
                "Wait until one is answered, or cancel one."
            ]
        },
    )
    limited(max_open_requests=0, max_hours_ahead=3)
    refused = ask(2, 5)
    assert refused.status_code == 400
    assert refused.json["slots"] == [
        "One person may hold 3 hours ahead, over all offerings. You hold 1 hour already, and this adds 3 hours. "
        "Book less, or cancel a booking."
    ]
    assert db_session.execute(select(func.count(Booking.id))).scalar_one() == 1
    assert ask(2, 8, by="manager").status_code == 201
    assert ask(8, 20, by="staff").status_code == 201


def test_who_writes_too_often_waits(ask, limited, db_session, frozen):
    limited(max_writes_per_hour=3)
    assert ask(1, 2).status_code == 201
    # What is refused counts as well.
    assert ask(1, 2).status_code == 409
    assert ask(2, 3, path=f"{LIST}nonsense/cancel/").status_code == 404
    refused = ask(2, 3)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1200"
    assert refused.json == {
        "detail": "One person may make 3 changes an hour, and you have made them. Try again in 20 minutes."
    }
    assert db_session.execute(select(func.count(Booking.id))).scalar_one() == 1
    assert ask(3, 4, by="member").status_code == 201
    frozen.shift(1200)
    assert ask(2, 3).status_code == 201


def test_reading_is_never_counted(client, who, offering, limited):
    limited(max_writes_per_hour=1)
    for _ in range(3):
        assert client.get(LIST, headers=who["stranger"]).status_code == 200
        assert client.options(LIST).status_code == 200


def test_who_holds_no_token_is_not_counted(client, offering, limited):
    limited(max_writes_per_hour=1)
    for _ in range(3):
        assert client.post(LIST, json={}).status_code == 401
