"""Connecting an organization: single-use consent bound to user and session, tokens encrypted at rest, disconnecting."""

import base64
import hashlib
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from portal.calendar_sync import access_tokens, connections, consent, disconnection
from portal.calendar_sync.errors import ConsentLost, ProviderMisconfigured, ProviderUnreachable, RequestRejected
from portal.calendar_sync.provider import Permission
from portal.calendar_sync.providers.google.scopes import SCOPE_CALENDARS, SCOPES
from portal.config import load_settings
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.extensions import db, reading, secret_box
from portal.models import ConsentRequest, GoogleCalendar, GoogleConnection, Installation
from portal.models.base import utcnow
from portal.policies import ANONYMOUS, SYSTEM
from portal.queries.calendars import calendar_of
from portal.queries.offerings import get_visible_offering
from portal.services import calendars
from portal.web.calendar_card import calendar_status
from tests.support import builders
from tests.support.consent import FakeConsent

BINDING = "the browser's session"


@pytest.fixture
def google(app, db_session, monkeypatch, tmp_path):
    fake = FakeConsent()
    monkeypatch.setitem(app.extensions, "portal.consent", fake)
    environ = {"SECRET_KEY": "another secret key", "INSTANCE_PATH": str(tmp_path)}
    configured = load_settings({**environ, "GOOGLE_CLIENT_ID": "id", "GOOGLE_CLIENT_SECRET": "secret"})
    monkeypatch.setitem(app.extensions, "portal.settings", configured)
    return fake


@pytest.fixture
def organization(google):
    return builders.organization()


@pytest.fixture
def owner(organization):
    return builders.actor(builders.role(builders.user(), organization, "owner"))


def connection_of(organization):
    db.session.expire_all()
    return db.session.scalars(
        select(GoogleConnection).where(GoogleConnection.organization_id == organization.id)
    ).one_or_none()


def test_a_consent_connects(google, organization, owner):
    url = consent.begin_consent(owner, organization.uuid, BINDING)
    [state] = google.states
    assert state in url
    assert len(state) >= 43  # 256 random bits
    assert "/manage/google/callback" in url
    done = consent.finish_consent(owner, BINDING, state, code="the code")
    assert (done.organization_uuid, done.account_email, done.can_share) == (
        organization.uuid,
        "facility@lab.example",
        True,
    )
    assert google.exchanged == [(consent.redirect_uri(), "the code", "the verifier")]
    found = connection_of(organization)
    assert (found.account_sub, found.broken, sorted(SCOPES)) == ("sub-1", "", found.scopes)
    assert secret_box().decrypt(found.refresh_token, connections.refresh_token_place(found.uuid)) == "1//refresh"


def test_no_secret_is_readable_at_rest(google, organization, owner):
    consent.begin_consent(owner, organization.uuid, BINDING)
    kept = db.session.scalars(select(ConsentRequest)).one()
    written = f"{kept.state_digest} {kept.code_verifier}"
    assert google.states[0] not in written
    assert "the verifier" not in written
    db.session.commit()
    consent.finish_consent(owner, BINDING, google.states[0], code="c")
    found = connection_of(organization)
    assert "1//refresh" not in found.refresh_token
    assert "ya29" not in found.access_token


def test_a_state_works_once(google, organization, owner):
    consent.begin_consent(owner, organization.uuid, BINDING)
    consent.finish_consent(owner, BINDING, google.states[0], code="c")
    with pytest.raises(Invalid, match="already used"):
        consent.finish_consent(owner, BINDING, google.states[0], code="c")


@pytest.mark.parametrize("failure", ["declined", "refused", "no code"])
def test_a_failed_consent_uses_the_state_up_and_leaves_nothing(google, organization, owner, failure):
    consent.begin_consent(owner, organization.uuid, BINDING)
    google.error = RequestRejected("bad code") if failure == "refused" else None
    answer = {"declined": {"error": "access_denied"}, "refused": {"code": "c"}, "no code": {}}[failure]
    with pytest.raises(Invalid, match=r"declined|did not finish|no answer"):
        consent.finish_consent(owner, BINDING, google.states[0], **answer)
    assert connection_of(organization) is None
    google.error = None
    with pytest.raises(Invalid, match="already used"):
        consent.finish_consent(owner, BINDING, google.states[0], code="c")


def test_only_the_same_person_session_and_moment_can_finish(google, organization, owner):
    other = builders.actor(builders.role(builders.user(), organization, "owner"))
    for who, binding, later in (
        (other, BINDING, 0),
        (ANONYMOUS, BINDING, 0),
        (owner, "another session", 0),
        (owner, BINDING, 601),
    ):
        consent.begin_consent(owner, organization.uuid, BINDING)
        with pytest.raises(Invalid):
            consent.finish_consent(who, binding, google.states[-1], code="c", now=utcnow() + timedelta(seconds=later))
    assert google.exchanged == []
    assert connection_of(organization) is None


def test_a_user_who_lost_the_role_meanwhile_connects_nothing(google, organization, owner):
    consent.begin_consent(owner, organization.uuid, BINDING)
    db.session.execute(builders.Membership.__table__.delete())
    db.session.commit()
    with pytest.raises(NotFound):
        consent.finish_consent(owner, BINDING, google.states[0], code="c")
    assert google.exchanged == []


@pytest.mark.parametrize(("role", "error"), [(None, NotFound), ("member", NotFound), ("manager", Forbidden)])
def test_only_owners_connect_and_disconnect(google, organization, role, error):
    person = builders.user()
    if role:
        builders.role(person, organization, role)
    actor = builders.actor(person)
    with pytest.raises(error):
        consent.begin_consent(actor, organization.uuid, BINDING)
    with pytest.raises(error):
        consent.connect_with_refresh_token(actor, organization.uuid, "1//x")
    with pytest.raises(error):
        disconnection.disconnect(actor, organization.uuid)
    assert google.refreshed == []


def test_the_redirect_of_a_browser_may_write(google, organization, owner):
    consent.begin_consent(owner, organization.uuid, BINDING)
    with reading():
        connection_of(organization)
        consent.finish_consent(owner, BINDING, google.states[0], code="c")
    assert connection_of(organization) is not None


def test_without_a_client_there_is_nothing_to_consent_to(app, db_session):
    organization = builders.organization()
    with pytest.raises(Conflict, match="GOOGLE_CLIENT_ID"):
        consent.begin_consent(SYSTEM, organization.uuid, BINDING)
    with pytest.raises(Conflict, match="GOOGLE_CLIENT_ID"):
        consent.connect_with_refresh_token(SYSTEM, organization.uuid, "1//x")


def test_consent_without_calendars_is_rejected_and_without_sharing_is_reported(google, organization):
    google.scopes = ("openid", "email")
    with pytest.raises(Invalid, match="does not include calendars"):
        consent.connect_with_refresh_token(SYSTEM, organization.uuid, "1//x")
    assert connection_of(organization) is None
    google.scopes = ("openid", SCOPE_CALENDARS)
    assert consent.connect_with_refresh_token(SYSTEM, organization.uuid, "1//x").can_share is False


@pytest.mark.parametrize("token", ["", "  ", "a b", "x" * 513])
def test_an_invalid_refresh_token_is_not_tried(google, organization, token):
    with pytest.raises(Invalid):
        consent.connect_with_refresh_token(SYSTEM, organization.uuid, token)
    assert google.refreshed == []


@pytest.mark.parametrize(
    "error", [ConsentLost("invalid_grant"), ProviderUnreachable("down"), ProviderMisconfigured("client")]
)
def test_a_token_that_google_rejects_connects_nothing(google, organization, error):
    google.error = error
    with pytest.raises(Invalid):
        consent.connect_with_refresh_token(SYSTEM, organization.uuid, "1//x")
    assert connection_of(organization) is None


def connected(organization, **values):
    consent.connect_with_refresh_token(SYSTEM, organization.uuid, "1//refresh")
    found = connection_of(organization)
    for name, value in values.items():
        setattr(found, name, value)
    db.session.commit()
    return found


def test_an_access_token_is_kept_until_shortly_before_its_end(google, organization):
    found = connected(organization)
    first = access_tokens.access_token(found.id)
    assert access_tokens.access_token(found.id) == first
    assert len(google.refreshed) == 1  # the trial of the token
    found.access_expires = utcnow() + timedelta(minutes=2)
    db.session.commit()
    second = access_tokens.access_token(found.id)
    assert second.token != first.token
    assert access_tokens.access_token(found.id).token == second.token
    assert len(google.refreshed) == 2


def test_a_token_that_google_rejected_is_not_returned_again(google, organization):
    found = connected(organization)
    stale = access_tokens.access_token(found.id).token
    just_created = access_tokens.access_token(found.id, stale=stale)
    assert just_created.token != stale
    # Another thread still holds the old one: it gets the new one, and Google is not asked again.
    assert access_tokens.access_token(found.id, stale=stale).token == just_created.token
    assert len(google.refreshed) == 2


def test_tokens_encrypted_by_an_earlier_version_are_read_and_encrypted_again(app, google, organization):
    key = hashlib.scrypt(app.config["SECRET_KEY"].encode(), salt=b"portal.secrets.v1", n=2**12, r=8, p=1, dklen=32)
    old = Fernet(base64.urlsafe_b64encode(key)).encrypt(b"1//refresh").decode()
    db.session.execute(update(Installation).values(old_secrets=True))
    found = connected(organization, access_token="", refresh_token=old)
    assert access_tokens.access_token(found.id).token
    assert google.refreshed[-1] == "1//refresh"
    kept = connection_of(organization)
    assert kept.refresh_token != old
    assert secret_box().is_current(kept.refresh_token, connections.refresh_token_place(kept.uuid))
    assert secret_box().decrypt(kept.refresh_token, connections.refresh_token_place(kept.uuid)) == "1//refresh"


def test_a_token_copied_from_another_organization_opens_nothing(google, organization):
    theirs = connected(builders.organization("Other"))
    found = connected(organization, access_token=theirs.access_token, refresh_token=theirs.refresh_token)
    asked = len(google.refreshed)
    with pytest.raises(ConsentLost):
        access_tokens.access_token(found.id)
    assert len(google.refreshed) == asked
    assert connection_of(organization).broken.startswith("A stored secret cannot be read")


def test_a_worker_waits_while_another_refreshes_the_token(google, organization):
    found = connected(organization, access_token="", refreshing_until=utcnow() + timedelta(minutes=1))
    waited = []

    def sleep(_seconds):
        waited.append(1)
        row = connection_of(organization)
        row.access_token = secret_box().encrypt("ya29.theirs", connections.access_token_place(row.uuid))
        row.access_expires = utcnow() + timedelta(hours=1)
        db.session.commit()

    assert access_tokens.access_token(found.id, sleep=sleep).token == "ya29.theirs"
    assert waited == [1]
    assert len(google.refreshed) == 1


def test_waiting_for_a_refresh_times_out(google, organization):
    found = connected(organization, access_token="", refreshing_until=utcnow() - timedelta(seconds=1))
    assert access_tokens.access_token(found.id).token
    assert len(google.refreshed) == 2
    endless = connected(organization, access_token="", refreshing_until=utcnow() + timedelta(days=1))
    with pytest.raises(ProviderUnreachable):
        access_tokens.access_token(endless.id, sleep=lambda _seconds: None)


def test_after_a_failed_refresh_the_next_worker_tries_at_once(google, organization):
    found = connected(organization, access_token="")
    google.error = ProviderUnreachable("down")
    with pytest.raises(ProviderUnreachable):
        access_tokens.access_token(found.id)
    google.error = None
    assert access_tokens.access_token(found.id, sleep=lambda _seconds: pytest.fail("nobody is refreshing")).token


def test_a_lost_consent_breaks_the_connection_and_ends_pending_actions(google, organization):
    found = connected(organization, access_token="")
    offering = builders.offering(of=organization)
    calendars.share_google_calendar(SYSTEM, offering.uuid)
    google.error = ConsentLost("invalid_grant")
    with pytest.raises(ConsentLost):
        access_tokens.access_token(found.id)
    broken = connection_of(organization)
    assert "connect Google again" in broken.broken
    row = db.session.scalars(select(GoogleCalendar)).one()
    assert (row.state, row.error, row.done, row.want_public) == ("ERRED", broken.broken, row.wanted, False)
    db.session.commit()
    asked = len(google.refreshed)
    google.error = None
    with pytest.raises(ConsentLost):
        access_tokens.access_token(found.id)
    assert len(google.refreshed) == asked, "no more calls"


def test_connecting_again_repairs_the_connection_and_enqueues_the_calendars(google, organization):
    found = connected(organization)
    offering, imported = builders.offering(of=organization), builders.offering("Imported", of=organization)
    builders.add(GoogleCalendar(offering_id=imported.id, state="OK", backend_id="x"))
    calendars.sync_google_calendar(SYSTEM, offering.uuid)
    connections.mark_broken(found.id, "Connect again.")
    connected(organization)
    assert connection_of(organization).broken == ""
    rows = {row.offering_id: row for row in db.session.scalars(select(GoogleCalendar))}
    read_next = rows[offering.id].next_read
    assert read_next is not None
    assert read_next <= utcnow()
    assert (rows[imported.id].next_read, rows[imported.id].state) == (None, "OK")


@pytest.mark.parametrize("has_failed_action", [False, True])
def test_connecting_again_ends_the_errors_of_the_earlier_connection_at_once(google, organization, has_failed_action):
    found = connected(organization)
    offering, imported = builders.offering(of=organization), builders.offering("Imported", of=organization)
    builders.add(GoogleCalendar(offering_id=imported.id, state="ERRED", error="Elsewhere.", backend_id="x"))
    calendars.sync_google_calendar(SYSTEM, offering.uuid)
    connections.mark_broken(found.id, "The consent was withdrawn: connect Google again.")
    db.session.execute(update(GoogleCalendar).values(action_failed=has_failed_action))
    db.session.commit()
    connected(organization)
    db.session.expire_all()
    view = calendar_of(get_visible_offering(SYSTEM, offering.uuid), utcnow())
    assert (view.state, view.error) == ("OK", "")
    status = calendar_status(view.state, view.last_synced, view.connection, utcnow())
    assert status.status == "Never synced"
    # What was imported and never synced here says what it said.
    row = db.session.scalars(select(GoogleCalendar).where(GoogleCalendar.offering_id == imported.id)).one()
    assert (row.state, row.error) == ("ERRED", "Elsewhere.")


def test_a_refresh_that_ends_after_a_reconnect_changes_nothing(google, organization):
    found = connected(organization)
    connections.mark_broken(found.id, "Too late.", encrypted_token="an older token")
    assert connection_of(organization).broken == ""


def test_disconnecting_deletes_the_tokens_and_withdraws_the_consent(google, organization):
    connected(organization)
    offering = builders.offering(of=organization)
    calendars.share_google_calendar(SYSTEM, offering.uuid)
    disconnection.disconnect(SYSTEM, organization.uuid)
    assert connection_of(organization) is None
    assert google.revoked == ["1//refresh"]
    row = db.session.scalars(select(GoogleCalendar)).one()
    assert (row.state, row.error, row.want_public) == ("ERRED", connections.DISCONNECTED, False)
    disconnection.disconnect(SYSTEM, organization.uuid)  # nothing left to do


def test_disconnecting_works_while_google_is_down(google, organization):
    connected(organization)
    google.error = ProviderUnreachable("down")
    disconnection.disconnect(SYSTEM, organization.uuid)
    assert connection_of(organization) is None


def test_a_consent_used_by_another_organization_is_not_revoked(google, organization):
    other = builders.organization("Second")
    connected(organization)
    connected(other)
    disconnection.disconnect(SYSTEM, organization.uuid)
    assert google.revoked == []
    disconnection.disconnect(SYSTEM, other.uuid)
    assert google.revoked == ["1//refresh"]


def test_a_lost_secret_key_means_connecting_again(google, organization):
    found = connected(organization, refresh_token="gAAAA-made-with-another-key", access_token="")
    with pytest.raises(ConsentLost):
        access_tokens.access_token(found.id)
    assert "SECRET_KEY" in connection_of(organization).broken


def test_a_deleted_connection_cannot_be_used(google):
    with pytest.raises(ConsentLost):
        access_tokens.access_token(987)


@pytest.mark.parametrize("sharing", [True, False])
def test_the_permission_to_share_is_requested_if_chosen(google, organization, owner, sharing):
    consent.begin_consent(owner, organization.uuid, BINDING, sharing=sharing)
    assert (Permission.SHARING in google.asked) is sharing
    assert Permission.CALENDARS in google.asked
