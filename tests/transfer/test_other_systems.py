"""What other systems and versions of Waldur send: taken, corrected, or lost with a warning; never a lost offering."""

from __future__ import annotations

import io
import json
from typing import Any

from sqlalchemy import select

from portal.documents.read import read_page
from portal.models import Offering
from portal.policies import SYSTEM
from portal.transfer.exporter import export_offerings
from portal.transfer.importer import import_offerings
from tests.support.samples import bare


def stored_attributes(session: Any) -> Any:
    return session.scalars(select(Offering.attributes)).one()


def test_all_day_entries_are_days_in_the_time_zone_of_the_offering(db_session: Any) -> None:
    entry = {
        "id": "1",
        "title": "Term",
        "allDay": True,
        "start": "2031-09-01",
        "end": "2031-09-06",
        "extendedProps": {"type": "Availability", "config": {"slotDuration": "00:00", "weekends": True}},
    }
    attributes = {"schedules": [entry], "booking_rules": {"time_zone": "Europe/Tallinn"}}
    report = import_offerings([bare(attributes=attributes)])
    assert (report.created, report.failed) == (1, [])
    (stored,) = stored_attributes(db_session)["schedules"]
    assert (stored["start"], stored["end"]) == ("2031-08-31T21:00:00Z", "2031-09-05T21:00:00Z")
    assert stored["extendedProps"]["config"] == {"slotDuration": "24:00:00", "weekends": True}


def test_a_night_is_kept_as_it_was_given(db_session: Any) -> None:
    hours = {"startTime": "22:00", "endTime": "06:00", "daysOfWeek": [5]}
    entry = {
        "start": "2031-09-01T00:00:00Z",
        "end": "2031-10-01T00:00:00Z",
        "extendedProps": {"type": "Availability", "config": {"businessHours": hours}},
    }
    assert import_offerings([bare(attributes={"schedules": [entry]})]).failed == []
    assert stored_attributes(db_session)["schedules"] == [entry]


def exported() -> list[dict[str, Any]]:
    stream = io.BytesIO()
    export_offerings(stream)
    found: list[dict[str, Any]] = json.loads(stream.getvalue())
    return found


def test_keys_that_the_api_does_not_have_are_exported_again_and_not_answered(db_session: Any) -> None:
    given = bare(tags=[{"name": "new"}], helpdesk_url="https://example.org/", profile_uuid=None, organization_groups=[])
    assert import_offerings([given]).created == 1
    # What a later record does not have stays.
    assert import_offerings([{"uuid": given["uuid"], "profile_uuid": "x"}]).updated == 1
    assert import_offerings([{"uuid": given["uuid"], "profile_uuid": "x"}]).unchanged == 1
    (found,) = exported()
    assert [found[key] for key in ("tags", "helpdesk_url", "profile_uuid")] == [
        given["tags"],
        given["helpdesk_url"],
        "x",
    ]
    assert list(found)[-3:] == ["tags", "helpdesk_url", "profile_uuid"]
    ids = db_session.scalars(select(Offering.id)).all()
    (answered,) = read_page(SYSTEM, "http://localhost", ["tags", "name"], ids, None)
    assert answered.content == {"name": "Bare"}
