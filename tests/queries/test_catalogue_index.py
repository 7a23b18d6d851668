"""The catalogue index notices every change, of whichever process, and then equals one that is loaded afresh."""

import random
import threading

import pytest
from sqlalchemy import delete, select, update

from portal.app import load_catalogue
from portal.documents import store as documents
from portal.domain.catalogue_index import FACETS, CatalogueIndex
from portal.extensions import catalogue_index, db, reading, transaction
from portal.models import (
    CatalogueChange,
    Membership,
    Offering,
    OfferingDocument,
    Organization,
    Plan,
    Project,
    User,
    offering_organization_groups,
    organization_group_members,
    plan_organization_groups,
)
from portal.policies import ANONYMOUS, SYSTEM, visible_offerings
from portal.queries import catalogue_index as queries
from portal.queries.catalogue import Search, browse
from portal.queries.catalogue_index import current_index, load_index, prune_changes, visible_ids
from tests.support import builders


@pytest.fixture
def rows(db_session):
    group = builders.group()
    offering = builders.offering("Microscope")
    plan = builders.plan(offering)
    project = builders.add(Project(name="Project"))
    made = {"group": group, "offering": offering, "plan": plan, "project": project}
    return {"organization": offering.organization_id, **{name: it.id for name, it in made.items()}}


def document(rows):
    return update(OfferingDocument).where(OfferingDocument.offering_id == rows["offering"]).values(digest="x")


def role(rows):
    user = builders.user()
    return Membership.__table__.insert().values(
        user_id=user.id, organization_id=rows["organization"], role="member", created=user.created
    )


def shown(**values):
    return lambda rows: update(Offering).where(Offering.id == rows["offering"]).values(**values)


CHANGES = {
    "an offering's state": shown(state="Draft"),
    "whether an offering is shared": shown(shared=False),
    "an offering's organization": shown(organization_id=None),
    "an offering's country": shown(country="FI"),
    "a document": document,
    "a deleted document": lambda rows: delete(OfferingDocument).where(OfferingDocument.offering_id == rows["offering"]),
    "an offering for a group": lambda rows: offering_organization_groups.insert().values(
        offering_id=rows["offering"], group_id=rows["group"], position=0
    ),
}
ACCESS = {
    "a role": role,
    "an organization in a group": lambda rows: organization_group_members.insert().values(
        organization_id=rows["organization"], group_id=rows["group"]
    ),
    "a project's organization": lambda rows: (
        update(Project).where(Project.id == rows["project"]).values(organization_id=rows["organization"])
    ),
    "a plan for a group": lambda rows: plan_organization_groups.insert().values(
        plan_id=rows["plan"], group_id=rows["group"], position=0
    ),
}


def execute(statement):
    with transaction() as session:
        session.execute(statement)


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_an_offering_is_noted_for_that_offering(rows, what):
    other = builders.offering("Other").id
    index = current_index()
    generation, access = index.generation, index.access_generation
    execute(CHANGES[what](rows))
    current_index()
    assert index.changed[rows["offering"]] == index.generation > generation
    assert index.changed[other] <= generation
    assert index.access_generation == access


def test_a_change_of_a_parent_is_one_of_its_children(rows):
    child = builders.offering("Child", parent_id=rows["offering"]).id
    index = current_index()
    generation = index.generation
    execute(shown(state="Draft")(rows))
    current_index()
    assert index.changed[child] == index.generation > generation
    assert names(index) == names(fresh())


@pytest.mark.parametrize("what", ACCESS)
def test_a_change_of_roles_and_groups_is_noted(rows, what):
    statement = ACCESS[what](rows)
    db.session.commit()
    index = current_index()
    generation = index.generation
    execute(statement)
    current_index()
    assert index.access_generation > generation


def test_other_changes_are_not_noted(rows):
    index = current_index()
    generation = index.generation
    with transaction() as session:
        session.execute(update(User).values(mail_off=[]))
        session.execute(update(Plan).values(name="Other"))
        session.execute(update(Offering).values(slug="other"))
    assert current_index().generation == generation


def names(index):
    """What an index says, in words: comparable between two of them."""

    def label(facet, offering_id):
        return index.labels[facet].get(index.columns[facet][offering_id])

    return [
        (it, index.public[it], index.created[it], *(label(facet, it) for facet in FACETS)) for it in index.order
    ], list(index.public_order)


def fresh():
    index = CatalogueIndex()
    load_index(index)
    return index


@pytest.mark.parametrize("seed", range(6))
def test_brought_up_to_date_it_equals_one_that_is_loaded(db_session, seed):
    dice = random.Random(seed)
    group = builders.group()
    organizations = [builders.organization(name) for name in ("Photon", "Rooms")]
    categories = [builders.category(title) for title in ("Microscopes", "Rooms")]
    offerings = [builders.offering(f"Thing {number}", of=dice.choice(organizations)) for number in range(8)]
    index = current_index()

    def add():
        offerings.append(
            builders.offering(
                dice.choice("äzAßa") + str(dice.random()),
                of=dice.choice(organizations),
                category=dice.choice(categories),
                country=dice.choice(("EE", "")),
            )
        )

    def change():
        offering = dice.choice(offerings)
        name = dice.choice("äzAßa") + str(dice.random())
        offering.name, offering.sort_key = name, name.casefold()
        offering.state = dice.choice(("Draft", "Active", "Paused"))
        offering.category = dice.choice(categories)
        documents.refresh(db.session(), [offering.id])

    def restrict():
        offering = dice.choice(offerings)
        offering.organization_groups = [] if offering.organization_groups else [group]

    def rename():
        organization = dice.choice(organizations)
        organization.name = str(dice.random())
        documents.refresh(db.session(), documents.dependents(db.session(), organizations=[organization.id]))

    def remove():
        if len(offerings) > 1:
            gone = offerings.pop(dice.randrange(len(offerings)))
            db.session.execute(delete(Offering).where(Offering.id == gone.id))

    for _step in range(40):
        dice.choice((add, change, change, restrict, rename, remove))()
        db.session.commit()
        if dice.random() < 0.6:
            assert names(current_index()) == names(fresh())
            for sort in ("newest", "provider"):
                expected = fresh()
                order = {"newest": expected.newest_first, "provider": expected.by_provider}[sort]
                ids = [row.id for row in browse(ANONYMOUS, Search(sort=sort), page_size=100).rows]
                assert ids == list(order(expected.public_order))
    assert index is catalogue_index()


@pytest.mark.parametrize("seed", range(4))
def test_each_actor_sees_what_the_policy_says(db_session, seed):
    dice = random.Random(seed)
    group = builders.group()
    inside, outside = builders.organization("Inside", groups=(group,)), builders.organization("Outside")
    people = [
        builders.role(builders.user(), dice.choice((inside, outside)), it) for it in ("owner", "manager", "member")
    ]
    actors = [ANONYMOUS, SYSTEM, *map(builders.actor, [*people, builders.user()])]
    offerings = [
        builders.offering(f"Thing {it}", of=dice.choice((inside, outside)), state=dice.choice(("Active", "Draft")))
        for it in range(10)
    ]

    def expected(actor):
        statement = select(Offering.id).where(visible_offerings(actor)).order_by(Offering.sort_key, Offering.uuid)
        return list(db.session.scalars(statement))

    for _step in range(25):
        offering = dice.choice(offerings)
        match dice.randrange(4):
            case 0:
                offering.state = dice.choice(("Draft", "Active", "Archived"))
            case 1:
                offering.shared = not offering.shared
            case 2:
                offering.organization_groups = [] if offering.organization_groups else [group]
            case _:
                membership = db.session.scalars(select(Membership)).all()[dice.randrange(3)]
                membership.role = dice.choice(("owner", "manager", "member"))
                membership.organization_id = dice.choice((inside, outside)).id
        db.session.commit()
        for actor in actors:
            if dice.random() < 0.7:
                assert list(visible_ids(actor)) == expected(actor), actor


def test_a_search_finds_what_changed_since(db_session):
    rooms = builders.organization("Rooms")
    first = builders.offering("Laser one", of=rooms)
    builders.offering("Other", description="with a laser")
    search = Search(q="laser")
    assert [row.name for row in browse(ANONYMOUS, search).rows] == ["Laser one", "Other"]
    builders.offering("A laser")
    first.name = "Mirror"
    first.sort_key = "mirror"
    documents.refresh(db.session(), [first.id])
    db.session.commit()
    assert [row.name for row in browse(ANONYMOUS, search).rows] == ["A laser", "Other"]


def test_no_request_reads_all_rows_again(db_session, query_counter):
    for number in range(5):
        builders.offering(f"Thing {number}")
    person = builders.actor(builders.role(builders.user(), db.session.scalars(select(Organization)).first(), "owner"))
    for actor in (ANONYMOUS, person):
        browse(actor, Search(q="thing"))
        browse(actor, Search())
    offering = db.session.scalars(select(Offering)).first()
    offering.name = "Thing changed"
    documents.refresh(db.session(), [offering.id])
    db.session.commit()
    for actor in (ANONYMOUS, person):
        with query_counter() as counted:
            assert browse(actor, Search(q="thing")).page.total == 5
            assert browse(actor, Search()).page.total == 5
        for statement in counted.statements:
            words = statement.partition("WHERE")[2]
            assert "catalogue_changes" in words or "IN (" in words, statement


def test_old_changes_are_deleted_and_a_process_that_missed_them_loads_again(rows, monkeypatch):
    monkeypatch.setattr(queries, "CHANGES_KEPT", 3)
    index = current_index()
    for number in range(8):
        execute(shown(country=f"A{number}")(rows))
    other = builders.offering("Other").id
    prune_changes()
    assert len(db.session.scalars(select(CatalogueChange.id)).all()) == 3
    assert names(current_index()) == names(fresh())
    assert other in index.order
    execute(shown(country="FI")(rows))
    assert names(current_index()) == names(fresh())


def test_the_snapshot_read_next_is_not_older_than_the_index(live_database):
    app = live_database.app
    with app.app_context():
        key = builders.offering("Before").id
        db.session.commit()
        current_index()

    def rename():
        with app.app_context(), transaction() as session:
            session.execute(update(OfferingDocument).where(OfferingDocument.offering_id == key).values(digest="after"))

    with app.app_context(), reading():
        digest = select(OfferingDocument.digest).where(OfferingDocument.offering_id == key)
        first = db.session.execute(digest).scalar_one()
        writer = threading.Thread(target=rename)
        writer.start()
        writer.join()
        current_index()
        assert first != "after"
        assert db.session.execute(digest).scalar_one() == "after"


@pytest.mark.postgresql_only
def test_a_change_that_is_committed_after_a_later_one_is_noticed(live_database):
    """Numbers are given before the commit: the lower one may become visible last."""
    app = live_database.app
    with app.app_context():
        first, second = builders.offering("First").id, builders.offering("Second").id
        db.session.commit()
        current_index()
        country = update(Offering).where(Offering.id == first).values(country="EE")
        with db.engine.connect() as slow:
            slow.execute(country)
            execute(update(Offering).where(Offering.id == second).values(country="FI"))
            index = current_index()
            assert index.changed[second] == index.generation
            before = index.generation
            slow.commit()
        assert current_index().changed[first] == index.generation == before + 1
        assert current_index().generation == index.generation


def test_a_process_loads_it_before_the_first_request(live_database, query_counter):
    app = live_database.app
    with app.app_context():
        builders.offering("First")
        db.session.commit()
    load_catalogue(app)
    assert len(app.extensions["portal.catalogue_index"]) == 1
    with query_counter() as counted:
        assert b"First" in app.test_client().get("/").data
    assert not [it for it in counted.statements if "FROM categories" in it]


@pytest.mark.sqlite_only
def test_a_process_starts_without_a_database_and_loads_it_later(live_database):
    app = live_database.app
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE catalogue_changes RENAME TO elsewhere")
    load_catalogue(app)
    assert app.extensions["portal.catalogue_index"].position is None
    with app.app_context():
        with db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO catalogue_changes")
        builders.offering("First")
        db.session.commit()
        assert len(current_index()) == 1
