"""The stamp moves with whatever changes what readers are shown, and with nothing else; what is remembered is exact."""

import threading
from array import array
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update

from portal.domain.memory import Memory
from portal.extensions import db, reading, transaction
from portal.models import (
    CatalogueChange,
    Membership,
    Offering,
    OfferingDocument,
    Plan,
    Project,
    User,
    offering_organization_groups,
    organization_group_members,
    plan_organization_groups,
)
from portal.queries import stamp
from portal.queries.catalogue import FACETS, Shelf
from portal.transfer.importer import import_offerings
from tests.support import builders

KIND = UUID(int=7)


@pytest.fixture
def world(db_session):
    group = builders.group()
    offering = builders.offering("Microscope")
    plan = builders.plan(offering)
    project = builders.add(Project(name="Project"))
    db.session.commit()
    made = {"group": group, "offering": offering, "plan": plan, "project": project}
    return {"organization": offering.organization_id, **{name: it.id for name, it in made.items()}}


def document(world):
    return update(OfferingDocument).where(OfferingDocument.offering_id == world["offering"]).values(digest="x")


def role(world):
    user = builders.user()
    return Membership.__table__.insert().values(
        user_id=user.id, organization_id=world["organization"], role="member", created=user.created
    )


def shown(**values):
    return lambda world: update(Offering).where(Offering.id == world["offering"]).values(**values)


CHANGES = {
    "an offering's state": shown(state="Draft"),
    "who an offering is for": shown(shared=False),
    "whose an offering is": shown(organization_id=None),
    "a document": document,
    "a document that goes": lambda world: delete(OfferingDocument).where(
        OfferingDocument.offering_id == world["offering"]
    ),
    "a role": role,
    "an organization in a group": lambda world: organization_group_members.insert().values(
        organization_id=world["organization"], group_id=world["group"]
    ),
    "an offering for a group": lambda world: offering_organization_groups.insert().values(
        offering_id=world["offering"], group_id=world["group"], position=0
    ),
    "whose a project is": lambda world: (
        update(Project).where(Project.id == world["project"]).values(organization_id=world["organization"])
    ),
    "a plan for a group": lambda world: plan_organization_groups.insert().values(
        plan_id=world["plan"], group_id=world["group"], position=0
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_readers_are_shown_moves_it(world, what):
    change = CHANGES[what](world)
    db.session.commit()
    before = stamp.present_stamp()
    assert stamp.present_stamp() == before
    with transaction() as session:
        session.execute(change)
    assert stamp.present_stamp() != before


def test_what_nobody_is_shown_leaves_it_alone(world):
    before = stamp.present_stamp()
    with transaction() as session:
        session.execute(update(User).values(mail_off=[]))
        session.execute(update(Plan).values(name="Other"))
        session.execute(update(Offering).values(slug="other"))
    assert stamp.present_stamp() == before


def test_many_changes_are_thinned_out_and_the_stamp_still_moves(world):
    seen = {stamp.present_stamp()}
    for _number in range(stamp.MANY_CHANGES + 10):
        with transaction() as session:
            session.execute(document(world))
        seen.add(stamp.present_stamp())
    assert len(seen) == stamp.MANY_CHANGES + 11, "it never takes a value again"
    stamp.thin_out()
    assert stamp.present_stamp() not in seen or db.engine.dialect.name == "sqlite"
    db.session.expire_all()
    assert len(db.session.execute(select(CatalogueChange.id)).all()) == 1
    with transaction() as session:
        session.execute(document(world))
    assert stamp.present_stamp() not in seen


def rows_of_changes():
    return len(db.session.execute(select(CatalogueChange.id)).all())


@pytest.mark.postgresql_only
def test_many_documents_are_one_change(live_database):
    """Each reader counts the rows: an import of thousands would leave thousands until the worker comes."""
    with live_database.app.app_context():
        before, seen = rows_of_changes(), stamp.present_stamp()
        records = [{"uuid": str(uuid4()), "name": f"{it}", "category_uuid": str(KIND)} for it in range(30)]
        assert import_offerings(records).created == 30
        assert rows_of_changes() == before + 1
        assert import_offerings([it | {"description": "Other"} for it in records]).updated == 30
        assert rows_of_changes() == before + 2
        assert stamp.present_stamp() != seen


@pytest.mark.postgresql_only
def test_what_follows_many_documents_or_an_error_is_noted_by_itself(world):
    before = rows_of_changes()

    def fail(session):
        session.execute(document(world))
        raise KeyError

    with transaction() as session:
        with pytest.raises(KeyError), session.begin_nested(), stamp.noted_once(session):
            fail(session)
        assert rows_of_changes() == before
        session.execute(document(world))
        assert rows_of_changes() == before + 1
        with stamp.noted_once(session):
            for _again in range(3):
                session.execute(document(world))
        assert rows_of_changes() == before + 2
        session.execute(document(world))
        assert rows_of_changes() == before + 3


def test_nothing_older_than_the_stamp_is_read_after_it(live_database):
    """A snapshot that a request had begun before would be remembered under a stamp that it does not have."""
    app = live_database.app
    with app.app_context():
        offering = builders.offering("Before")
        db.session.commit()
        key = offering.id

    def rename():
        with app.app_context(), transaction() as session:
            session.execute(update(OfferingDocument).where(OfferingDocument.offering_id == key).values(digest="after"))

    with app.app_context(), reading():
        digest = select(OfferingDocument.digest).where(OfferingDocument.offering_id == key)
        first = db.session.execute(digest).scalar_one()
        writer = threading.Thread(target=rename)
        writer.start()
        writer.join()
        stamp.present_stamp()
        assert first != "after"
        assert db.session.execute(digest).scalar_one() == "after"


class TestMemory:
    def test_it_forgets_under_another_stamp(self):
        memory = Memory()
        memory.put((1, 1), "key", "value", 10)
        assert memory.get((1, 1), "key") == "value"
        assert memory.get((1, 2), "key") is None
        memory.put((1, 2), "other", "value", 10)
        assert memory.get((1, 1), "key") is None
        assert memory.get((1, 2), "key") is None

    def test_it_holds_until_its_time_is_over(self):
        memory = Memory()
        memory.put((1, 1), "key", "value", 10, until=100.0)
        assert memory.get((1, 1), "key", 99.9) == "value"
        assert memory.get((1, 1), "key", 100.0) is None

    def test_it_keeps_to_its_limit_and_drops_what_was_asked_for_longest_ago(self):
        memory = Memory(limit=20_000)
        for number in range(4):
            memory.put((1, 1), number, number, 3_800)
        assert memory.get((1, 1), 0) == 0
        memory.put((1, 1), 4, 4, 3_800)
        assert [memory.get((1, 1), number) for number in range(5)] == [0, None, 2, 3, 4]
        memory.put((1, 1), "too large", 1, 11_000)
        assert memory.get((1, 1), "too large") is None
        memory.put((1, 1), "asked for at length" * 600, 1, 10)
        assert memory.get((1, 1), "asked for at length" * 600) is None, "what it is asked for by counts, too"
        for _again in range(50):
            memory.put((1, 1), 0, 0, 3_800)
        assert [memory.get((1, 1), number) for number in range(5)] == [0, None, 2, 3, 4]

    def test_the_order_of_a_hundred_thousand_fits_whatever_they_are(self):
        ids, many = array("i", range(100_000)), array("H", [1]) * 100_000
        labels = {"organization": {key: (str(key), "name") for key in range(2_500)}}
        # As many clocks as offerings: nobody's hours are like anybody's.
        shelf = Shelf(ids, dict.fromkeys(FACETS, many), labels, ids, ids)
        memory = Memory()
        memory.put((1, 1), "shelf", shelf, shelf.size)
        assert memory.get((1, 1), "shelf") is shelf
