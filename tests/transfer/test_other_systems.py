"""What other systems and versions of Waldur send: taken, corrected, or lost with a warning; never a lost offering."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from sqlalchemy import select

from portal.documents.read import read_page
from portal.models import Offering
from portal.policies import SYSTEM
from portal.transfer.exporter import export_offerings
from portal.transfer.importer import import_offerings
from tests.support.samples import another, bare


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


DROPPED: list[tuple[list[Any], Any, Any]] = [
    (["state"], "Terminated", "Draft"),
    (["state"], "active", "Draft"),
    (["country"], "XK", ""),
    (["country"], "ee", ""),
    (["components", 0, "billing_type"], "metered", "usage"),
    (["components", 0, "limit_period"], "weekly", None),
    (["components", 0, "limit_amount"], 10.5, 10),
    (["components", 0, "min_value"], 10.5, 11),
    (["components", 0, "max_value"], -0.5, -1),
    (["plans", 0, "unit"], "week", "month"),
    (["plugin_options", "username_generation_policy"], "x", None),
    (["plugin_options", "storage_mode"], ["fixed"], None),
    (["plugin_options", "latest_date_for_resource_termination"], "soon", None),
    (["plugin_options", "resource_role_map"], "x", None),
    (["backend_metadata"], "x", {}),
    (["options", "options", "sample_type", "visible_if"], {"field": "a"}, None),
]


def placed(record: Any, path: list[Any], value: Any) -> Any:
    inner = record
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return record


def found_at(record: Any, path: list[Any]) -> Any:
    for key in path[:-1]:
        record = record[key]
    return record.get(path[-1])


def dotted(path: list[Any]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


@pytest.mark.parametrize(("path", "value", "kept"), DROPPED)
def test_a_value_that_clients_cannot_read_is_lost_with_a_warning(
    db_session: Any, path: list[Any], value: Any, kept: Any
) -> None:
    report = import_offerings([placed(another(1), path, value)])
    assert (report.created, report.failed) == (1, [])
    assert [(it.position, it.name, it.field) for it in report.warnings] == [(1, "Krios 00001", dotted(path))]
    assert report.warnings[0].reason
    (document,) = exported()
    assert found_at(document, path) == kept


UNSET: list[tuple[list[Any], Any]] = [
    (["plugin_options", "username_generation_policy"], ""),
    (["plugin_options", "uid_source"], None),
    (["plugin_options", "resource_role_map"], None),
    (["options", "options", "sample_type", "cascade_config"], {}),
    (["options", "options", "sample_type", "component_multiplier_config"], None),
    (["options", "options", "sample_type", "storage_folder_config"], None),
]


@pytest.mark.parametrize(("path", "value"), UNSET)
def test_what_is_only_unset_is_left_out_without_a_warning(db_session: Any, path: list[Any], value: Any) -> None:
    report = import_offerings([placed(another(1), path, value)])
    assert (report.created, report.failed, report.warnings) == (1, [], [])
    (document,) = exported()
    assert path[-1] not in json.dumps(document)


@pytest.mark.parametrize(
    "kind",
    [
        *("component_formula", "component_sum", "storage_folder_manager", "single_datacenter_k8s_config"),
        *("multi_datacenter_k8s_config", "of_next_year"),
    ],
)
def test_a_question_of_a_type_that_clients_do_not_know_is_left_out(db_session: Any, kind: str) -> None:
    form = {
        "order": ["new", "old"],
        "options": {"new": {"type": kind, "label": "New"}, "old": {"type": "string", "label": "Old"}},
    }
    report = import_offerings([bare(options=form, resource_options=form)])
    assert (report.created, report.failed) == (1, [])
    assert [it.field for it in report.warnings] == ["options.options.new.type", "resource_options.options.new.type"]
    (document,) = exported()
    kept = {"order": ["old"], "options": {"old": {"type": "string", "label": "Old"}}}
    assert document["options"] == document["resource_options"] == kept


def test_unavailable_is_kept(db_session: Any) -> None:
    report = import_offerings([bare(state="Unavailable")])
    assert (report.created, report.failed, report.warnings) == (1, [], [])
    assert exported()[0]["state"] == "Unavailable"


def test_unknown_keys_with_values_that_cannot_be_kept_are_lost_with_a_warning(db_session: Any) -> None:
    report = import_offerings([bare(tags=["a\0b"], news=1)])
    assert (report.created, [it.field for it in report.warnings]) == (1, ["tags[0]"])
    (document,) = exported()
    assert document["news"] == 1
    assert "tags" not in document
