"""Waldur's published Python clients against a living portal: everything as documented."""

import json
from pathlib import Path

import pytest

from tests.support import builders as make
from tools.prepare import CLIENT_VERSIONS

TREE = json.loads((Path(__file__).parents[1] / "data" / "fields.json").read_text(encoding="utf-8"))
FIELDS = TREE["fields"]

# The API's own tests compare the databases.
pytestmark = [pytest.mark.sqlite_only, pytest.mark.parametrize("version", CLIENT_VERSIONS)]


def documented(fields):
    for field in fields:
        yield field["path"]
        yield from documented(field["children"])


def values(document, path):
    found = [document]
    for name in path.split("."):
        found = [one for value in found for one in (value if isinstance(value, list) else [value])]
        found = [one[name] for one in found if isinstance(one, dict) and name in one]
    return found


def test_everything_that_is_documented(run_client, world, version):
    # In one run: loading such a client takes seconds.
    steps = ["listing", "retrieving", "retrieving nothing", "acting", "signing in", "booking"]
    if version == "8.1.3":
        steps.append("everything")  # sync_all came with 7.9.2: there is nothing to ask older versions
    answers = run_client(version, *steps)
    told = answers["listing"]
    assert told["page"] == told["async"] == world.names[:10]
    assert told["second"] == world.names[7:14]
    assert told["count"] == told["async count"] == len(world.names)
    assert told["past the end"] == [404, '{"detail":"Invalid page."}']
    assert [one["name"] for one in told["fields"]] == world.names[:2]
    assert {key for one in told["fields"] for key in one} == {"uuid", "name"}

    told = answers["acting"]
    for name in ("sync", "share", "unshare", "async"):
        assert told[name] == [200, None, "", "0"], name
    assert told["twice"] == [400, '["The calendar cannot be updated."]']
    assert told["unknown"] == [404, '{"detail":"No Offering matches the given query."}']
    assert told["forbidden"] == [403, '{"detail":"You do not have permission to perform this action."}']

    told = answers["signing in"]
    assert told["by password"] == told["bearer"] == 10
    assert told["wrong"] == [401, '{"detail":"Invalid token."}']
    # An answer to HEAD has no body.
    assert told["wrong count"] == [401, ""]
    assert make.PASSWORD not in str(told)

    told = answers["booking"]
    assert told["listed"] == [["UUID", "Visit 0", "Creating"], ["UUID", "Visit 1", "Creating"]]
    assert (told["count"], told["filtered"]) == (2, 0)
    assert told["one"] == ["Visit 0", "grace@example.org", 1, "datetime"]
    assert told["unknown"] == [404, '{"detail":"No Resource matches the given query."}']
    assert told["taken"] == [["Grace", "datetime"]] * 2
    assert told["acts"] == [200, 200]
    assert told["orders"] == [["order_uuid"]] * 2
    # Older versions take no answer from these calls.
    assert told["parsed"] == ("UUID" if version == "8.1.3" else "NoneType")
    assert told["again"] == [409, '{"detail":"Valid states for operation: Creating."}']
    assert told["after"] == ["OK", "Terminated"]

    check_what_has_everything(answers["retrieving"], version)
    for reader in ("staff", "stranger"):
        told = answers["retrieving nothing"][reader]
        assert told["uuid"] == world.empty
        assert told["name"] == world.names[-1]
        assert "googlecalendar" not in told
        assert ("backend_id" in told) is (reader == "staff")
    if version == "8.1.3":
        assert answers["everything"] == [world.names, world.names]


def check_what_has_everything(told, version):
    document = told["document"]
    paths = list(documented(FIELDS))
    assert len(paths) == TREE["counts"]["total_including_nested"]
    assert [path for path in paths if not values(document, path)] == []
    assert told["same"]
    assert set(told["cut"]) == {"uuid", "name"}
    assert told["types"] == {
        "uuid": "UUID",
        "created": "datetime",
        "state": "OfferingState",
        "country": "CountryEnum",
        "customer_uuid": "UUID",
        "attributes": "OfferingAttributes",
        "plans": "list",
        "latitude": "float",
    }
    # The first two know every key; 8.1.3 no longer knows the roles. What they do not know they keep all the same.
    own = [field["name"] for field in FIELDS if field.get("own")]
    assert told["additional"] == sorted(own + (["roles"] if version == "8.1.3" else []))
    assert told["unknown"] == [404, '{"detail":"No Offering matches the given query."}']
