"""The migrations create the schema of the models, on both databases."""

from pathlib import Path

import orjson
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text

from portal.documents import store as documents
from portal.extensions import db
from portal.models import (
    Base,
    Booking,
    Offering,
    OfferingCounter,
    OfferingDocument,
    Plan,
    PlanCounter,
    Screenshot,
    media_uses,
)
from portal.transfer.importer import import_offerings
from tests.support import builders as make
from tests.support.samples import another, bare

WATCHED = (
    "offering_documents",
    "memberships",
    "offering_organization_groups",
    "organization_group_members",
    "plan_organization_groups",
)
ACTS = ("INSERT", "UPDATE", "DELETE")
ROOT = Path(__file__).resolve().parents[2]


def is_modelled(name, kind, _parents):
    """The full-text index is no model: on SQLite it is a virtual table with tables of its own."""
    return kind != "table" or not name.startswith("offering_search")


def differences(connection) -> list:
    options = {"compare_type": True, "compare_server_default": False, "include_name": is_modelled}
    context = MigrationContext.configure(connection, opts=options)
    return compare_metadata(context, Base.metadata)


def test_migrated_schema_equals_the_models(app):
    with app.app_context():
        assert differences(db.session.connection()) == []


def test_a_difference_is_found(live_database):
    with live_database.app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE forgotten (id INTEGER PRIMARY KEY)")
        [(kind, table)] = differences(connection)
    assert (kind, table.name) == ("remove_table", "forgotten")


def test_migrations_have_one_head():
    configuration = Config()
    configuration.set_main_option("script_location", str(ROOT / "migrations"))
    assert len(ScriptDirectory.from_config(configuration).get_heads()) == 1


def test_downgrade_to_nothing_and_up_again(live_database):
    with live_database.app.app_context():
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        upgrade()
        with db.engine.connect() as connection:
            assert differences(connection) == []


def test_what_is_there_already_gets_its_clock(live_database):
    with live_database.app.app_context():
        kinds = (
            {},
            {"schedules": None},
            {"schedules": [1, {}]},
            {"schedules": make.schedule(), "booking_rules": {"ü": 1.5}},
        )
        for number, attributes in enumerate(kinds):
            make.offering(f"Thing {number}", attributes=attributes)
        clocks = select(OfferingDocument.offering_id, OfferingDocument.schedule_hash)
        before = dict(db.session.execute(clocks).all())
        db.session.remove()
        downgrade(revision="0008")
        upgrade()
        assert dict(db.session.execute(clocks).all()) == before
        assert len(set(before.values())) == 3


def test_what_is_there_already_gets_its_document_and_its_counters(live_database):
    with live_database.app.app_context():
        import_offerings([another(1) | {"order_count": 7}, bare()])
        offering = db.session.scalars(select(Offering).join(Plan)).first()
        plan = offering.plans[0]
        for number, state in enumerate(("requested", "confirmed", "cancelled")):
            make.add(Booking(offering_id=offering.id, plan_id=None if number else plan.id, state=state))
        make.add(Booking(offering_id=offering.id, plan_id=plan.id, state="rejected"))
        documents = select(OfferingDocument.offering_id, OfferingDocument.document)
        before, counts = dict(db.session.execute(documents).all()), counters()
        assert counts == ({offering.id: 4}, {plan.id: (2, 1)})
        bodies = {key: as_the_version_before_wrote_it(document) for key, document in before.items()}
        db.session.remove()
        downgrade(revision="0019")
        body = text('UPDATE offering_documents SET "full" = :full WHERE offering_id = :id')
        db.session.execute(body, [{"id": key, "full": full} for key, full in bodies.items()])
        db.session.commit()
        upgrade()
        assert dict(db.session.execute(documents).all()) == before
        assert counters() == counts


def counters():
    of_offerings = {row.offering_id: row.bookings for row in db.session.scalars(select(OfferingCounter))}
    return of_offerings, {row.plan_id: (row.bookings, row.holding) for row in db.session.scalars(select(PlanCounter))}


def as_the_version_before_wrote_it(document):
    """The body that it kept, for an offering with four bookings: counts are in it."""
    found = orjson.loads(document.replace(b"\x01", b"<1>").replace(b"\x02", b"<2>"))
    found["order_count"] += 4
    for plan in found["plans"]:
        plan["resources_count"] += 2
        plan["is_active"] = True
    return orjson.dumps(found).replace(b"<1>", b"\x01").replace(b"<2>", b"\x02")


def test_media_that_offerings_name_already_are_found(live_database):
    with live_database.app.app_context():
        links = [f"/api/media/{make.unknown()}/" for _ in range(4)]
        offering = make.offering("Thing", image=links[0], attributes={"guide": [links[1]]}, full_description=links[2])
        make.add(Screenshot(offering_id=offering.id, image=links[3], thumbnail=links[3]))
        make.offering("Without any")
        documents.refresh(db.session(), [offering.id])
        db.session.commit()
        uses = select(media_uses)
        before = set(db.session.execute(uses))
        assert {(offering_id, f"/api/media/{uuid}/") for offering_id, uuid in before} == {
            (offering.id, link) for link in links
        }
        db.session.remove()
        downgrade(revision="0020")
        upgrade()
        assert set(db.session.execute(uses)) == before


@pytest.mark.sqlite_only
def test_triggers_outlive_the_migrations(live_database):
    # Rebuilding a table on SQLite drops its triggers without a word.
    with live_database.app.app_context(), db.engine.connect() as connection:
        found = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    declared = {f"{table}_changed_{act}" for table in WATCHED for act in ACTS} | {
        word.strip('"')
        for file in (ROOT / "migrations" / "versions").glob("*.py")
        for before, word, *_ in statements_after(file.read_text(encoding="utf-8"), "CREATE TRIGGER")
        if "{" not in word
    }
    assert declared <= found


def statements_after(source: str, start: str):
    for part in source.split(start)[1:]:
        yield start, *part.split()
