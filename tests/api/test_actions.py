"""The three calendar actions: who may, what is refused in which order, and an empty 200 (docs/api.md, Refusals)."""

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import GoogleCalendar
from tests.support import builders as make

ACTIONS = ("google_calendar_sync", "share_google_calendar", "unshare_google_calendar")
FORBIDDEN = b'{"detail":"You do not have permission to perform this action."}'
NO_MATCH = b'{"detail":"No Offering matches the given query."}'


def path_of(uuid, action):
    return f"/api/booking-offerings/{uuid}/{action}/"


def calendar(offering, **values):
    return make.add(
        GoogleCalendar(offering_id=offering.id, **{"state": "OK", "backend_id": "abc@example.org", **values})
    )


def calendars():
    db.session.expire_all()
    return db.session.execute(select(GoogleCalendar)).scalars().all()


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("person", ["owner", "staff"])
def test_200_with_an_empty_body(client, who, offering, connected, action, person):
    if action == "unshare_google_calendar":
        calendar(offering, public=True, want_public=True)
    answer = client.post(path_of(offering.uuid, action), headers=who[person])
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == "0"
    (row,) = calendars()
    assert row.state in ("CREATION_SCHEDULED", "UPDATE_SCHEDULED")
    assert row.want_public is (action == "share_google_calendar")
    assert row.public is (action == "unshare_google_calendar")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("person", "state", "status", "body"),
    [
        ("stranger", "Active", 403, FORBIDDEN),
        ("member", "Active", 403, FORBIDDEN),
        ("manager", "Active", 403, FORBIDDEN),
        ("manager", "Draft", 403, FORBIDDEN),
        ("stranger", "Draft", 404, NO_MATCH),
        ("member", "Draft", 404, NO_MATCH),
    ],
)
def test_403_to_who_sees_it_and_404_to_who_does_not(client, who, owned, connected, action, person, state, status, body):
    made = make.offering("Microscope", of=owned[0], state=state)
    answer = client.post(path_of(made.uuid, action), headers=who[person])
    assert (answer.status_code, answer.data) == (status, body)
    assert calendars() == []


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("segment", ["00000000-0000-0000-0000-000000000000", "nonsense"])
def test_404_comes_before_any_check_of_the_state(client, who, offering, action, segment):
    answer = client.post(path_of(segment, action), headers=who["staff"])
    assert (answer.status_code, answer.data) == (404, NO_MATCH)


@pytest.mark.parametrize("action", ACTIONS)
def test_without_credentials_at_google(client, who, offering, action):
    calendar(offering, state="UPDATING")
    answer = client.post(path_of(offering.uuid, action), headers=who["owner"])
    assert (answer.status_code, answer.data) == (400, b'["Google credentials do not exist."]')


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("state", ["CREATION_SCHEDULED", "CREATING", "UPDATE_SCHEDULED", "UPDATING"])
def test_while_it_is_busy(client, who, offering, connected, action, state):
    calendar(offering, state=state, public=True, want_public=True)
    answer = client.post(path_of(offering.uuid, action), headers=who["owner"])
    assert (answer.status_code, answer.data) == (400, b'["The calendar cannot be updated."]')


@pytest.mark.parametrize(
    ("action", "row", "text"),
    [
        ("share_google_calendar", {"public": True, "want_public": True}, b'["The calendar is public already."]'),
        ("unshare_google_calendar", {"public": False}, b'["The calendar is private already."]'),
        ("unshare_google_calendar", None, b'["The calendar does not exist."]'),
    ],
)
def test_what_is_so_already(client, who, offering, connected, action, row, text):
    if row is not None:
        calendar(offering, **row)
    answer = client.post(path_of(offering.uuid, action), headers=who["owner"])
    assert (answer.status_code, answer.data) == (400, text)


def test_an_erred_calendar_may_be_tried_again(client, who, offering, connected):
    calendar(offering, state="ERRED")
    assert client.post(path_of(offering.uuid, "google_calendar_sync"), headers=who["owner"]).status_code == 200


def test_twice_is_refused_the_second_time(client, who, offering, connected):
    path = path_of(offering.uuid, "share_google_calendar")
    first, second = (client.post(path, headers=who["owner"]) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 400)
    assert second.data == b'["The calendar cannot be updated."]'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", None),
        (b"{}", "application/json"),
        (b"{broken", "application/json"),
        (b"<x/>", "text/plain"),
        (b"x" * 20_000_000, "application/octet-stream"),
        (b"a=1", "application/x-www-form-urlencoded"),
        (b"broken", "multipart/form-data"),
    ],
)
def test_the_body_is_never_read(client, who, offering, connected, body, kind):
    path = path_of(offering.uuid, "google_calendar_sync")
    answer = client.post(path, headers=who["owner"], data=body, content_type=kind)
    assert (answer.status_code, answer.data) == (200, b"")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "FOO"])
@pytest.mark.parametrize("segment", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_405_even_for_an_unknown_uuid(client, who, action, method, segment):
    answer = client.open(path_of(segment, action), method=method, headers=who["stranger"])
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"
    if method != "HEAD":
        assert answer.data == f'{{"detail":"Method \\"{method}\\" not allowed."}}'.encode()
