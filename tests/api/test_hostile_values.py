"""Values that are none, in every query parameter and header of the API: refused or ignored, never a defect."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from portal.api.booking_filters import FILTERS
from portal.domain.periods import Period
from portal.services import bookings as services
from portal.services.booking_requests import BookingRequest
from tests.support import builders as make
from tests.support.hostile import VALUES

LIST = "/api/booking-resources/"
OFFERINGS = "/api/booking-offerings/"


@pytest.fixture
def booking(owned, offering):
    start = make.utcnow_hour() + timedelta(days=1)
    wish = BookingRequest(offering.uuid, [Period(start, start + timedelta(hours=1))])
    return services.request_booking(make.actor(owned[1]["stranger"]), wish).uuid


@pytest.fixture
def offering(owned):
    start = make.utcnow_hour() - timedelta(days=2)
    limits = {"minimum_notice_minutes": 1, "buffer_before_minutes": 10080, "quota_hours_per_user": 9}
    rules = {**limits, "time_zone": "America/Los_Angeles"}
    return make.offering(of=owned[0], attributes={"schedules": make.schedule(start), "booking_rules": rules})


def ask(client, path, headers, names, value):
    given = quote(value)
    return client.get(f"{path}?{'&'.join(f'{name}={given}' for name in names)}", headers=headers)


def test_parameters(client, who, offering, booking):
    paging = ("page", "page_size", "field")
    asked = (
        (OFFERINGS, ("page_size", "field")),
        (f"{OFFERINGS}{offering.uuid}/availability/", ("start", "end", "duration")),
        (f"{OFFERINGS}{offering.uuid}/", ("field",)),
        (LIST, FILTERS),
        (LIST, ("o", "page_size", "field")),
        (f"{LIST}{booking}/", ("field",)),
        (f"/api/marketplace-bookings/{offering.uuid}/", paging),
    )
    for value in VALUES:
        for path, names in asked:
            answer = ask(client, path, who["stranger"], names, value)
            if answer.status_code == 414:
                # Together they are too long for the links of a list: each by itself is not.
                assert len(value) * len(names) > 1000
                singly = {ask(client, path, who["stranger"], [name], value).status_code for name in names}
                assert singly <= {200, 400}, (path, value)
                continue
            assert answer.status_code in (200, 400), (path, value, answer.text)
            if answer.status_code == 400:
                # What was not complained about is asked of the database.
                assert set(answer.json) <= set(names)
                left = [name for name in names if name not in answer.json]
                again = ask(client, path, who["stranger"], left, value)
                if again.status_code == 414:
                    assert {ask(client, path, who["stranger"], [name], value).status_code for name in left} == {200}
                else:
                    assert again.status_code == 200, (path, value, again.text)
        for path in (OFFERINGS, LIST):
            assert ask(client, path, who["stranger"], ["page"], value).status_code == 404, (path, value)


def test_headers(client, who, offering, booking):
    body = {"offering": str(offering.uuid), "slots": []}
    for value in VALUES:
        raw = value.decode("latin-1")
        for name in ("AUTHORIZATION", "IDEMPOTENCY_KEY", "IF_NONE_MATCH", "ACCEPT", "HOST"):
            environ = {f"HTTP_{name}": raw}
            got = client.get(OFFERINGS, headers=who["stranger"], environ_overrides=environ)
            assert got.status_code < 500, (name, value, got.text)
            sent = client.post(LIST, json=body, headers=who["stranger"], environ_overrides=environ)
            assert 400 <= sent.status_code < 500, (name, value, sent.text)


def test_paths(client, who):
    for value in VALUES:
        for path in (OFFERINGS, LIST, "/api/marketplace-bookings/", "/api/media/"):
            answer = client.get(f"{path}{quote(value, safe='')}/", headers=who["stranger"])
            assert answer.status_code == 404, (path, value)
