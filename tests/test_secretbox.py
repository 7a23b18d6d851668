"""Secrets at rest: readable with the key, the salt of the installation and in their own place alone."""

import base64
import hashlib

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from portal.extensions import db, installation_salt, secret_box, secret_location
from portal.models import GoogleConnection, Installation
from portal.secretbox import PREFIX, SecretBox, SecretLocation, SecretLost

KEY = "a key of this portal"
SALT = b"s" * 32
HERE = SecretLocation("google_connections", "refresh_token", "1")
ELSEWHERE = [
    SecretLocation("consent_requests", "refresh_token", "1"),
    SecretLocation("google_connections", "access_token", "1"),
    SecretLocation("google_connections", "refresh_token", "2"),
    SecretLocation("google_connections", "refresh_token1", ""),
    SecretLocation("google_connectionsrefresh_token", "", "1"),
]


def box(key: str = KEY, salt: bytes = SALT, old: bool = False) -> SecretBox:
    return SecretBox(key, lambda: salt, lambda: old)


def by_an_earlier_version(secret: str, key: str = KEY) -> str:
    """As portal.secretbox encrypted before it knew of salts and places."""
    derived = hashlib.scrypt(key.encode(), salt=b"portal.secrets.v1", n=2**12, r=8, p=1, dklen=32)
    return Fernet(base64.urlsafe_b64encode(derived)).encrypt(secret.encode()).decode()


def test_what_was_encrypted_is_read_in_its_place_alone() -> None:
    sealed = box().encrypt("1//refresh ü", HERE)
    assert box().decrypt(sealed, HERE) == "1//refresh ü"
    assert box().encrypt("1//refresh ü", HERE) != sealed
    assert "refresh" not in sealed
    for place in ELSEWHERE:
        with pytest.raises(SecretLost):
            box().decrypt(sealed, place)


@given(st.integers(0, 200), st.integers(1, 255))
def test_what_was_altered_is_not_read(place: int, change: int) -> None:
    sealed = box().encrypt("1//refresh", HERE)
    data = bytearray(base64.urlsafe_b64decode(sealed.removeprefix(PREFIX)))
    data[place % len(data)] ^= change
    with pytest.raises(SecretLost):
        box().decrypt(PREFIX + base64.urlsafe_b64encode(data).decode(), HERE)


@pytest.mark.parametrize("nonsense", ["", PREFIX, PREFIX + "ü", PREFIX + "A", PREFIX + "AAAA", "gAAAA", "ü"])
def test_what_is_nothing_of_ours_is_not_read(nonsense: str) -> None:
    with pytest.raises(SecretLost, match="SECRET_KEY has changed"):
        box().decrypt(nonsense, HERE)


def test_another_key_or_installation_reads_nothing() -> None:
    sealed = box().encrypt("1//refresh", HERE)
    for other in (box(key="another key of it"), box(salt=b"t" * 32)):
        with pytest.raises(SecretLost):
            other.decrypt(sealed, HERE)


def test_keys_are_rotated_and_old_values_stay_readable() -> None:
    sealed, rotated = box().encrypt("1//refresh", HERE), box(key=f"a new key of it,{KEY}", old=True)
    assert rotated.decrypt(sealed, HERE) == "1//refresh"
    assert (box().is_current(sealed, HERE), rotated.is_current(sealed, HERE)) == (True, False)
    again = rotated.encrypt("1//refresh", HERE)
    assert rotated.is_current(again, HERE)
    with pytest.raises(SecretLost):
        box().decrypt(again, HERE)
    old = by_an_earlier_version("1//refresh")
    assert (rotated.decrypt(old, HERE), rotated.is_current(old, HERE)) == ("1//refresh", False)
    with pytest.raises(SecretLost):
        box(key="another key of it", old=True).decrypt(old, HERE)
    with pytest.raises(SecretLost):
        box(old=False).decrypt(old, HERE)


def test_the_salt_is_read_once_and_only_where_something_is_encrypted() -> None:
    asked = []
    found = SecretBox(KEY, lambda: asked.append(1) or SALT, lambda: True)
    assert found.decrypt(by_an_earlier_version("x"), HERE) == "x"
    assert asked == []
    found.decrypt(found.encrypt("x", HERE), HERE)
    assert asked == [1]


def test_an_installation_has_a_salt_in_its_database(live_database) -> None:
    with live_database.app.app_context():
        mine = installation_salt()
        assert len(mine) == 32
        assert len(set(mine)) > 8
        # Reading it leaves nothing open, whatever comes next.
        assert not db.session().in_transaction()
        assert db.session.scalars(select(Installation.id)).all() == [1]
        db.session.rollback()
        place = secret_location(GoogleConnection.refresh_token, "1")
        assert place == HERE
        sealed = secret_box().encrypt("1//refresh", place)
        assert SecretBox(live_database.app.config["SECRET_KEY"], lambda: mine).decrypt(sealed, place) == "1//refresh"


def test_a_database_has_one_salt(app) -> None:
    with app.app_context(), pytest.raises(IntegrityError, match="ck_installation_one_row"):
        db.session.execute(text("INSERT INTO installation (id, salt) VALUES (2, 'x')"))
