"""`secrets reseal`: everything that is encrypted is so for its place, and nothing else is read from then on."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, update

from portal.calendar_sync import connections
from portal.extensions import db, installation_salt, secret_box, secret_location
from portal.models import ConsentRequest, GoogleConnection, Installation, OutgoingMail
from portal.secretbox import SecretBox, SecretLost
from portal.services import registration, secrets
from tests.support import builders as make
from tests.support.builders import NOW

PORTAL = Path(__file__).resolve().parents[2] / "portal"


def old(app, secret):
    """As a version before 0019 encrypted it."""
    derived = hashlib.scrypt(app.config["SECRET_KEY"].encode(), salt=b"portal.secrets.v1", n=2**12, r=8, p=1, dklen=32)
    return Fernet(base64.urlsafe_b64encode(derived)).encrypt(secret.encode()).decode()


def has_old(value):
    db.session.execute(update(Installation).values(old_secrets=value))
    db.session.commit()


@pytest.fixture
def values(app, db_session):
    """A value in each encrypted column, as the earlier version wrote it; name -> (column, identifier)."""
    has_old(True)
    anna = make.user("anna@example.org")
    lab = make.organization("Lab")
    connection = make.add(
        GoogleConnection(
            organization_id=lab.id, refresh_token=old(app, "refresh_token"), access_token=old(app, "access_token")
        )
    )
    make.add(
        ConsentRequest(
            state_digest="d" * 64, user_id=anna.id, organization_id=lab.id, code_verifier=old(app, "code_verifier")
        )
    )
    mail = make.add(OutgoingMail(kind="password", recipient=anna.email, sealed_secret=old(app, "sealed_secret")))
    return {
        GoogleConnection.refresh_token: connection.uuid,
        GoogleConnection.access_token: connection.uuid,
        ConsentRequest.code_verifier: "d" * 64,
        OutgoingMail.sealed_secret: mail.uuid,
    }


def stored(column):
    db.session.expire_all()
    return db.session.execute(select(column)).scalar_one()


def test_all_values_are_encrypted_anew_for_their_place(app, values):
    assert {column for column, _row in secrets.ENCRYPTED} == set(values)
    done = secrets.reseal()
    assert (done.changed, done.unchanged, done.unreadable) == (4, 0, 0)
    for column, row in values.items():
        place = secret_location(column, row)
        assert secret_box().is_current(stored(column), place)
        assert secret_box().decrypt(stored(column), place) == column.key
    again = secrets.reseal()
    assert (again.changed, again.unchanged, again.unreadable) == (0, 4, 0)


def test_old_values_are_refused_from_then_on(app, values):
    place = connections.refresh_token_place(values[GoogleConnection.refresh_token])
    copied = stored(GoogleConnection.refresh_token)
    assert secret_box().decrypt(copied, place) == "refresh_token"
    secrets.reseal()
    # Put back from a copy of the database, or into another organization's row.
    with pytest.raises(SecretLost):
        secret_box().decrypt(copied, place)
    db.session.execute(update(GoogleConnection).values(refresh_token=copied))
    db.session.commit()
    assert secrets.reseal().unreadable == 1
    assert stored(GoogleConnection.refresh_token) == copied


def test_values_of_an_earlier_key_too(app, values, monkeypatch):
    secrets.reseal()
    rotated = SecretBox(f"a new key of this portal,{app.config['SECRET_KEY']}", installation_salt)
    monkeypatch.setitem(app.extensions, "portal.secret_box", rotated)
    assert secrets.reseal().changed == 4
    alone = SecretBox("a new key of this portal", installation_salt)
    for column, row in values.items():
        assert alone.decrypt(stored(column), secret_location(column, row)) == column.key


def test_a_message_that_waits_is_sent_with_its_link(app, db_session):
    make.user("anna@example.org")
    registration.ask_for_password("anna@example.org", "", now=NOW)
    before = stored(OutgoingMail.sealed_secret)
    assert secrets.reseal().unchanged == 1
    assert stored(OutgoingMail.sealed_secret) == before


def test_the_command_says_what_it_did(app, values):
    run = app.test_cli_runner().invoke
    done = run(args=["secrets", "reseal"])
    assert (done.exit_code, done.stdout) == (0, "encrypted anew: 4, unchanged: 0, unreadable: 0\n")
    db.session.execute(update(OutgoingMail).values(sealed_secret=old(app, "too late")))
    db.session.commit()
    failed = run(args=["secrets", "reseal"])
    assert (failed.exit_code, failed.stdout) == (1, "encrypted anew: 0, unchanged: 3, unreadable: 1\n")
    assert "No key of SECRET_KEY reads the last ones" in failed.stderr


def test_every_encrypted_column_is_known():
    used = set()
    for file in PORTAL.rglob("*.py"):
        used |= set(re.findall(r"secret_location\((\w+\.\w+),", file.read_text("utf-8")))
    assert used == {f"{column.class_.__name__}.{column.key}" for column, _row in secrets.ENCRYPTED}


@pytest.mark.parametrize("kind", ["old", "new", "none"])
def test_the_migration_allows_old_values_only_where_there_are_some(live_database, kind):
    app = live_database.app
    with app.app_context():
        if kind != "none":
            lab = make.organization("Lab")
            token = (
                old(app, "x") if kind == "old" else secret_box().encrypt("x", secret_location(Installation.salt, ""))
            )
            make.add(GoogleConnection(organization_id=lab.id, refresh_token=token))
        db.session.remove()
        downgrade(revision="0021")
        upgrade()
        assert stored(Installation.old_secrets) is (kind == "old")
