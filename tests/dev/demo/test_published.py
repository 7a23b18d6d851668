"""The demo's offerings, imported, have exactly the documented format."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from portal.dev.demo import content
from portal.extensions import settings
from portal.policies import SYSTEM
from portal.services.media import store_media
from portal.transfer.exporter import export_offerings
from portal.transfer.importer import import_offerings

pytestmark = pytest.mark.sqlite_only
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FIELDS = json.loads((Path(__file__).parents[2] / "data" / "fields.json").read_text(encoding="utf-8"))["fields"]
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "object": dict}
ENUMS: dict[str, set[str | None]] = {
    "state": {"Draft", "Active", "Paused", "Archived"},
    "components.billing_type": {"fixed", "usage", "limit", "one", "few"},
    "components.limit_period": {"month", "quarterly", "annual", "total", "", None},
    "plans.unit": {"month", "quarter", "half_month", "day", "hour", "quantity"},
    "scope_state": {"OK", "ERRED", None},
    "type": {"Marketplace.Booking"},
}
# Nothing is connected to Google in a fresh demo, and a root group has no parent.
MAY_BE_ABSENT = {"googlecalendar"}


@pytest.fixture
def published(db_session) -> list[dict[str, Any]]:
    """The offerings as the API publishes them after the import."""
    for file in content.media():
        store_media(SYSTEM, file.name, file.content_type, file.data, file.uuid)
    report = import_offerings(content.offerings(settings().public_url, NOW))
    assert report.failed == []
    stream = io.BytesIO()
    export_offerings(stream)
    return json.loads(stream.getvalue())


def faults(fields: list[dict[str, Any]], value: dict[str, Any], at: str = "") -> Iterator[str]:
    """What differs from the documented tree: keys, their order, types, formats, nulls, enums."""
    expected = [field["name"] for field in fields if field["name"] in value]
    if list(value) != expected:
        yield f"{at}: keys {list(value)} instead of {expected}"
    for field in fields:
        path, name = field["path"], field["name"]
        if name not in value:
            root = path.endswith(("parent_uuid", "parent_name")) and "organization_groups" in path
            if path not in MAY_BE_ABSENT and not (root and value["parent"] is None):
                yield f"{at}{name} is missing"
            continue
        yield from value_faults(field, value[name], at)


def value_faults(field: dict[str, Any], found: Any, at: str) -> Iterator[str]:
    path = field["path"]
    if path in ENUMS and found not in ENUMS[path]:
        yield f"{at}{path}: {found!r} is not in the enum"
    if found is None:
        if field["python_client"]["null"] == "crash" or field["is_array"]:
            yield f"{at}{path} is null"
        return
    if field["is_array"]:
        if not isinstance(found, list):
            yield f"{at}{path}: not a list"
        for number, item in enumerate(found):
            yield from faults(field["children"], item, f"{at}{path}[{number}].")
        return
    wanted = TYPES.get(field["type"])
    if wanted and (type(found) is not wanted):
        yield f"{at}{path}: {found!r} is no {field['type']}"
        return
    if field["children"]:
        yield from faults(field["children"], found, f"{at}{path}.")
    if field["format"] == "uuid" and str(UUID(found)) != found:
        yield f"{at}{path}: {found!r} is no dashed uuid"
    if field["format"] == "date-time" and datetime.fromisoformat(found).tzinfo is None:
        yield f"{at}{path}: {found!r} has no zone"
    if field["format"] == "uri" and found and not re.match(r"https?://[^ ]+$", found):
        yield f"{at}{path}: {found!r} is no address"


def test_every_offering_has_the_documented_format(published):
    assert len(published) == len(content.offerings("", NOW))
    assert [fault for document in published for fault in faults(FIELDS, document, document["slug"] + ": ")] == []


def test_the_check_of_the_format_can_fail(published):
    spoiled = published[0]
    spoiled["plans"][0]["unit"] = "year"
    spoiled["uuid"] = None
    spoiled["latitude"] = "58"
    del spoiled["slug"]
    spoiled["extra"] = 1
    assert len(list(faults(FIELDS, spoiled))) == 5


def test_the_sample_of_the_documentation_passes_the_same_check():
    sample = json.loads((Path(__file__).parents[2] / "data" / "sample_offering.json").read_text(encoding="utf-8"))
    assert list(faults(FIELDS, sample)) == []


def test_one_offering_has_every_field(published):
    def empty(fields: list[dict[str, Any]], found: list[Any]) -> Iterator[str]:
        """Paths at which no object of the lists has a value."""
        for field in fields:
            values = [item.get(field["name"]) for item in found]
            if field["is_array"]:
                values = [inner for value in values for inner in value]
            if not any(value not in (None, "", [], {}) for value in values):
                yield field["path"]
            elif field["children"]:
                yield from empty(field["children"], [value for value in values if value])

    fullest = min(published, key=lambda document: len(list(empty(FIELDS, [document]))))
    # An active offering has no reason for a pause; nothing is connected; plans have no codes elsewhere.
    assert set(empty(FIELDS, [fullest])) == {"paused_reason", "googlecalendar", "plans.backend_id"}


def test_a_child_is_linked_to_its_parent(published):
    by_uuid = {document["uuid"]: document for document in published}
    children = [document for document in published if document["parent_uuid"]]
    assert children
    for child in children:
        parent = by_uuid[child["parent_uuid"]]
        assert (child["parent_name"], child["parent_description"]) == (parent["name"], parent["description"])
        assert child["plugin_options"] == parent["plugin_options"]


def test_pictures_are_the_portals_own(published):
    for document in published:
        for address in (document["image"], document["thumbnail"], *(shot["image"] for shot in document["screenshots"])):
            assert address.startswith(f"{settings().public_url}/api/media/")
