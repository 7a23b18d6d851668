"""A stored document is always what a document built afresh would be, whatever was written and by whichever way."""

import itertools
from dataclasses import asdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.documents import store
from portal.documents.build import build
from portal.documents.rows import load
from portal.models import (
    Category,
    Offering,
    OfferingDocument,
    Organization,
    OrganizationGroup,
    Project,
    SoftwareCatalog,
)
from portal.transfer.importer import import_offerings
from tests.support import builders
from tests.support.samples import another, bare, emptied

RECORDS = [another(number) for number in range(3)]
CHILD = bare(name="Child", parent_uuid=RECORDS[0]["uuid"], parent_name="not yet")


def assert_fresh(session: Session) -> None:
    """Every offering has a document, and it is the one that would be built now."""
    ids = list(session.scalars(select(Offering.id)))
    stored = {row.offering_id: row for row in session.scalars(select(OfferingDocument))}
    assert sorted(stored) == sorted(ids)
    for prepared in build(load(session, ids)):
        row = stored[prepared.offering_id]
        for name, value in asdict(prepared).items():
            assert getattr(row, name) == value, name


def changed_record(draw: Any, record: dict[str, Any]) -> dict[str, Any]:
    """The record, changed somewhere, as another portal might have it next week."""
    found = dict(record)
    for key in draw(st.lists(st.sampled_from(sorted(found)), max_size=6)):
        if key not in ("uuid", "name", "category_uuid", "plans", "components", "partitions"):
            found.pop(key, None)
    found |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "customer_name": st.sampled_from(["One institute", "Another institute"]),
                "category_title": st.sampled_from(["Rooms", "Instruments"]),
                "state": st.sampled_from(["Draft", "Active"]),
                "plans": st.just(found.get("plans", [])[:1]),
                "organization_groups": st.just(found.get("organization_groups", [])[1:]),
                "plugin_options": st.dictionaries(st.sampled_from("ab"), st.integers(0, 3)),
                "name": st.sampled_from(["A name", "Another name"]),
                "order_count": st.integers(0, 99),
                "parent_uuid": st.sampled_from([None, RECORDS[1]["uuid"]]),
            },
        )
    )
    return found


def rename_shared(session: Session, model: Any, noun: str, column: str, name: str) -> None:
    for row in session.scalars(select(model)):
        setattr(row, column, name)
        store.refresh_for(session, **{noun: [row.id]})
    session.commit()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_no_write_leaves_a_stale_document(db_session: Any, data: st.DataObject) -> None:
    names = (f"name {number}" for number in itertools.count())
    shared = {
        "organizations": (Organization, "name"),
        "categories": (Category, "title"),
        "groups": (OrganizationGroup, "name"),
        "projects": (Project, "name"),
        "catalogs": (SoftwareCatalog, "name"),
    }
    emptied(db_session)
    for _ in range(data.draw(st.integers(1, 5))):
        what = data.draw(st.sampled_from(["import", "import", "import", *shared]))
        if what == "import":
            some = data.draw(st.lists(st.sampled_from([*RECORDS, CHILD]), min_size=1, max_size=4))
            records = [changed_record(data.draw, it) if it["uuid"] != RECORDS[1]["uuid"] else dict(it) for it in some]
            for record in records:
                if record.get("parent_uuid") == record["uuid"]:
                    record["parent_uuid"] = None
            report = import_offerings(records)
            assert report.failed == []
        else:
            model, column = shared[what]
            rename_shared(db_session(), model, what, column, next(names))
        db_session.expire_all()
        assert_fresh(db_session())


def test_a_clock_is_written_where_the_bodies_stay_as_they_are(db_session: Any) -> None:
    offering = builders.offering(attributes={})
    assert_fresh(db_session())
    offering.attributes = {"schedules": []}
    assert store.refresh(db_session(), [offering.id]) == 1
    assert_fresh(db_session())


def test_members_of_a_group_are_counted(db_session: Any) -> None:
    import_offerings([RECORDS[0] | {"organization_groups": [{"uuid": str(builders.unknown()), "name": "New"}]}])
    group = db_session.scalars(select(OrganizationGroup).where(OrganizationGroup.name == "New")).one()
    builders.organization("Member", (group,))
    assert store.refresh_for(db_session(), groups=[group.id]) == 1
    assert store.refresh_for(db_session(), groups=[group.id]) == 0
    assert_fresh(db_session())


def test_a_parents_new_name_and_options_reach_its_children(db_session: Any) -> None:
    import_offerings([CHILD, RECORDS[0]])
    parent = db_session.scalars(select(Offering).where(Offering.name == RECORDS[0]["name"])).one()
    parent.name, parent.plugin_options = "Renamed", {"new": 1}
    assert store.refresh(db_session(), [parent.id]) == 1
    assert store.refresh_for(db_session(), parents=[parent.id]) == 1
    assert_fresh(db_session())
    document = db_session.scalars(select(OfferingDocument).where(OfferingDocument.inherited.is_not(None))).one()
    assert b'"parent_name":"Renamed"' in document.document
    assert document.inherited == b'{"new":1}'
