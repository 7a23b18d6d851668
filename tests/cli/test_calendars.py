"""`calendars connect`, `calendars status`, `worker --until-idle`."""

import json

import pytest

from portal.calendar_sync.plan import app_mark
from portal.calendar_sync.provider import OPEN_PROVIDER
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.domain.instants import format_instant
from portal.extensions import db, settings
from portal.models import GoogleCalendar, GoogleConnection
from portal.policies import SYSTEM
from portal.services import calendars
from tests.calendar_sync.test_connections import google, organization
from tests.support import builders
from tests.support.consent import FakeConsent
from tests.support.memory_calendars import MemoryCalendars, MemoryGoogle

__all__ = ["google", "organization"]  # fixtures


def run(app, *arguments, stdin=""):
    db.session.commit()
    return app.test_cli_runner().invoke(args=list(arguments), input=stdin)


def test_connect_takes_a_refresh_token_from_standard_input(app, google: FakeConsent, organization):
    result = run(app, "calendars", "connect", organization.name, "--refresh-token-stdin", stdin="1//token\n")
    assert result.exit_code == 0, result.output
    assert result.stdout == "Connected as facility@lab.example.\n"
    assert google.refreshed == ["1//token"]
    assert db.session.query(GoogleConnection).count() == 1
    again = run(app, "calendars", "connect", organization.uuid.hex, "--refresh-token-stdin", stdin="1//token\n")
    assert again.exit_code == 0


def test_connect_tells_what_was_not_granted(app, google, organization):
    google.scopes = [scope for scope in SCOPES if "acls" not in scope]
    result = run(app, "calendars", "connect", organization.name, "--refresh-token-stdin", stdin="1//token\n")
    assert result.exit_code == 0
    assert "sharing calendars" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "words"),
    [
        (["Nobody", "--refresh-token-stdin"], "1//t\n", 1, "no such organization"),
        (["Photon Source", "--refresh-token-stdin"], "\n", 1, "not a refresh token"),
        (["Photon Source"], "1//t\n", 2, "--refresh-token-stdin"),
    ],
)
def test_connect_refuses_in_one_line(app, google, organization, arguments, stdin, status, words):
    result = run(app, "calendars", "connect", *arguments, stdin=stdin)
    assert result.exit_code == status
    assert words in result.stderr
    assert db.session.query(GoogleConnection).count() == 0


def test_status_and_a_worker_that_runs_until_nothing_is_due(app, google, organization, monkeypatch):
    cloud = MemoryGoogle()
    mark = app_mark(settings().public_url)
    monkeypatch.setitem(app.extensions, OPEN_PROVIDER, lambda _id: MemoryCalendars(cloud, mark))
    run(app, "calendars", "connect", organization.name, "--refresh-token-stdin", stdin="1//token\n")
    offering = builders.offering("Room", of=organization)
    assert json.loads(run(app, "calendars", "status", "--json").output) == []
    calendars.share_google_calendar(SYSTEM, offering.uuid)
    [waiting] = json.loads(run(app, "calendars", "status", "--json").output)
    assert (waiting["state"], waiting["public"], waiting["backend_id"]) == ("CREATION_SCHEDULED", False, None)
    assert run(app, "worker", "--until-idle").stdout == "1 run\n"
    [row] = json.loads(run(app, "calendars", "status", "--json").output)
    found = db.session.query(GoogleCalendar).populate_existing().one()
    assert row == {
        "offering": str(offering.uuid),
        "state": "OK",
        "public": True,
        "backend_id": found.backend_id,
        "last_synced": format_instant(found.last_synced),
        "error": "",
    }
    table = run(app, "calendars", "status").output
    assert table.split("\t")[:4] == [str(offering.uuid), "Room", "OK", "public"]
    assert table.split("\t")[6].startswith("asked for: 0 added, 0 changed, 0 removed, 0 busy read, ")
