"""The stamp of the catalogue: it moves with every change of what readers are shown, and of who may see what.

Triggers move it (migrations 0005, 0008 and 0012), in the transaction that makes the change, so no write path can
forget it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from portal.domain.memory import Stamp
from portal.extensions import db, is_reading, transaction
from portal.models import CatalogueChange
from portal.queries.look import Look

# Rows of changes that a reader adds up without noticing.
MANY_CHANGES = 200

STAMP = (
    select(func.count(CatalogueChange.id)).scalar_subquery().label("changes"),
    select(func.coalesce(func.max(CatalogueChange.id), 0)).scalar_subquery().label("last_change"),
)
_ASK = Look(select(*STAMP))
# What the trigger asks (migration 0010), and where a session keeps that it was told.
_CHANGES = "portal.changes"
_ONCE = "changes noted once"


def present_stamp() -> Stamp:
    """The database's stamp now. One statement.

    What is read next is not older: a snapshot in which this request has read before ends here.
    """
    if is_reading():
        db.session.commit()
    row = _ASK.first()
    assert row is not None
    return row.changes, row.last_change


@contextmanager
def noted_once(session: Session) -> Iterator[None]:
    """All changes of the catalogue inside move the stamp once, with the transaction that they belong to.

    For whoever writes many rows: on PostgreSQL each statement would leave a row that every reader counts.
    """
    if session.get_bind().dialect.name != "postgresql" or session.info.get(_ONCE):
        yield
        return
    session.info[_ONCE] = True
    try:
        session.execute(select(func.set_config(_CHANGES, "once", True)))
        yield
        # Not after an error: the setting goes with what is rolled back.
        session.execute(select(func.set_config(_CHANGES, "", True)))
    finally:
        session.info[_ONCE] = False


def thin_out() -> None:
    """Keep the rows that stand for changes few (PostgreSQL notes each in a row of its own). Twice is harmless."""
    table = CatalogueChange
    with transaction() as session:
        found = session.execute(select(*STAMP)).one()
        if found.changes <= MANY_CHANGES:
            return
        # Those that others have not committed yet stay; a new last one tells readers that something moved.
        session.execute(delete(table).where(table.id <= found.last_change))
        session.execute(insert(table))
