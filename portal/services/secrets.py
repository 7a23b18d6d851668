"""Encrypting anew everything that is kept encrypted: with the first key of SECRET_KEY, bound to its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from portal.extensions import secret_box, secret_location, transaction
from portal.models import ConsentRequest, GoogleConnection, Installation, OutgoingMail
from portal.secretbox import SecretLost

# Every column that is encrypted, and the one that identifies its row in its place.
ENCRYPTED: tuple[tuple[InstrumentedAttribute[Any], InstrumentedAttribute[Any]], ...] = (
    (GoogleConnection.refresh_token, GoogleConnection.uuid),
    (GoogleConnection.access_token, GoogleConnection.uuid),
    (ConsentRequest.code_verifier, ConsentRequest.state_digest),
    (OutgoingMail.sealed_secret, OutgoingMail.uuid),
)


@dataclass(slots=True)
class Resealed:
    """How many values were encrypted anew, were as they should be, and could not be read with any key."""

    changed: int = 0
    unchanged: int = 0
    unreadable: int = 0


def reseal() -> Resealed:
    """Encrypt anew what an earlier version or an earlier key encrypted.

    Values that are not bound to a place, of versions before 0019, are refused from then on. What cannot be read stays,
    and cannot be read later either. One transaction; idempotent.
    """
    box, done = secret_box(), Resealed()
    with transaction() as session:
        for column, row in ENCRYPTED:
            for value, name in session.execute(select(column, row).where(column != "").with_for_update()).all():
                place = secret_location(column, name)
                if box.is_current(value, place):
                    done.unchanged += 1
                    continue
                try:
                    encrypted = box.encrypt(box.decrypt(value, place), place)
                except SecretLost:
                    done.unreadable += 1
                    continue
                session.execute(
                    update(column.class_)
                    .where(row == name)
                    .values({column.key: encrypted})
                    .execution_options(synchronize_session=False)
                )
                done.changed += 1
        session.execute(update(Installation).values(old_secrets=False).execution_options(synchronize_session=False))
    return done
