"""Sync, share, unshare: who may, in which order what is refused, and what is left for the worker."""

import threading
import uuid

import pytest
from sqlalchemy import select

from portal.errors import CalendarRefusal, CalendarRefused, Forbidden, NotFound
from portal.extensions import calendar_due, db, transaction
from portal.models import GoogleCalendar, GoogleConnection
from portal.policies import ANONYMOUS, SYSTEM
from portal.services import calendars
from tests.support import builders

ACTS = {
    "sync": calendars.sync_google_calendar,
    "share": calendars.share_google_calendar,
    "unshare": calendars.unshare_google_calendar,
}


def connect(offering, **values):
    given = {"refresh_token": "sealed", "scopes": [], **values}
    return builders.add(GoogleConnection(organization_id=offering.organization_id, **given))


@pytest.fixture
def offering(db_session):
    return builders.offering()


@pytest.fixture
def connection(offering):
    return connect(offering)


@pytest.fixture
def enqueued(app):
    """The calendars that were enqueued, in order."""
    found = []

    def note(_app, *, calendar_id):
        found.append(calendar_id)

    calendar_due.connect(note)
    yield found
    calendar_due.disconnect(note)


def row(offering):
    db.session.expire_all()
    return db.session.scalars(select(GoogleCalendar).where(GoogleCalendar.offering_id == offering.id)).one_or_none()


def settle(offering, **values):
    """As the worker leaves it after success."""
    found = row(offering)
    for name, value in {"state": "OK", "public": found.want_public, "done": found.wanted, **values}.items():
        setattr(found, name, value)
    db.session.commit()


def refusal(act, offering, actor=SYSTEM):
    with pytest.raises(CalendarRefused) as refused:
        ACTS[act](actor, offering.uuid)
    return refused.value.refusal


def people(offering):
    found = {"nobody": ANONYMOUS, "stranger": builders.actor(builders.user())}
    for role in ("member", "manager", "owner"):
        found[role] = builders.actor(builders.role(builders.user(), offering.organization, role))
    return found | {"staff": builders.actor(builders.user(staff=True))}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("who", "state", "outcome"),
    [
        ("nobody", "Active", Forbidden),
        ("nobody", "Draft", NotFound),
        ("stranger", "Active", Forbidden),
        ("stranger", "Draft", NotFound),
        ("member", "Active", Forbidden),
        ("member", "Draft", NotFound),
        ("manager", "Active", Forbidden),
        ("manager", "Draft", Forbidden),
        ("owner", "Active", None),
        ("owner", "Archived", None),
        ("staff", "Draft", None),
    ],
)
def test_who_may_act(db_session, act, who, state, outcome):
    offering = builders.offering(state=state)
    connect(offering)
    if act == "unshare":
        builders.add(
            GoogleCalendar(offering_id=offering.id, state="OK", public=True, want_public=True, wanted=1, done=1)
        )
    actor = people(offering)[who]
    if outcome is None:
        ACTS[act](actor, offering.uuid)
        assert row(offering).state.endswith("_SCHEDULED")
        return
    before = row(offering)
    with pytest.raises(outcome):
        ACTS[act](actor, offering.uuid)
    after = row(offering)
    assert (before is None) == (after is None)
    assert after is None or after.wanted == 1


@pytest.mark.parametrize("act", ACTS)
def test_an_unknown_offering_is_not_found(db_session, act):
    with pytest.raises(NotFound) as error:
        ACTS[act](SYSTEM, uuid.uuid4())
    assert error.value.what == "Offering"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("broken", [None, {"refresh_token": ""}, {"broken": "Connect again."}])
def test_without_a_usable_connection_every_act_is_refused(offering, act, broken):
    if broken is not None:
        connect(offering, **broken)
    assert refusal(act, offering) is CalendarRefusal.NO_CREDENTIALS
    assert row(offering) is None


def test_an_offering_without_an_organization_has_no_credentials(db_session):
    offering = builders.offering()
    connect(offering)
    offering.organization_id = None
    db.session.commit()
    assert refusal("sync", offering) is CalendarRefusal.NO_CREDENTIALS


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", ["CREATION_SCHEDULED", "CREATING", "UPDATE_SCHEDULED", "UPDATING"])
def test_while_an_action_is_pending_others_are_refused(offering, connection, act, state):
    calendars.share_google_calendar(SYSTEM, offering.uuid)
    settle(offering, state=state)
    assert refusal(act, offering) is CalendarRefusal.BUSY


def test_missing_credentials_are_told_before_a_busy_calendar(offering, connection):
    calendars.sync_google_calendar(SYSTEM, offering.uuid)
    connection.broken = "Connect again."
    db.session.commit()
    assert refusal("sync", offering) is CalendarRefusal.NO_CREDENTIALS


@pytest.mark.parametrize("state", ["OK", "ERRED"])
def test_what_is_so_already_is_refused(offering, connection, state):
    assert refusal("unshare", offering) is CalendarRefusal.NO_CALENDAR
    calendars.sync_google_calendar(SYSTEM, offering.uuid)
    settle(offering, state=state)
    assert refusal("unshare", offering) is CalendarRefusal.ALREADY_PRIVATE
    calendars.share_google_calendar(SYSTEM, offering.uuid)
    settle(offering, state=state)
    assert refusal("share", offering) is CalendarRefusal.ALREADY_PUBLIC
    calendars.sync_google_calendar(SYSTEM, offering.uuid)


def test_an_action_stores_the_desired_state_and_is_enqueued(offering, connection, enqueued):
    calendars.share_google_calendar(SYSTEM, offering.uuid)
    found = row(offering)
    assert (found.state, found.public, found.want_public, found.backend_id) == ("CREATION_SCHEDULED", False, True, None)
    assert (found.wanted, found.done) == (1, 0)
    assert enqueued == [found.id]
    settle(offering, backend_id="made@google")
    calendars.unshare_google_calendar(SYSTEM, offering.uuid)
    found = row(offering)
    assert (found.state, found.public, found.want_public, found.wanted) == ("UPDATE_SCHEDULED", True, False, 2)
    assert enqueued == [found.id] * 2


def test_a_refused_action_is_not_enqueued(offering, enqueued):
    refusal("sync", offering)
    assert enqueued == []


def test_nobody_is_woken_before_the_commit(offering, connection, enqueued):
    def act_and_fail():
        with transaction():
            calendars.share_google_calendar(SYSTEM, offering.uuid)
            assert enqueued == []
            raise RuntimeError("something else went wrong")

    with pytest.raises(RuntimeError):
        act_and_fail()
    assert enqueued == []
    assert row(offering) is None


def test_a_failed_share_that_is_still_tried_can_be_taken_back_or_asked_for_again(offering, connection):
    calendars.share_google_calendar(SYSTEM, offering.uuid)
    settle(offering, state="ERRED", public=False, done=0, attempts=3)
    calendars.share_google_calendar(SYSTEM, offering.uuid)
    found = row(offering)
    assert (found.wanted, found.attempts, found.next_attempt) == (2, 0, None)
    settle(offering, state="ERRED", public=False, done=0)
    calendars.unshare_google_calendar(SYSTEM, offering.uuid)
    assert row(offering).want_public is False


def test_changed_bookings_enqueue_calendars_in_use_only(offering, connection, enqueued):
    imported = builders.offering("Imported")
    builders.add(GoogleCalendar(offering_id=imported.id, state="OK", backend_id="x"))
    calendars.sync_google_calendar(SYSTEM, offering.uuid)
    settle(offering)
    enqueued.clear()
    with transaction() as session:
        calendars.offerings_changed(session, [offering.id, imported.id])
        calendars.offerings_changed(session, [])
    found = row(offering)
    assert (found.changes, found.changes_done, found.state) == (1, 0, "OK")
    assert enqueued == [found.id]
    assert row(imported).changes == 0
    calendars.share_google_calendar(SYSTEM, offering.uuid)  # a change makes nobody wait


def test_two_first_acts_at_once_make_one_calendar(live_database):
    app = live_database.app
    with app.app_context():
        offering = builders.offering()
        connect(offering)
        identifier = offering.uuid
        db.session.remove()
    outcomes = []
    ready = threading.Barrier(4)

    def act():
        ready.wait()
        with app.app_context():
            try:
                calendars.share_google_calendar(SYSTEM, identifier)
                outcomes.append("accepted")
            except CalendarRefused as refused:
                outcomes.append(refused.refusal.value)

    threads = [threading.Thread(target=act) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted", "busy", "busy", "busy"]
    with app.app_context():
        assert db.session.query(GoogleCalendar).one().wanted == 1
        db.session.remove()
