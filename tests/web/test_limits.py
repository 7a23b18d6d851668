"""What one person may hold and write, as pages say it."""

import pytest
from sqlalchemy import func, select

from portal.models import Booking
from tests.web.test_bookings import as_person, frozen, lab, rows, send  # noqa: F401 - fixtures

pytestmark = pytest.mark.sqlite_only  # what touches the database is tested on both in tests/services


def test_who_holds_too_much_reads_why_and_keeps_the_form(as_person, lab, limited, db_session):  # noqa: F811
    limited(max_open_requests=1)
    path = f"/offerings/{lab[0].uuid}/book/"
    person = as_person("booker")
    assert send(person, path, **rows((1, 2))).status_code == 303
    refused = send(person, path, **rows((3, 4)), name="Ice core")
    assert refused.status_code == 400
    assert "You have 1 open request, and one person may have 1 at a time." in refused.text
    assert 'value="Ice core"' in refused.text
    assert db_session.execute(select(func.count(Booking.id))).scalar_one() == 1
    assert send(as_person("owner"), path, **rows((3, 4))).status_code == 303
    assert send(as_person("owner"), path, **rows((5, 6))).status_code == 303


def test_who_writes_too_often_reads_how_long_to_wait(as_person, lab, limited, db_session):  # noqa: F811
    limited(max_writes_per_hour=2)
    path = f"/offerings/{lab[0].uuid}/book/"
    person = as_person("booker")
    assert send(person, path, **rows((1, 2))).status_code == 303
    # Nothing is kept of this one, and it counts.
    assert person.post(f"{path}summary/", rows((1, 2))).status_code == 200
    refused = send(person, path, **rows((3, 4)))
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1800"
    assert "One person may make 2 changes an hour, and you have made them. Try again in 30 minutes." in refused.text
    assert db_session.execute(select(func.count(Booking.id))).scalar_one() == 1
    assert send(as_person("rival"), path, **rows((3, 4))).status_code == 303
    # Pages still open, and signing out is always possible.
    assert person.get("/bookings/").status_code == 200
    assert person.post("/logout", {}).status_code == 303
