"""What goes in comes out: byte by byte, into an empty database and again into the same one."""

import io
import json
import random
import uuid
from typing import Any

import pytest

from portal.extensions import db
from portal.models import Base
from portal.transfer.exporter import export_offerings
from portal.transfer.importer import import_offerings
from tests.support.samples import another, bare, child_of, emptied, sample


def exported() -> bytes:
    stream = io.BytesIO()
    export_offerings(stream)
    return stream.getvalue()


def records() -> list[dict[str, Any]]:
    """The sample, some like it, one with nothing, and families whose children come first."""
    odd = bare(
        name='Ünïcödé " \\ </script> \u200d',
        attributes={"z": 1, "a": [1, 1.0, True, -0.0, 1e300, None, {"b": {}}], "schedules": []},
        latitude=-0.0,
        description="<script>alert(1)</script> \x01 \x02 \u2028 \u202e",
        screenshots=[
            {"name": "no uuid", "image": "https://example.org/a%20b.png", "created": "2025-01-01T00:00:00+02:00"}
        ],
        files=[{"name": "f", "created": "2025-01-01T00:00:00.5Z", "file": "/api/media/relative/"}],
        endpoints=[{"name": "b"}, {"name": "a"}],
        backend_metadata=None,
        googlecalendar={"backend_id": None, "public": False, "http_link": None},
    )
    old = another(7)
    for plan in old["plans"]:
        del plan["components"]
    child = bare(name="A child", parent_uuid=sample()["uuid"], parent_name="stale", plugin_options={"a": 1})
    twin = child_of(another(2))
    future = bare(name="Future", tags=[{"name": "x"}], helpdesk_url="https://example.org/", profile_uuid=None)
    orphan = bare(name="An orphan", parent_uuid="5403dcf7-1e86-4291-83da-51627e9fa0b4", parent_name="Nobody here")
    return [
        child,
        twin,
        future,
        sample(),
        *(another(number) for number in range(3)),
        old,
        odd,
        orphan,
        bare(name="Nothing"),
    ]


def test_an_export_into_an_empty_portal_exports_the_same_bytes(db_session: Any) -> None:
    report = import_offerings(records())
    assert report.failed == []
    first = exported()
    emptied(db_session)
    assert json.loads(exported()) == []
    report = import_offerings(io.BytesIO(first))
    assert (report.created, report.failed) == (len(records()), [])
    assert exported() == first


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_records_does_not_matter(db_session: Any, seed: int) -> None:
    import_offerings(records())
    first = exported()
    emptied(db_session)
    shuffled = json.loads(first)
    random.Random(seed).shuffle(shuffled)
    import_offerings(shuffled)
    assert exported() == first


def test_the_same_again_changes_nothing(db_session: Any) -> None:
    given = records()
    import_offerings(given)
    first = exported()
    assert import_offerings(given).unchanged == len(given)
    report = import_offerings(io.BytesIO(first))
    assert (report.created, report.failed) == (0, [])
    assert exported() == first
    assert import_offerings(io.BytesIO(first)).unchanged == len(given)


def test_another_component_of_the_same_type_has_the_prices_of_the_record(db_session: Any) -> None:
    assert not import_offerings([sample()]).failed
    renewed = sample()
    for component in renewed["components"]:
        component["uuid"] = str(uuid.uuid4())
    assert not import_offerings([renewed]).failed
    (after,) = json.loads(exported())
    prices = [[(it["type"], it["price"], it["amount"]) for it in plan["components"]] for plan in after["plans"]]
    assert prices == [
        [(it["type"], it["price"], it["amount"]) for it in plan["components"]] for plan in renewed["plans"]
    ]
    assert {it["uuid"] for it in after["components"]} == {it["uuid"] for it in renewed["components"]}


def test_hex_and_dashed_uuids_are_the_same(db_session: Any) -> None:
    import_offerings([sample()])
    first = exported()
    text = json.dumps(sample())
    for one in {it["uuid"] for key in ("plans", "components", "roles") for it in sample()[key]} | {sample()["uuid"]}:
        text = text.replace(f'"{one}"', f'"{one.replace("-", "").upper()}"')
    assert import_offerings(io.BytesIO(text.encode())).unchanged == 1
    assert exported() == first


def test_a_file_of_this_portal_is_kept_without_its_host(db_session: Any, app: Any) -> None:
    from_here = "http://127.0.0.1:8000/api/media/bb7a436e-85fd-4908-9a41-c8d9e506172b/"
    unknown = "http://127.0.0.1:8000/api/media/00000000-85fd-4908-9a41-c8d9e506172b/"
    db.session.execute(
        Base.metadata.tables["media"].insert(),
        {
            "uuid": uuid.UUID("bb7a436e-85fd-4908-9a41-c8d9e506172b"),
            "name": "",
            "content_type": "image/png",
            "size": 1,
            "digest": "",
        },
    )
    import_offerings([bare(image=from_here, thumbnail=unknown)])
    found = db.session.execute(db.text("select image, thumbnail from offerings")).one()
    assert tuple(found) == ("/api/media/bb7a436e-85fd-4908-9a41-c8d9e506172b/", unknown)
