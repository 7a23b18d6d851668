"""The demo loads through the importer and the services, once, and can be repeated."""

import re

import pytest
from sqlalchemy import func, select

from portal.dev.demo import accounts
from portal.extensions import db
from portal.models import ApiToken, Booking, Offering, User
from portal.services.accounts import token_digest
from portal.services.sign_in import sign_in

pytestmark = pytest.mark.sqlite_only


def test_the_demo_loads_and_says_how_to_get_in(live_database):
    runner = live_database.app.test_cli_runner()
    first = runner.invoke(args=["demo"])
    assert first.exit_code == 0, first.output
    [key] = re.findall(r"Staff API token .*: ([0-9a-f]{40})\n", first.stdout)
    with live_database.app.app_context():
        token = db.session.execute(select(ApiToken)).scalar_one()
        assert (token.digest, db.session.get(User, token.user_id).is_staff) == (token_digest(key), True)
        counted = {
            model: db.session.execute(select(func.count()).select_from(model)).scalar_one()
            for model in (Offering, Booking)
        }
        assert counted[Offering] >= 40
        assert counted[Booking] >= 500
        for known in accounts.read_sign_ins(live_database.app.extensions["portal.settings"].instance_path)[:3]:
            assert known.password in first.stdout
            assert sign_in(known.email, known.password, "").email == known.email
    again = runner.invoke(args=["demo"])
    assert (again.exit_code, re.findall("[0-9a-f]{40}", again.stdout)) == (0, [])
    assert "users token staff@example.org" in again.stdout
    with live_database.app.app_context():
        for model, number in counted.items():
            assert db.session.scalar(select(func.count()).select_from(model)) == number


def test_the_demo_is_not_loaded_off_loopback(make_live_portal):
    portal = make_live_portal(HOST="0.0.0.0")
    refused = portal.app.test_cli_runner().invoke(args=["demo"])
    assert refused.exit_code == 1
    assert "DEMO_PUBLIC=1" in refused.stderr
