"""Commands for people and groups: results on stdout, refusals in one line on stderr with status 1."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.app import create_app
from portal.cli.register import register as register_commands
from portal.models import ApiToken, Membership, User
from portal.models.base import utcnow
from portal.models.organizations import organization_group_members
from portal.services.accounts import token_digest
from portal.services.sign_in import sign_in
from tests.support import builders as make


@pytest.fixture
def run(app, db_session):
    def running(*arguments: str, stdin: str = ""):
        result = app.test_cli_runner().invoke(args=list(arguments), input=stdin)
        db_session.expire_all()
        return result

    return running


def test_users_create(run, db_session):
    done = run("users", "create", "Anna@Example.org", "--staff", "--password-stdin", stdin="a long enough password\n")
    assert done.exit_code == 0, done.output
    user = db_session.execute(select(User)).scalar_one()
    assert done.stdout.strip() == str(user.uuid)
    assert (user.email, user.is_staff) == ("anna@example.org", True)
    assert sign_in("anna@example.org", "a long enough password", "").id == user.id


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("users", "create", "nobody"), "not an e-mail address"),
        (("users", "create", "new@example.org", "--password-stdin"), "at least 12 characters"),
        (("users", "token", "nobody@example.org"), "no such user"),
        (("users", "role", "nobody@example.org", "Lab", "owner"), "no such user"),
        (("users", "role", "anna@example.org", "Nowhere", "owner"), "no such organization"),
        (("organizations", "group", "Lab", "Nothing"), "no such group"),
    ],
)
def test_refusals_are_one_line(run, arguments, said):
    make.user("anna@example.org")
    make.organization("Lab")
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert re.fullmatch(rf"Error: .*{said}.*\n", done.stderr)


def test_users_token(run, db_session):
    user = make.user("anna@example.org")
    key = run("users", "token", "ANNA@example.org").stdout.strip()
    assert re.fullmatch("[0-9a-f]{40}", key)
    kept = db_session.execute(select(ApiToken)).scalar_one()
    assert (kept.user_id, kept.digest) == (user.id, token_digest(key))


@pytest.mark.parametrize(("days", "told"), [("7", "It expires on 20"), ("367", "at most 365"), ("0", "at most 365")])
def test_users_token_for_some_days(run, db_session, days, told):
    make.user("anna@example.org")
    done = run("users", "token", "anna@example.org", "--days", days)
    assert told in done.stderr
    ends = db_session.execute(select(ApiToken.expires)).scalars().all()
    assert [round((end - utcnow()) / timedelta(days=1), 1) for end in ends] == ([7.0] if days == "7" else [])
    assert bool(re.fullmatch("[0-9a-f]{40}\n", done.stdout)) is (days == "7")


def test_users_role(run, db_session):
    user, lab = make.user("anna@example.org"), make.organization("Lab")
    assert run("users", "role", "anna@example.org", "Lab", "owner").exit_code == 0
    assert run("users", "role", "anna@example.org", str(lab.uuid), "manager").exit_code == 0
    [membership] = db_session.execute(select(Membership)).scalars()
    assert (membership.user_id, membership.role) == (user.id, "manager")
    assert run("users", "role", "anna@example.org", "Lab", "none").exit_code == 0
    assert not db_session.execute(select(Membership)).scalars().all()
    assert run("users", "role", "anna@example.org", "Lab", "king").exit_code == 2


def test_organizations_group(run, db_session):
    lab, club = make.organization("Lab"), make.group("Club")
    for _ in range(2):
        assert run("organizations", "group", "Lab", "Club").exit_code == 0
    assert db_session.execute(select(organization_group_members)).all() == [(lab.id, club.id)]
    assert run("organizations", "group", str(lab.uuid), str(club.uuid), "--remove").exit_code == 0
    assert db_session.execute(select(organization_group_members)).all() == []


@pytest.mark.parametrize(
    "arguments", [("users", "token", "anna@example.org"), ("calendars", "status"), ("worker", "--until-idle")]
)
def test_a_database_without_tables_is_told_in_one_line(app, tmp_path, arguments):
    empty = create_app(replace(app.extensions["portal.settings"], database_url=f"sqlite:///{tmp_path}/empty.db"))
    register_commands(empty)
    done = empty.test_cli_runner().invoke(args=list(arguments))
    assert done.exit_code == 1, done.output
    assert re.fullmatch(r"Error: The database returned an error .*db upgrade`\.\n", done.stderr)
