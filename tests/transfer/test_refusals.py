"""A record is taken, or refused with the field and the reason; the others go in; nothing is half there."""

import copy
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from portal.documents.store import refresh_all
from portal.models import Base, Component, GoogleCalendar, Offering, Organization, Plan
from portal.schema.checks import InvalidValue
from portal.transfer.exporter import export_offerings
from portal.transfer.importer import BATCH, import_offerings
from portal.transfer.record import read_record
from tests.support.samples import another, bare, sample

Path = tuple[str | int, ...]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place of a document, from the top."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths(item, (*path, key))


PATHS = list(paths(sample()))


def changed(path: Path, value: Any = None, *, remove: bool = False) -> dict[str, Any]:
    found = sample()
    place: Any = found
    for key in path[:-1]:
        place = place[key]
    if remove:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return found


def assert_taken_or_explained(record: dict[str, Any], path: Path) -> None:
    """Read it; a refusal names the place that was changed, one above it, or one that depends on it."""
    wrong = refusal(record)
    if wrong is not None:
        assert wrong.reason
        assert wrong.field.replace("[", ".").split(".")[0] in (path[0], f"{path[0]}_uuid", ""), wrong.field


def refusal(record: dict[str, Any]) -> InvalidValue | None:
    try:
        read_record(record)
    except InvalidValue as wrong:
        return wrong
    return None


@pytest.mark.parametrize("value", [None, 5, -1.5, "text", True, [], {}, [None], {"a": None}, "\0", 10**30])
def test_any_value_anywhere_is_taken_or_explained(value: Any) -> None:
    for path in PATHS:
        assert_taken_or_explained(changed(path, copy.deepcopy(value)), path)


@given(st.sampled_from(PATHS), JSON)
def test_any_json_anywhere_is_taken_or_explained(path: Path, value: Any) -> None:
    assert_taken_or_explained(changed(path, value), path)


# Names, titles, types and units, wherever they are in the sample.
NAMES = [
    path
    for path in PATHS
    if path[-1] in {"name", "type", "slug", "version", "measured_unit", "article_code", "partition_name", "scope_name"}
    or str(path[-1]).endswith(("_name", "_title"))
    if path[0] not in {"attributes", "options", "resource_options", "plugin_options", "backend_metadata"}
]
# Those are not taken from there: the portal knows them, or they say what a reference refers to.
NOT_READ = {
    ("plans", "components", "name"),
    ("plans", "components", "measured_unit"),
    ("software_catalogs", "partition", "partition_name"),
}


def read_names():
    for path in NAMES:
        keys = tuple(key for key in path if isinstance(key, str))
        if keys not in NOT_READ and keys[-2:] != ("organization_groups", "parent_name"):
            yield path


@pytest.mark.parametrize(
    ("character", "reason"),
    [
        ("\0", "contains a NUL character, which cannot be stored"),
        ("\n", "contains a line break, and must be one line"),
        ("\x1b", "contains a control character (U+001B)"),
        ("\u202e", "contains a character that changes the direction of writing (U+202E)"),
    ],
)
def test_a_name_is_one_line(character: str, reason: str) -> None:
    tried = list(read_names())
    assert len(tried) > 30
    for path in tried:
        wrong = refusal(changed(path, f"Micro{character}scope"))
        assert wrong is not None, path
        assert wrong.reason == reason, path
    for key in ("prices", "quotas"):
        plan = sample()
        plan["plans"][0] = {"name": "Old", key: {f"core{character}": 1}}
        wrong = refusal(plan)
        assert wrong is not None
        assert wrong.reason == reason


LINKS = [
    ("access_url",),
    ("privacy_policy_link",),
    ("image",),
    ("thumbnail",),
    ("endpoints", 0, "url"),
    ("screenshots", 0, "image"),
    ("screenshots", 0, "thumbnail"),
    ("files", 0, "file"),
    ("scope",),
    ("compliance_checklist",),
]
DANGEROUS = [
    "javascript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "smb://host/share",
    "//evil.example/x",
    "/elsewhere/",
    "www.example.org",
    "https:",
    "https:///path",
    "https://user@evil.example/",
    "https://evil.example\\@portal.example/",
    "https://example.org/a b",
    "https://example.org/\u202e",
]


@pytest.mark.parametrize("link", DANGEROUS)
@pytest.mark.parametrize("path", LINKS, ids=lambda path: str(path[-1]))
def test_a_link_is_a_whole_address(path: Path, link: str) -> None:
    wrong = refusal(changed(path, link))
    assert wrong is not None
    assert wrong.reason.startswith("must be a whole address (")
    assert "\n" not in wrong.reason


def test_links_of_other_schemes_are_taken_where_they_make_sense() -> None:
    taken = {
        ("access_url",): ["mailto:lab@example.org", "http://example.org", ""],
        ("endpoints", 0, "url"): ["ssh://login.example.org", "rdp://host:3389", "sftp://host/", "mailto:a@b.example"],
        ("image",): ["https://example.org/a%20b.png?x=y#z", "/api/media/43f2cbe6-0d75-4180-b2c9-40516d8e9fa3/", None],
        ("files", 0, "file"): ["/api/media/relative/"],
    }
    for path, links in taken.items():
        for link in links:
            assert refusal(changed(path, link)) is None, link
    for path, link in ((("image",), "mailto:a@b.example"), (("access_url",), "ssh://host"), (("image",), "/api/a b")):
        assert refusal(changed(path, link)) is not None, link


def test_a_link_that_is_stored_already_is_answered_and_exported(db_session: Any) -> None:
    import_offerings([sample()])
    db_session.execute(update(Offering).values(access_url="javascript:alert(1)", image="//host/x"))
    refresh_all(db_session())
    db_session.commit()
    stream = io.BytesIO()
    export_offerings(stream)
    [record] = json.loads(stream.getvalue())
    assert (record["access_url"], record["image"]) == ("javascript:alert(1)", "//host/x")
    # What does not name it leaves it alone.
    del record["access_url"], record["image"]
    report = import_offerings([{**record, "name": "Another"}])
    assert (report.updated, report.failed) == (1, [])
    db_session.expire_all()
    assert db_session.execute(select(Offering.name, Offering.access_url)).one() == ("Another", "javascript:alert(1)")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"uuid": "6f1c2b7e0d544c3a9b8e1f2a3c4d5e6f", "name": "One", "name": "Two"}', "name"),
        ('{"uuid": "6f1c2b7e0d544c3a9b8e1f2a3c4d5e6f", "attributes": {"a": [{"b": 1, "\\u0062": 1}]}}', "b"),
    ],
)
def test_a_key_that_comes_twice_is_refused(db_session: Any, text: str, key: str) -> None:
    report = import_offerings(io.BytesIO(f"[{text}, {json.dumps(bare(name='Whole'))}]".encode()))
    assert report.created == 1
    [problem] = report.failed
    said = f"has the key “{key}” twice in one object: leave out one of them, at its source"
    assert said in str(problem)


@pytest.mark.sqlite_only
def test_any_key_may_be_missing_or_is_asked_for_by_name(db_session: Any) -> None:
    records = [(path, changed(path, remove=True)) for path in PATHS if len(path) <= 4]
    asked = set()
    for path, record in records:
        for problem in import_offerings([record]).failed:
            assert problem.field.replace("[", ".").split(".")[0] in (path[0], "plans", "software_catalogs"), path
            asked.add(problem.field)
    assert "uuid" in asked


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from(PATHS), JSON)
@example(("attributes",), {"\0": None})
def test_what_is_read_can_be_stored(db_session: Any, path: Path, value: Any) -> None:
    report = import_offerings([changed(path, value)])
    assert report.created + report.updated + report.unchanged + len(report.failed) == 1
    for problem in report.failed:
        assert "the database refused" not in problem.reason, problem


CASES = [
    (("endpoints",), [{"name": "x"}] * 2001, "endpoints"),
    (("attributes", "schedules"), [{}] * 2001, "attributes.schedules"),
    (("uuid",), "6f1c2b7e", "uuid"),
    (("name",), " ", "name"),
    (("name",), "x" * 256, "name"),
    (("description",), "a\0b", "description"),
    (("latitude",), Decimal("90.1"), "latitude"),
    (("longitude",), -181, "longitude"),
    (("shared",), "yes", "shared"),
    (("created",), "2025-03-14", "created"),
    (("created",), "2025-03-14T09:26:53", "created"),
    (("attributes",), [], "attributes"),
    (("attributes", "n"), 2**63, "attributes.n"),
    (("attributes", "n"), [{"k": "\0"}], "attributes.n[0].k"),
    (("attributes", "schedules"), None, "attributes.schedules"),
    (("attributes", "schedules", 1, "end"), None, "attributes.schedules[1].end"),
    (("attributes", "schedules", 0, "start"), "2031-02-29", "attributes.schedules[0].start"),
    (("attributes", "schedules", 0, "start"), "2031-09-01T05:00:00", "attributes.schedules[0].start"),
    (("options", "options", "sample_type", "label"), None, "options.options.sample_type.label"),
    (("components", 1, "type"), "beam_hours", "components[1].type"),
    (("components", 1, "uuid"), "11d0a9c4-8b53-4f6e-90a7-2e3f4a5b6c71", "components[1].uuid"),
    (("components", 0, "max_value"), 2**63, "components[0].max_value"),
    (("plans", 1, "components", 0, "price"), "1.00000000001", "plans[1].components[0].price"),
    (("plans", 1, "components", 0, "price"), "1000000000000", "plans[1].components[0].price"),
    (("plans", 1, "components", 0, "price"), "NaN", "plans[1].components[0].price"),
    (("plans", 1, "components", 0, "type"), "unknown", "plans[1].components[0].type"),
    (("plans", 0, "organization_groups", 0, "uuid"), None, "plans[0].organization_groups[0].uuid"),
    (("software_catalogs", 0, "catalog"), None, "software_catalogs[0].catalog"),
    (("software_catalogs", 0, "partition", "uuid"), "0" * 32, "software_catalogs[0].partition.uuid"),
    (("screenshots", 0, "created"), None, "screenshots[0].created"),
    (("category_uuid",), "nonsense", "category_uuid"),
    (("googlecalendar", "public"), "yes", "googlecalendar.public"),
    (("googlecalendar", "backend_id"), None, "googlecalendar.public"),
    (("parent_uuid",), "6f1c2b7e0d544c3a9b8e1f2a3c4d5e6f", "parent_uuid"),
]


@pytest.mark.parametrize(("path", "value", "field"), CASES)
def test_the_reason_names_the_field_and_nothing_is_written(db_session: Any, path: Path, value: Any, field: str) -> None:
    report = import_offerings([bare(name="before"), changed(path, value), bare(name="after")])
    assert [(it.position, it.field) for it in report.failed] == [(2, field)]
    assert report.failed[0].reason
    assert report.created == 2
    assert db_session.scalar(select(func.count()).select_from(Offering)) == 2
    assert db_session.scalar(select(func.count()).select_from(Component)) == 0
    assert db_session.scalar(select(func.count()).select_from(Organization)) == 0


@pytest.mark.parametrize("key", ["endpoints", "software_catalogs", "partitions", "roles", "components", "plans"])
@pytest.mark.parametrize("together", [False, True])
def test_a_nested_uuid_of_another_offering_is_refused_and_stays_where_it_is(
    db_session: Any, key: str, together: bool
) -> None:
    # Outside a family: see test_shared_parts.py.
    owner, thief = another(1), another(2) | {"parent_uuid": None}
    thief[key][0]["uuid"] = owner[key][0]["uuid"]
    if key == "partitions":
        thief["software_catalogs"] = []
    if together:
        report = import_offerings([owner, thief])
    else:
        import_offerings([owner])
        report = import_offerings([thief])
    assert [it.field for it in report.failed] == [f"{key}[0].uuid"]
    assert owner["uuid"] in report.failed[0].reason
    assert import_offerings([owner]).unchanged == 1


def test_a_nested_uuid_that_was_given_up_may_be_taken(db_session: Any) -> None:
    before, after = another(1), another(2)
    import_offerings([before])
    after["roles"][0]["uuid"] = before["roles"][0]["uuid"]
    report = import_offerings([before | {"roles": []}, after])
    assert (report.created, report.updated, report.failed) == (1, 1, [])


def test_what_a_record_does_not_say_stays(db_session: Any) -> None:
    import_offerings([sample()])
    partial = {"uuid": sample()["uuid"], "description": "new", "plans": [{"uuid": sample()["plans"][1]["uuid"]}]}
    assert import_offerings([partial]).updated == 1
    offering = db_session.scalars(select(Offering)).one()
    assert (offering.description, offering.slug, len(offering.components)) == ("new", "krios-g4-cryo-em", 5)
    plan = db_session.scalars(select(Plan)).one()
    assert (plan.name, [it.price for it in plan.components]) == ("Industry", [Decimal(420)])


def test_an_older_waldurs_plan_gets_its_components_from_its_tables(db_session: Any) -> None:
    record = sample()
    for plan in record["plans"]:
        plan["components"] = []
    record["plans"][0]["prices"]["beam_hours"] = "95.5"
    import_offerings([record])
    plan = db_session.scalars(select(Plan).where(Plan.name == "Academic")).one()
    found = {it.component.type: (it.price, it.future_price, it.amount) for it in plan.components}
    assert found["beam_hours"] == (Decimal("95.5"), Decimal("99.5"), 0)
    assert found["operator"] == (Decimal(180), None, 1)
    del record["plans"][1]["components"]
    record["plans"][1]["quotas"] = {"unknown": 1}
    assert import_offerings([record]).failed[0].field == "plans[1].quotas.unknown"


def test_components_may_exchange_their_types(db_session: Any) -> None:
    record = sample()
    import_offerings([record])
    first, second = record["components"][0], record["components"][1]
    first["type"], second["type"] = second["type"], first["type"]
    assert import_offerings([record]).updated == 1
    assert import_offerings([record]).unchanged == 1


def test_an_imported_calendar_is_kept_with_nothing_pending(db_session: Any) -> None:
    import_offerings([sample()])
    calendar = db_session.scalars(select(GoogleCalendar)).one()
    assert (calendar.backend_id, calendar.public, calendar.want_public) == (
        "c_4f1de7a0b2@group.calendar.google.com",
        True,
        True,
    )
    assert (calendar.state, calendar.wanted, calendar.done) == ("OK", 0, 0)
    other = sample() | {"googlecalendar": {"backend_id": "other@group.calendar.google.com", "public": False}}
    assert import_offerings([sample() | {"googlecalendar": None}]).unchanged == 1
    assert import_offerings([other]).updated == 1
    db_session.refresh(calendar)
    assert (calendar.backend_id, calendar.public) == ("other@group.calendar.google.com", False)
    # Once somebody acted on it here, it is this portal's.
    calendar.wanted = calendar.done = 1
    db_session.commit()
    assert import_offerings([sample()]).unchanged == 1


def test_a_new_name_reaches_the_calendar_that_is_in_use(db_session: Any) -> None:
    import_offerings([sample()])
    calendar = db_session.scalars(select(GoogleCalendar)).one()
    import_offerings([sample() | {"name": "Another name"}])
    db_session.refresh(calendar)
    assert calendar.changes == 0, "nothing is called for a calendar that nobody acted on here"
    calendar.wanted = calendar.done = 1
    db_session.commit()
    import_offerings([sample() | {"name": "A third name"}])
    db_session.refresh(calendar)
    assert calendar.changes == 1


def test_counts_from_elsewhere_and_bookings_here_add_up_once(db_session: Any) -> None:
    record = sample() | {"url": f"http://127.0.0.1:8000/api/booking-offerings/{sample()['uuid']}/"}
    record["plans"][0] |= {"is_active": False}
    import_offerings([record])
    plan = db_session.scalars(select(Plan).where(Plan.name == "Academic")).one()
    assert (plan.resources_elsewhere, plan.active_elsewhere) == (11, 20)
    assert import_offerings([record]).unchanged == 1


def test_one_bad_record_in_a_large_batch_spoils_nothing(db_session: Any) -> None:
    records = [bare(name=f"{number}") for number in range(BATCH + 30)]
    records[7] |= {"shared": "nonsense"}
    records[BATCH + 3] = "no record"  # type: ignore[call-overload]  # wrong on purpose
    seen: list[int] = []
    report = import_offerings(records, on_progress=seen.append)
    assert report.created == len(records) - 2
    assert [it.position for it in report.failed] == [8, BATCH + 4]
    assert seen[-1] == len(records)
    assert seen == sorted(seen)


def test_what_only_the_database_refuses_is_reported_alone(db_session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.transfer.apply.write_scopes", _refuse_one)
    report = import_offerings([bare(name="good"), bare(name="bad"), bare(name="fine")])
    assert [(it.position, it.name) for it in report.failed] == [(2, "bad")]
    assert sorted(db_session.scalars(select(Offering.name))) == ["fine", "good"]


def _refuse_one(session: Any, works: list[Any]) -> None:
    if any(work.record.name == "bad" for work in works):
        session.connection().execute(Base.metadata.tables["offering_scopes"].insert(), {"offering_id": -1})
        session.connection().exec_driver_sql("select no_such_column")


def test_a_dry_run_says_the_same_and_writes_nothing(db_session: Any) -> None:
    import_offerings([sample()])
    db_session.commit()
    records = [sample() | {"slug": "new"}, another(1), another(2) | {"shared": "yes"}]
    dry = import_offerings(copy.deepcopy(records), dry_run=True)
    assert db_session.scalars(select(Offering.slug)).all() == ["krios-g4-cryo-em"]
    wet = import_offerings(records)
    assert (dry.created, dry.updated, len(dry.failed)) == (wet.created, wet.updated, len(wet.failed)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("text", "created", "reason"),
    [
        (b"", 0, "empty"),
        (b"  \n", 0, "empty"),
        (b"<!doctype html><p>Sign in", 0, "web page"),
        (b"uuid,name\n1,2", 0, "not JSON"),
        (b'[{"uuid": NaN}]', 0, "not valid JSON"),
        (b"GOOD, {", 1, "not valid JSON"),
        (b"GOOD] trailing", 1, "not valid JSON"),
        (b'GOOD, "\xff"]', 1, "not valid JSON"),
    ],
)
def test_input_that_is_no_json_says_where_it_ends(db_session: Any, text: bytes, created: int, reason: str) -> None:
    good = b"[" + json.dumps(bare()).encode()
    report = import_offerings(io.BytesIO(text.replace(b"GOOD", good)))
    assert report.created == created
    assert reason in report.failed[0].reason


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b" \n\t", b""])
def test_one_offering_or_an_array_with_or_without_a_mark(db_session: Any, prefix: bytes) -> None:
    assert import_offerings(io.BytesIO(prefix + json.dumps(bare()).encode())).created == 1
    assert import_offerings(io.BytesIO(prefix + json.dumps([bare()]).encode())).created == 1
