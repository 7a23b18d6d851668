"""Mailed links: usable by who gets the mail, and by nobody who reads the database, the logs or a folder's names."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from types import SimpleNamespace

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, update

from portal.domain.mail import MAX_ATTEMPTS, MailKind
from portal.extensions import db, installation_salt, settings
from portal.mail.deliver import LEASE, deliver_due
from portal.models import AccountLink, Base, OutgoingMail, User
from portal.policies import SYSTEM
from portal.secretbox import SecretBox
from portal.services import mail, registration
from portal.worker import run
from portal.worker.enqueue import queue_of
from portal.worker.periodic import HOURLY_AT, run_periodic_tasks
from tests.support import builders as make
from tests.support.builders import NOW

PASSWORD = "a brand new password"
PATHS = {"register": "register", "password": "password", "invitation": "password"}


def ask(kind, app, monkeypatch):
    """Have a link of this kind mailed to new@example.org."""
    if kind == "register":
        monkeypatch.setitem(app.extensions, "portal.settings", replace(settings(), sign_up="open"))
        registration.ask_to_register("new@example.org", "192.0.2.1", now=NOW)
    elif kind == "password":
        make.user("new@example.org")
        registration.ask_for_password("new@example.org", "192.0.2.1", now=NOW)
    else:
        registration.invite(SYSTEM, "new@example.org", "Nora New", now=NOW)


def use(secret, kind, now=NOW):
    if kind == "register":
        return registration.finish_registration(secret, "Nora New", PASSWORD, now=now)
    return registration.set_password_by_link(secret, PASSWORD, now=now)


class Server(SimpleNamespace):
    """Takes messages as a mail server does, or fails with an error made of the link."""

    def __init__(self, fails=None):
        super().__init__(fails=fails, secrets=[])

    def __call__(self, _settings):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def send(self, message, _recipient, name):
        text = message.get_body(("plain",)).get_content()
        secret = next(part for part in text.split() if "/password/" in part or "/register/" in part).split("/")[-2]
        assert len(secret) == 32
        assert secret not in name
        self.secrets.append(secret)
        if self.fails:
            raise self.fails(f"554 blocked for https://portal.example/password/{secret}/")


def dump() -> str:
    """All that the database holds, as text."""
    db.session.expire_all()
    found = io.StringIO()
    for table in Base.metadata.sorted_tables:
        for row in db.session.execute(select(table)):
            found.write(repr(tuple(row)))
            found.write(json.dumps([it for it in row if isinstance(it, dict | list)], default=str))
    db.session.rollback()
    return found.getvalue()


def row_of():
    db.session.expire_all()
    return db.session.execute(select(OutgoingMail)).scalar_one()


@pytest.mark.parametrize("kind", PATHS)
def test_a_link_is_nowhere_in_the_database(app, db_session, monkeypatch, kind):
    ask(kind, app, monkeypatch)
    before = dump()
    server = Server()
    assert deliver_due(settings(), lambda: NOW, server) == 1
    [secret] = server.secrets
    assert secret not in before
    assert f"/{PATHS[kind]}/" not in before
    row = row_of()
    assert (row.sealed_secret, row.sent, "link" in row.data) == (None, NOW, False)
    assert secret not in dump()
    assert use(secret, kind).email == "new@example.org"


@pytest.mark.parametrize("kind", PATHS)
def test_it_is_encrypted_while_it_waits_and_the_same_each_time(app, db_session, monkeypatch, kind):
    ask(kind, app, monkeypatch)
    first = row_of().sealed_secret
    failing, working = Server(OSError), Server()
    assert deliver_due(settings(), lambda: NOW, failing) == 0
    row = row_of()
    assert row.sealed_secret == first
    assert row.error == "554 blocked for https://portal.example/password/…/"
    assert failing.secrets[0] not in dump()
    assert deliver_due(settings(), lambda: NOW + timedelta(minutes=10), working) == 1
    assert working.secrets == failing.secrets
    assert use(working.secrets[0], kind, NOW + timedelta(minutes=11)).email == "new@example.org"


def test_a_link_that_is_sent_twice_works(app, db_session, monkeypatch):
    ask("invitation", app, monkeypatch)
    dying, working = Server(KeyboardInterrupt), Server()
    with pytest.raises(KeyboardInterrupt):
        deliver_due(settings(), lambda: NOW, dying)
    assert deliver_due(settings(), lambda: NOW + LEASE, working) == 1
    assert dying.secrets == working.secrets
    assert use(dying.secrets[0], "invitation").email == "new@example.org"


def test_a_message_that_is_given_up_keeps_no_link(app, db_session, monkeypatch, capsys):
    ask("invitation", app, monkeypatch)
    server = Server(RuntimeError)
    for hour in range(0, 24 * 6, 7):
        deliver_due(settings(), lambda at=NOW + timedelta(hours=hour): at, server)
    row = row_of()
    assert (row.attempts, row.next_attempt, row.sealed_secret) == (MAX_ATTEMPTS, None, None)
    assert set(server.secrets) == {server.secrets[0]}
    written = capsys.readouterr()
    assert "mail_not_sent" in written.err
    assert server.secrets[0] not in written.err + written.out + dump()


@pytest.mark.parametrize("later", [timedelta(hours=3), timedelta(0)])
def test_a_link_that_can_no_longer_be_used_is_not_sent(app, db_session, monkeypatch, later):
    ask("password", app, monkeypatch)
    if not later:
        use(mail.link_secret(row_of()), "password")
    server = Server()
    assert deliver_due(settings(), lambda: NOW + later, server) == 0
    row = row_of()
    assert (server.secrets, row.next_attempt, row.sealed_secret) == ([], None, None)
    assert row.error == "The link was used or expired before the message could be sent."


def test_a_key_that_is_gone_ends_the_message(app, db_session, monkeypatch):
    ask("password", app, monkeypatch)
    monkeypatch.setitem(app.extensions, "portal.secret_box", SecretBox("another key of a portal", installation_salt))
    server = Server()
    assert deliver_due(settings(), lambda: NOW, server) == 0
    row = row_of()
    assert (server.secrets, row.attempts, row.next_attempt, row.sealed_secret) == ([], 1, None, None)


def test_the_folder_tells_no_link_by_its_names_nor_does_the_log(app, db_session, monkeypatch, tmp_path, capsys):
    ask("password", app, monkeypatch)
    secret = mail.link_secret(row_of())
    assert deliver_due(replace(settings(), instance_path=tmp_path), lambda: NOW) == 1
    [file] = (tmp_path / "mail").iterdir()
    read = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert secret in read.get_body(("plain",)).get_content()
    assert secret not in file.name
    written = capsys.readouterr()
    assert "mail_written" in written.err
    assert secret not in written.err + written.out


def of_earlier_version(**more):
    """A message as the version before wrote it, with its link in clear."""
    kind = more.pop("kind", MailKind.PASSWORD)
    if db.session.execute(select(User.id).where(User.email == "new@example.org")).first() is None:
        make.user("new@example.org")
    secret = f"{len(db.session.execute(select(OutgoingMail)).all()):032}"
    path = f"/{PATHS[kind.value]}/{secret}/"
    make.add(
        AccountLink(
            digest=registration._digest(secret),
            purpose=kind.value.replace("invitation", "invite"),
            email="new@example.org",
            network="",
            expires=NOW + timedelta(hours=2),
            created=NOW,
        )
    )
    data = {"link": path, "lasts": "two hours"}
    written = make.add(OutgoingMail(kind=kind.value, recipient="new@example.org", data=data, created=NOW))
    for name, value in more.items():
        setattr(written, name, value)
    db.session.commit()
    return secret


def test_links_that_an_earlier_version_wrote_are_encrypted_or_deleted(app, db_session):
    waiting = of_earlier_version(next_attempt=NOW)
    sent = of_earlier_version(next_attempt=None, sent=NOW, kind=MailKind.REGISTER)
    given_up = of_earlier_version(next_attempt=None, error="550", kind=MailKind.INVITATION)
    mail.encrypt_links()
    assert not [secret for secret in (waiting, sent, given_up) if secret in dump()]
    rows = db_session.execute(select(OutgoingMail).order_by(OutgoingMail.id)).scalars().all()
    assert [row.data for row in rows] == [{"lasts": "two hours"}] * 3
    assert [mail.link_secret(row) for row in rows] == [waiting, "", ""]
    mail.encrypt_links()
    server = Server()
    assert deliver_due(settings(), lambda: NOW, server) == 1
    assert server.secrets == [waiting]


def test_a_link_that_an_earlier_version_writes_meanwhile_is_sent_and_deleted(app, db_session):
    secret = of_earlier_version(next_attempt=NOW)
    failing, working = Server(OSError), Server()
    assert deliver_due(settings(), lambda: NOW, failing) == 0
    assert secret not in dump()
    assert deliver_due(settings(), lambda: NOW + timedelta(hours=1), working) == 1
    assert working.secrets == [secret]
    assert secret not in dump()


def test_the_migration_deletes_links_that_were_sent(live_database):
    with live_database.app.app_context():
        waiting = of_earlier_version(next_attempt=NOW + timedelta(days=9000))
        sent = of_earlier_version(next_attempt=None, sent=NOW)
        make.add(OutgoingMail(kind="accepted", recipient="a@example.org", data={"name": "Ice"}, error="550"))
        db.session.execute(update(OutgoingMail).where(OutgoingMail.error == "550").values(next_attempt=None))
        db.session.commit()
        db.session.remove()
        downgrade(revision="0013")
        upgrade()
        assert sent not in dump()
        rows = db.session.execute(select(OutgoingMail).order_by(OutgoingMail.id)).scalars().all()
        expected = [{"link": f"/password/{waiting}/", "lasts": "two hours"}, {"lasts": "two hours"}, {"name": "Ice"}]
        assert [row.data for row in rows] == expected
        assert {row.sealed_secret for row in rows} == {None}
        run_periodic_tasks(settings(), NOW.replace(minute=HOURLY_AT))
        assert waiting not in dump()
        assert mail.link_secret(db.session.get(OutgoingMail, 1)) == waiting


def test_a_worker_that_starts_encrypts_what_waits(live_database, monkeypatch):
    monkeypatch.setattr(run.PortalConsumer, "run", lambda _self: None)
    with live_database.app.app_context():
        waiting = of_earlier_version(next_attempt=NOW + timedelta(days=9000))
        db.session.remove()
    run.run_worker(live_database.app, threads=1)
    queue_of(live_database.app).huey.storage.close()
    with live_database.app.app_context():
        assert waiting not in dump()
